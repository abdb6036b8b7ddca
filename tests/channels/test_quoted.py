"""Drafts and waiting messages lose what they quote of a message that its author deletes, and the gate stops what rests on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from kith.base.clock import now
from kith.channels.compose import Compose, verdict_preview
from kith.channels.outbox import message_send
from kith.channels.parser import Parser
from kith.channels.quoted import MARK, quotes_out
from kith.contacts.models import Identity
from kith.contacts.services import contact_for_identity, fact_record
from kith.conversations.models import Draft, Message
from kith.core import company, events
from kith.networks.models import ChannelAccount
from kith.trust.facts_used import used_fact
from kith.trust.models import Touch
from kith.trust.services.held import held_keep, held_of
from tests.channels.test_upstream import SAID, everywhere, said, tell
from tests.support import house

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as made:
        yield made


@pytest.fixture
def account() -> ChannelAccount:
    company.set_value("name", "Bicycles Ltd")
    return house.account("webhook", secrets={"signing_secret": "x" * 40}, name="Shop", external_id="shop")


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("> one\n> two\n\nYes.", "one\ntwo", f"{MARK}\n\nYes."),
        (">  one\n>\n> two\nYes.", "one\n\ntwo", f"{MARK}\nYes."),
        ("> > one\nYes.", "one", f"{MARK}\nYes."),
        ("> three\nYes.", "one", "> three\nYes."),
        ("one", "one", "one"),
        ("You said: I am looking for a quokka!", "I am looking for a quokka", "You said: […]!"),
        ("", "one", ""),
        ("Yes.", "", "Yes."),
        (">", "one", ">"),
    ],
)
def test_what_quotes_is_taken_out(text: str, gone: str, left: str) -> None:
    assert quotes_out(text, gone) == left
    assert quotes_out(left, gone) == left


def test_a_draft_says_that_its_quotation_is_gone(account: ChannelAccount, parser: Parser) -> None:
    message = said(account, parser, "post-1")
    talk = message.copies.get().thread.conversation_id
    user = house.user()
    Draft.objects.create(
        user=user, conversation_id=talk, body=f"> {SAID}\n\nCome and see ours.", reply_to_id=message.pk
    )
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = reverse("conversation", args=[talk])
    assert "data-source-gone" not in client.get(page).content.decode()
    tell(account, parser, "message.deleted", id="post-1")
    assert everywhere("quokka") == []
    assert Draft.objects.get().body == f"{MARK}\n\nCome and see ours."
    shown = client.get(page).content.decode()
    assert "data-source-gone" in shown
    assert "Come and see ours." in shown


def test_the_gate_denies_an_answer_to_what_is_gone(account: ChannelAccount, parser: Parser) -> None:
    message = said(account, parser, "post-1")
    person = message.participants.get(role="from").identity
    answer = Compose(
        user=house.user(),
        account=account,
        text="Come and see ours.",
        recipients=((person.pk, "to"),),
        conversation_id=message.copies.get().thread.conversation_id,
        reply_to=message,
        visibility="public",
    )
    assert verdict_preview(answer).rule != "source_deleted"
    tell(account, parser, "message.deleted", id="post-1")
    message.refresh_from_db()
    said_now = verdict_preview(answer.__class__(**{**vars_of(answer), "reply_to": message}))
    assert (said_now.outcome, said_now.rule) == ("deny", "source_deleted")


def vars_of(compose: Compose) -> dict[str, object]:
    return {name: getattr(compose, name) for name in compose.__slots__}


@pytest.mark.parametrize("state", ["scheduled", "held", "queued"])
def test_what_waits_to_be_sent_is_stopped_and_its_quotation_taken_out(
    account: ChannelAccount, parser: Parser, state: str
) -> None:
    message = said(account, parser, "post-1")
    person = message.participants.get(role="from").identity
    talk = message.copies.get().thread.conversation_id
    sent = message_send(
        Compose(
            user=house.user(),
            account=account,
            text=f"> {SAID}\n\nCome and see ours.",
            signature="Mara",
            recipients=((person.pk, "to"),),
            conversation_id=talk,
            reply_to=message,
            visibility="public",
        )
    )
    other = message_send(
        Compose(
            user=None,
            account=account,
            text="Something else",
            recipients=((person.pk, "to"),),
            conversation_id=talk,
            visibility="public",
        )
    )
    Message.objects.filter(pk__in=[sent.message_id, other.message_id]).update(state=state)
    tell(account, parser, "message.deleted", id="post-1")
    assert everywhere("quokka") == []
    events.pump()
    ours = Message.objects.get(pk=sent.message_id)
    assert ours.text == f"{MARK}\n\nCome and see ours.\n\n-- \nMara"
    assert ours.text[: ours.signature_at] == f"{MARK}\n\nCome and see ours."
    touch = Touch.objects.filter(subject_id=ours.pk).order_by("-id").first()
    assert touch is not None
    if state == "queued":  # asked at the moment of sending
        from kith.trust.services import touches_recheck

        verdict = touches_recheck(ours.pk)
        assert verdict is not None
        assert (verdict.outcome, verdict.rule) == ("deny", "source_deleted")
    else:
        assert ours.state == "held"
        decision = touch.decisions.get()
        assert (touch.state, decision.outcome, decision.rule) == ("denied", "deny", "source_deleted")
    assert Message.objects.get(pk=other.message_id).state == state  # what rests on nothing of it waits on


def test_what_is_held_and_rests_on_it_is_asked_about_at_once(account: ChannelAccount, parser: Parser) -> None:
    message = said(account, parser, "post-1")
    person = Identity.objects.get(external_id="ada")
    contact = contact_for_identity(identity=person)
    fact = fact_record(
        contact_id=contact.pk, attribute="wants", value="a quokka", source="public_post", quote=SAID,
        message_id=message.pk,
    )  # fmt: skip
    held = Touch.objects.create(
        identity=person, kind="campaign", channel="direct", purpose="news", state="held", mailing_id=person.pk,
        based_on=[used_fact(fact).kept()], planned_for=now().replace(year=2100),
    )  # fmt: skip
    other = Touch.objects.create(
        identity=person, kind="campaign", channel="direct", purpose="news", state="held", mailing_id=person.pk,
        planned_for=now().replace(year=2100),
    )  # fmt: skip
    tell(account, parser, "message.deleted", id="post-1")
    held.refresh_from_db()
    other.refresh_from_db()
    assert held.planned_for <= now()
    assert other.planned_for > now()
    for one in held_of(person.pk):
        if one.touch == held:
            held_keep(one)
    held.refresh_from_db()
    assert held.state == "denied"
    assert held.decisions.get().rule == "source_deleted"
