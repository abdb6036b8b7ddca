"""What a company that has known its people for a while has noted of them: who looks after whom, tags, where they work."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from kith.contacts.models import Contact, Tag
from kith.contacts.services import affiliation_record, contacts_tag, organization_get_or_create
from kith.workspace.demo.house import House

TAGS = ("regular", "commuter", "touring", "school run", "club")
# By the city in which somebody lives: (company, roles there).
COMPANIES = {
    "Leeds": ("Headingley Wheelers", ("Captain", "Treasurer", "Ride leader")),
    "York": ("Headingley Wheelers", ("Ride leader", "Member")),
    "Köln": ("Kurier Kollektiv Köln", ("Courier", "Dispatcher")),
    "Malmö": ("Malmö Lastcyklar", ("Buyer", "Workshop manager")),
    "Valencia": ("Escuela Río Turia", ("Teacher", "Caretaker")),
    "Bristol": ("Bristol Parcel Co-op", ("Fleet manager", "Courier")),
}


def tend(house: House, contacts: Mapping[str, Contact]) -> None:
    """The same for the same people every time."""
    dice = Random(19)  # noqa: S311  (the same demo every time)
    colleagues = [house.users[name] for name in sorted(house.users)]
    tagged: dict[str, list[Contact]] = {name: [] for name in TAGS}
    owned: dict[str, list[Contact]] = {}
    for _key, contact in sorted(contacts.items()):
        if dice.random() < 0.3:
            for name in dice.sample(TAGS, dice.choice((1, 1, 2))):
                tagged[name].append(contact)
        if dice.random() < 0.3:
            owned.setdefault(str(dice.choice(colleagues).pk), []).append(contact)
        if dice.random() < 0.3 and contact.city in COMPANIES:
            name, roles = COMPANIES[contact.city]
            affiliation_record(
                contact_id=contact.pk,
                organization=organization_get_or_create(name=name),
                role=dice.choice(roles),
            )
    for name, people in tagged.items():
        tag, _new = Tag.objects.get_or_create(name=name)
        contacts_tag(contact_ids=[contact.pk for contact in people], tag=tag)
    for owner, people in owned.items():
        Contact.objects.filter(pk__in=[contact.pk for contact in people]).update(owner_id=owner)
