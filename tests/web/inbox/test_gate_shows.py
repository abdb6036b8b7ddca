"""What the gate says while one writes: by HTTP. The same in Chromium in test_gate_flows.py."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kith.base.clock import frozen, now
from kith.contacts.models import Fact, Identity
from kith.contacts.services import contact_for_identity, fact_record
from kith.conversations.models import Message
from kith.networks.models import ChannelAccount
from kith.teams.models import Notification, User
from kith.trust.models import Consent, Decision, Invitation, Situation, Topic, Touch
from tests.support import house
from tests.web.inbox.desk import asked, client_of, played

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """At night another rule speaks."""
    with frozen(datetime.now(tz=UTC).replace(hour=12, minute=0)):
        yield


@pytest.fixture
def mara() -> User:
    return house.user()


@pytest.fixture
def account() -> ChannelAccount:
    return played()


def said(client: Client, where: object, text: str, **rest: object) -> str:
    answer = client.post(reverse("draft", args=[where]), {"text": text, **rest})
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def writing(client: Client, account: ChannelAccount, text: str, **rest: object) -> str:
    values = {"account": str(account.pk), "text": text, **rest}
    return html.unescape(client.post(reverse("write_draft"), values).content.decode())


def person(external_id: str = "ada@x.example") -> Any:
    return contact_for_identity(identity=Identity.objects.get(external_id=external_id))


def willing(external_id: str = "ada@x.example") -> Identity:
    one = Identity.objects.get(external_id=external_id)
    Consent.objects.create(
        identity=one, purpose="all", channel="email", status="given", given_at=now(), proof={}
    )
    person(external_id)
    one.refresh_from_db()
    contact = one.contact
    assert contact is not None
    contact.time_zone, contact.name_confidence = "UTC", 0.9
    contact.save()
    return one


def test_a_plain_allow_is_a_tick(mara: User, account: ChannelAccount) -> None:
    where, _message = asked(account)
    text = said(client_of(mara), where, "It is here.")
    assert "data-allowed" in text
    assert "data-steps" not in text


def test_an_answer_with_another_name_goes_but_write_steve_is_offered(
    mara: User, account: ChannelAccount
) -> None:
    where, _message = asked(account)
    fact_record(contact_id=person().pk, attribute="preferred_name", value="Steve", source="told_us")
    client = client_of(mara)
    text = said(client, where, "Hi Stephen,\nit is here.")
    assert "They are called Steve, not Stephen." in text
    assert 'data-was="Stephen" data-now="Steve"' in text
    assert "data-was" not in said(client, where, "Hi Steve,\nit is here.")
    sent = client.post(reverse("reply", args=[where]), {"text": "Hi Stephen,\nit is here."})
    assert sent.status_code == 200
    assert Message.objects.get(direction="out").state == "queued"


def test_a_letter_of_ours_with_another_name_is_held_and_says_what_to_write(
    mara: User, account: ChannelAccount
) -> None:
    asked(account)
    fact_record(contact_id=person().pk, attribute="preferred_name", value="Steve", source="told_us")
    client = client_of(mara)
    text = writing(client, account, "Hi Stephen,\nyour bike is ready.", to="ada@x.example")
    assert "Rule: name" in text
    assert "Write “Steve”" in text
    sent = client.post(
        reverse("write"), {"account": str(account.pk), "to": "ada@x.example", "text": "Hi Stephen,\nready"}
    )
    assert "HX-Redirect" in sent.headers
    assert Decision.objects.latest("id").rule == "name"


def test_an_offer_too_soon_says_when_and_a_manager_may_send_it_with_a_reason(
    mara: User, account: ChannelAccount
) -> None:
    boss = house.user("Boss", role="manager")
    _where, _message = asked(account)
    one = willing()
    Topic.objects.create(key="tours", name="Tours")
    Touch.objects.create(
        identity=one, contact=one.contact, kind="campaign", channel="email", state="made",
        planned_for=now() - timedelta(days=2), made_at=now() - timedelta(days=2),
    )  # fmt: skip
    Situation.objects.update(last_inbound_at=now() - timedelta(days=40))
    letter = {"to": "ada@x.example", "about": "tours"}
    text = writing(client_of(mara), account, "Come along on a tour.", **letter)
    assert "Rule: pace" in text
    assert 'name="send_at"' in text
    assert 'name="ask_manager"' in text
    assert 'name="anyway"' not in text
    asks = client_of(mara).post(
        reverse("write"), {"account": str(account.pk), "text": "Come along.", "ask_manager": "1", **letter}
    )
    assert "HX-Redirect" in asks.headers
    assert [n.user for n in Notification.objects.filter(kind="approval")] == [boss]
    assert Message.objects.get(direction="out").state == "held"
    theirs = {"account": str(account.pk), "text": "Come along!", "anyway": "1", **letter}
    assert 'name="anyway"' in writing(client_of(boss), account, "Come along.", **letter)
    assert client_of(boss).post(reverse("write"), {**theirs, "reason": " "}).status_code == 422
    client_of(boss).post(reverse("write"), {**theirs, "reason": "They asked on the phone."})
    gone = Decision.objects.latest("id")
    assert (gone.rule, gone.outcome, gone.override_reason) == ("pace", "allow", "They asked on the phone.")
    # A matter of theirs is no offer.
    assert "data-allowed" in writing(client_of(mara), account, "Ready.", to="ada@x.example", about="service")


def test_the_only_user_approves_alone(mara: User, account: ChannelAccount) -> None:
    asked(account)
    one = willing()
    Situation.objects.filter(identity=one).update(open_case="angry")
    text = writing(client_of(mara), account, "Come along.", to="ada@x.example", about="offers")
    assert "Rule: open_complaint" in text
    assert 'name="anyway"' in text
    assert 'name="ask_manager"' not in text


def test_a_letter_before_it_is_sent_makes_nobody_known(mara: User, account: ChannelAccount) -> None:
    before = Identity.objects.count()
    text = writing(client_of(mara), account, "Hi Nobody,\nhello.", to="nobody@y.example")
    assert "Rule: name" in text
    assert Identity.objects.count() == before


def test_what_was_said_in_public_is_answered_there_unless_they_invited_us(
    mara: User, account: ChannelAccount
) -> None:
    public = played("mastodon", "us@social.example")
    where, message = asked(public, "Looking for a bike", who="ada@social.example", visibility="public")
    one = Identity.objects.get(external_id="ada@social.example")
    client = client_of(mara)
    # By mail, which they never wrote to us, it would follow them home; in public it may be answered.
    person("ada@social.example")
    one.refresh_from_db()
    Identity.objects.create(
        network="email", external_id="ada@home.example", handle="ada@home.example", contact=one.contact
    )
    page = html.unescape(client.get(reverse("conversation", args=[where])).content.decode())
    ways = dict(re.findall(r'name="via" value="([^"]*)" data-kept data-visibility="(\w+)"', page))
    by_mail = next(way for way, visibility in ways.items() if visibility == "private")
    in_public = next(way for way, visibility in ways.items() if visibility == "public")
    text = said(client, where, "We have one for you.", via=by_mail)
    assert "Rule: channel_jump" in text
    assert f'data-way="{in_public}"' in text
    assert "They invited it" in text
    assert "data-allowed" in said(client, where, "We have one for you.", via=in_public)
    passed_on = said(client, where, "Have a look.", mode="forward", to="supplier@y.example")
    assert "data-allowed" in passed_on
    made = client.post(
        reverse("invited", args=[where]), {"identity": str(one.pk), "invited_quote": "Write me a message"}
    )
    assert made.status_code == 200
    row = Invitation.objects.get()
    assert (row.quote, row.recorded_by, row.message_id) == ("Write me a message", mara, message.pk)
    assert "data-allowed" in said(client, where, "We have one for you.", via=by_mail)
    assert timedelta(days=29) < row.ends_at - now() < timedelta(days=31)
    client.post(f"{reverse('invited', args=[where])}?undo={row.pk}")
    row.refresh_from_db()
    assert row.ends_at <= now()
    elsewhere = client.post(reverse("invited", args=[where]), {"identity": "0" * 32, "invited_quote": "x"})
    assert elsewhere.status_code == 404


def test_a_complaint_stops_selling_until_it_is_closed(mara: User, account: ChannelAccount) -> None:
    where, message = asked(account)
    client = client_of(mara)

    def case() -> str:
        return Situation.objects.get(identity=message.sender_id).open_case

    client.post(reverse("complaint", args=[where]), {"on": "1"})
    assert case() == "angry"
    assert "Mara called it a complaint" in client.get(reverse("conversation", args=[where])).content.decode()
    client.post(reverse("status", args=[where]), {"status": "closed"})
    assert case() == ""
    asked(account, "And now?")  # writes again: the conversation opens, and with it the complaint
    client.post(reverse("status", args=[where]), {"status": "open"})
    assert case() == "angry"
    answer = client.post(reverse("complaint", args=[where]), {"on": ""})
    assert case() == ""
    undo = re.search(r"/inbox/undo/[0-9a-f-]+/", answer.content.decode())
    assert undo is not None
    client.post(undo[0])
    assert case() == "angry"


def test_what_the_draft_uses_is_shown_with_its_source(mara: User, account: ChannelAccount) -> None:
    where, _message = asked(account)
    contact = person()
    fact_record(contact_id=contact.pk, attribute="city", value="Leeds", source="told_us")
    music = fact_record(
        contact_id=contact.pk, attribute="interest", value="Grateful Dead", source="public_post",
        quote="On the way to the Dead",
    )  # fmt: skip
    fact_record(
        contact_id=contact.pk,
        attribute="note",
        value="expects twins",
        source="inferred",
        sensitivity="pregnancy",
    )
    client = client_of(mara)
    assert "data-used-facts" not in said(client, where, "It is here, thanks for your order.")
    text = said(
        client, where, "Our shop in Leeds has tickets for the Grateful Dead; bring the twins you expect."
    )
    shown = re.findall(r"never told us|told us", text)
    assert "sensitive, and never told us" in text
    assert len(shown) >= 3
    assert "On the way to the Dead" in text
    assert "data-allowed" in text  # an answer is not held for it
    client.post(reverse("fact_told", args=[music.pk]))
    told = Fact.objects.get(attribute="interest", retracted_at=None)
    assert (told.source, told.value, told.recorded_by, told.corrects_id) == (
        "told_us", "Grateful Dead", mara, music.pk,
    )  # fmt: skip
    client.post(f"{reverse('fact_told', args=[told.pk])}?undo=1")
    assert Fact.objects.get(attribute="interest", retracted_at=None).pk == music.pk


def test_an_offer_with_what_they_never_told_us_is_held_with_the_fact(
    mara: User, account: ChannelAccount
) -> None:
    asked(account)
    one = willing()
    music = fact_record(
        contact_id=person().pk, attribute="interest", value="Grateful Dead", source="inferred"
    )
    letter = {"account": str(account.pk), "to": one.external_id, "about": "offers"}
    text = "Tickets for the Grateful Dead!"
    assert "Rule: surprise" in writing(client_of(mara), account, text, to=one.external_id, about="offers")
    client_of(mara).post(reverse("write"), {**letter, "text": text})
    touch = Touch.objects.get(kind="outreach")
    assert touch.state == "held"
    assert [row["fact_id"] for row in touch.based_on] == [str(music.pk)]
