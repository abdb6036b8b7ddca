"""Two mailings of the demo: one whose dry run can be looked at, and one that the gate holds back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from kith.campaigns.models import Mailing
from kith.campaigns.services import drafts
from kith.campaigns.services.check import mailing_check
from kith.campaigns.services.send import send
from kith.contacts.models import Contact
from kith.trust.types import UsedFact
from kith.workspace.demo.house import House

RIDES = """Hello {name},

on Sunday we ride to the lake: forty slow kilometres, a ferry, and cake at the half. Whoever has no bicycle fit for it gets one
from the shop. Write back if you come, so that the cake is enough.

See you there
Velo Hof"""
SEATS = """Hello {name},

the child seats are in, and this week they cost a fifth less.

Velo Hof"""


def mailings(house: House, contacts: Mapping[str, Contact]) -> None:
    """The ride is checked for everybody and waits for a manager; the seats went out, and nobody got them."""
    everybody = {"ids": [str(contact.pk) for contact in contacts.values()], "said": "Everybody"}
    rides = _draft(
        house,
        everybody,
        "Sunday rides in May",
        "rides",
        "On Sunday: to the lake, and back before dark",
        RIDES,
    )
    mailing_check(mailing=rides)
    readers = {"ids": [str(contacts["hannah"].pk)], "said": "Who bought a book about babies"}
    seats = _draft(
        house, readers, "Child seats, while they last", "offers", "Child seats, while they last", SEATS
    )
    used = UsedFact("Bought a book about babies on bikes", "purchase", "gift", ("offers",))
    Mailing.objects.filter(pk=seats.pk).update(based_on=[used.kept()])
    seats = mailing_check(mailing=seats)
    Mailing.objects.filter(pk=seats.pk).update(
        state=Mailing.State.SENDING,
        sent_by=house.users["mara"],
        sent_at=rides.created_at - timedelta(hours=3),
    )
    send(seats.pk)


def _draft(
    house: House, people: Mapping[str, object], title: str, purpose: str, subject: str, text: str
) -> Mailing:
    made = drafts.mailing_create(
        user=house.users["mara"], people=people, account=house.accounts["shop"], title=title
    )
    Mailing.objects.filter(pk=made.pk).update(purpose=purpose, subject=subject, text=text)
    made.refresh_from_db()
    return made
