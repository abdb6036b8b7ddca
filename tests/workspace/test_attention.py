"""The calendar of a person's attention, the balance of what we gave and asked, and the pressure of the whole company."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from kith.base.clock import frozen, now
from kith.contacts.models import Identity
from kith.contacts.selectors import contact_family
from kith.contacts.services import contact_create, contact_for_identity
from kith.teams.models import Division, User
from kith.teams.selectors import viewer_of
from kith.trust.models import Decision, Touch
from kith.trust.pressure import cap_shares, pressure_weeks
from kith.work.models import Promise
from kith.workspace.attention import attention_of
from tests.support import house
from tests.web.inbox.desk import asked, client_of, played, send_due

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with frozen(datetime.now(tz=UTC).replace(hour=12, minute=0)):
        yield


@pytest.fixture
def mara() -> User:
    return house.user(role="manager")


def touch(contact: Any, identity: Identity, *, days: float, kind: str = "campaign", **rest: Any) -> Touch:
    at = now() - timedelta(days=days)
    values = {"channel": "email", "purpose": "tours", "state": "made", "title": "Tours", **rest}
    return Touch.objects.create(
        identity=identity, contact=contact, kind=kind, planned_for=at,
        made_at=at if values["state"] == "made" else None, **values,
    )  # fmt: skip


def test_what_reached_them_what_was_held_and_what_we_gave(mara: User) -> None:
    where, message = asked(played())
    identity = Identity.objects.get(pk=message.sender_id)
    contact = contact_for_identity(identity=identity)
    sales, shop = Division.objects.create(name="Sales"), Division.objects.create(name="Shop")
    for n in range(18):
        touch(contact, identity, days=10 + n * 18, division=sales if n % 3 else shop)
    held = touch(contact, identity, days=1, state="held", division=shop)
    Decision.objects.create(
        touch=held, outcome="hold", rule="open_complaint", sentence="x", values={}, until=None
    )
    Promise.objects.create(contact=contact, who=mara, what="A new saddle", kept_at=now() - timedelta(days=3))
    Promise.objects.create(contact=contact, who=mara, what="Nothing yet")
    client = client_of(mara)
    client.post(reverse("reply", args=[where]), {"text": "It is here."})
    send_due()
    client.post(
        reverse("reply", args=[where]),
        {"text": "And once more.", "send_at": (now() + timedelta(days=3)).isoformat()},
    )
    family = contact_family(contact.pk)
    assert family is not None
    found = attention_of(viewer_of(mara), family)
    assert [row.state for row in found.rows][:2] == ["planned", "made"]
    assert [row.why for row in found.rows if row.state == "held"] == [
        "They have an open complaint; nothing is sold to them until it is solved."
    ]
    assert dict(found.divisions) == {"Sales": 12, "Shop": 6}
    assert [(one.sort, one.what) for one in found.gave] == [
        ("Answer", "Re: My bike"),
        ("Promise kept", "A new saddle"),
    ]
    assert found.gave[0].conversation_id == where
    assert len(found.asked) == 18
    year = found.caps[0]
    assert (year.name, year.count, year.limit) == ("year", 18, 18)
    assert year.free_at == now() - timedelta(days=10 + 17 * 18) + timedelta(days=365)
    assert sum(week.selling for week in found.weeks) == 18
    page = client.get(reverse("person_attention", args=[contact.pk])).content.decode()
    assert "18 of 18 offers" in page
    assert page.count('data-state="made"') == 19
    alone = client.get(reverse("person_attention", args=[contact.pk]), {"show": "held"}).content.decode()
    assert alone.count("data-state=") == 1


def test_what_a_colleague_may_not_see_has_no_words(mara: User) -> None:
    private = played(scope=house.team_scope(house.team("Board", mara)))
    where, message = asked(private)
    contact = contact_for_identity(identity=Identity.objects.get(pk=message.sender_id))
    client_of(mara).post(reverse("reply", args=[where]), {"text": "The secret plan"})
    send_due()
    family = contact_family(contact.pk)
    assert family is not None
    (mine,) = attention_of(viewer_of(mara), family).rows
    assert mine.title == "Re: My bike"
    (theirs,) = attention_of(viewer_of(house.user("Olu")), family).rows
    assert (theirs.title, theirs.seen, theirs.conversation_id) == ("", False, None)


def test_the_pressure_of_the_company_by_week_and_division(mara: User) -> None:
    account = played()
    sales = Division.objects.create(name="Sales")
    for n in range(3):
        _where, message = asked(account, who=f"p{n}@x.example")
        identity = Identity.objects.get(pk=message.sender_id)
        contact = contact_for_identity(identity=identity)
        for week in range(n + 1):
            touch(contact, identity, days=week * 7 + 1, division=sales)
        touch(contact, identity, days=2, kind="transactional")
    weeks = pressure_weeks()
    assert sum(one.count for one in weeks if one.selling) == 6
    assert {one.division for one in weeks if one.selling} == {"Sales"}
    assert sum(one.count for one in weeks if not one.selling) == 3
    shares = {one.name: (one.people, one.full) for one in cap_shares()}
    assert shares == {"year": (3, 0), "month": (3, 1), "week": (3, 3)}
    page = client_of(mara).get(reverse("pressure")).content.decode()
    assert "chart-tone-0" in page
    assert "1 of 3" in page
    assert "at the cap of 3 offers in 30 days" in page
    assert client_of(house.user("Olu")).get(reverse("pressure")).status_code == 403


def test_a_person_without_addresses_has_an_empty_calendar(mara: User) -> None:
    contact = contact_create(name="Nobody")
    page = client_of(mara).get(reverse("person_attention", args=[contact.pk]))
    assert page.status_code == 200
    assert "Nothing here yet" in page.content.decode()
    assert client_of(mara).get(reverse("pressure")).status_code == 200
