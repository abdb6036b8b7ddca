"""What the demo's people heard from the company's divisions, what they agreed to, and what the gate holds back from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from kith.contacts.models import Contact, Identity
from kith.teams.models import Division
from kith.trust.models import Consent, Preference, Topic, Touch
from kith.workspace.demo.house import House

# key, name, what it is about, which division, and what it sends.
TOPICS = (
    ("rides", "Rides and routes", "Where to go on Sunday, from people who were there.", 2,
     ("Sunday rides in May", "A lake, and back before dark", "The club meets again")),
    ("workshop", "Care and repair", "What a bicycle needs in each season, and when we have time for it.", 1,
     ("Winter check: what we look at", "Is your chain worn?", "A free hour in the workshop")),
    ("offers", "New bicycles and offers", "What is new, and what is cheaper this week.", 0,
     ("The cargo bicycle is here", "Child seats, while they last", "Last year's frames")),
)  # fmt: skip
TEXT = "Yes, write to me about this by e-mail. I can end it at any time."


def topics_make(house: House) -> list[Topic]:
    """The topics, each with a division of the company."""
    return [
        Topic.objects.create(
            key=key,
            name=name,
            about=about,
            position=number,
            division=house.divisions[division % len(house.divisions)],
        )
        for number, (key, name, about, division, _) in enumerate(TOPICS)
    ]


def agreed(
    contacts: Mapping[str, Contact], filled: Sequence[str], topics: Sequence[Topic], today: datetime
) -> None:
    """Half of the everyday people chose a topic or two; each heard of them now and then, and one unsubscribed."""
    chance = Random(11)  # noqa: S311  (the same demo every time)
    mails = _mail_identities([contacts[key] for key in filled])
    consents, touches, wishes = [], [], []
    for key in filled:
        identity = mails.get(contacts[key].pk)
        if identity is None or chance.random() < 0.5:
            continue
        for topic in chance.sample(list(topics), chance.choice((1, 1, 2))):
            since = today - timedelta(days=chance.randint(120, 700))
            consents.append(_consent(identity, topic.key, since))
            titles = TOPICS[topic.position][4]
            for number in range(chance.randint(1, 4)):
                at = today - timedelta(
                    days=20 + number * 60 + chance.randint(0, 25), hours=chance.randint(0, 8)
                )
                if at > since:
                    touches.append(_touch(identity, contacts[key], topic, titles[number % 3], at))
        if chance.random() < 0.08:
            consents.append(
                _consent(identity, "all", today - timedelta(days=chance.randint(1, 19)), "withdrawn")
            )
        elif chance.random() < 0.1:
            wishes.append(Preference(identity=identity, per_month=1))
    Consent.objects.bulk_create(consents)
    Touch.objects.bulk_create(touches)
    Preference.objects.bulk_create(wishes)


def mailed(house: House, contact: Contact, times: int, topics: Sequence[Topic], today: datetime) -> None:
    """One who bought one bicycle, and heard of it from every division, week after week."""
    identity = _mail_identities([contact])[contact.pk]
    Consent.objects.create(**_values(identity, "offers", today - timedelta(days=600)))
    Touch.objects.bulk_create(
        _touch(
            identity,
            contact,
            topics[number % len(topics)],
            TOPICS[number % len(topics)][4][number // 3 % 3],
            today - timedelta(days=2 + number * 9),
            house.divisions[number % len(house.divisions)],
        )
        for number in range(times)
    )


def _mail_identities(contacts: Sequence[Contact]) -> dict[object, Identity]:
    found = Identity.objects.filter(contact__in=contacts, external_id__contains="@", handle__contains="@")
    return {
        identity.contact_id: identity
        for identity in found.order_by("-id")
        if "://" not in identity.external_id
    }


def _values(identity: Identity, purpose: str, at: datetime, status: str = "given") -> dict[str, object]:
    return {
        "identity": identity,
        "purpose": purpose,
        "channel": "email",
        "status": status,
        "given_at": at,
        "proof": {"text": TEXT, "at": at.isoformat(), "method": "form on the website"},
    }


def _consent(identity: Identity, purpose: str, at: datetime, status: str = "given") -> Consent:
    return Consent(**_values(identity, purpose, at, status))


def _touch(
    identity: Identity,
    contact: Contact,
    topic: Topic,
    title: str,
    at: datetime,
    division: Division | None = None,
) -> Touch:
    return Touch(
        identity=identity, contact=contact, kind="campaign", channel="email", purpose=topic.key, title=title,
        actor="automation", state=Touch.State.MADE, division=division or topic.division, planned_for=at, made_at=at,
    )  # fmt: skip
