"""Who answers an offer with "unsubscribe" and nothing else is unsubscribed; who says it otherwise is not."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from kith.base.clock import now
from kith.channels.outbox import Compose, message_send
from kith.channels.stopping import SAID, on_message_recorded, says_stop
from kith.contacts.models import Identity
from kith.contacts.services import contact_for_identity
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import ConversationLogEntry, Message
from kith.conversations.services import messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.core import events
from kith.networks.models import ChannelAccount
from kith.trust.models import Consent
from kith.trust.services import Proof, consent_record, resubscribe, topic_save, unsubscribe
from tests.web.my.post import Post, deliver_all, post_open

pytestmark = pytest.mark.django_db
ADA = "ada@outside.example"


@pytest.mark.parametrize("word", sorted(SAID))
def test_a_word_is_told_in_the_mail_and_in_the_subject_alone(word: str) -> None:
    assert says_stop("Re: New bells", f"  {word.upper()}.\n")
    assert says_stop(f"Re: {word}", "")
    assert not says_stop(word, f"{word} sending me the blue ones")
    assert not says_stop("Re: New bells", "")


@pytest.mark.parametrize(
    "text",
    ["Stop by on Monday", "Please stop the engine", "unsubscribe my colleague Bob", "", "x" * 5000, "🛑"],
)
def test_what_says_more_or_less_is_left_to_people(text: str) -> None:
    assert not says_stop("Re: New bells", text)


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> tuple[ChannelAccount, Message, Identity]:
    from kith.policy import rules

    monkeypatch.setattr(rules, "quiet_until", lambda *given: None)
    post: tuple[Post, ChannelAccount] = post_open(monkeypatch)
    news = topic_save(name="News")
    ada = Identity.objects.create(network="email", external_id=ADA, handle=ADA, display_name="Ada")
    contact_for_identity(identity=ada)
    consent_record(
        identity_id=ada.pk, purpose=news.key, channel="email", status="given", proof=Proof("visit", "yes")
    )
    sent = message_send(
        Compose(
            user=None, account=post[1], text="New bells", subject="New bells", recipients=((ada.pk, "to"),),
            kind="campaign", actor="automation", purpose="news", undo_seconds=0,
        )
    )  # fmt: skip
    assert deliver_all() == 1
    return post[1], Message.objects.get(pk=sent.message_id), ada


def answer(account: ChannelAccount, text: str, **rest: object) -> Message:
    who = IncomingParticipant(ObservedIdentity("email", ADA, display_name="Ada"), "from", verified="domain")
    values: dict[str, object] = {
        "external_id": f"<{uuid.uuid4()}@outside.example>", "at": now(), "participants": (who,), "text": text,
        "subject": "Re: New bells", "own_key": str(uuid.uuid4()),
    }  # fmt: skip
    place = Place(account.network, account.scope_id, channel_account_id=account.pk)
    messages_record(place, [IncomingMessage(**{**values, **rest})])  # type: ignore[arg-type]
    events.pump()
    return Message.objects.filter(direction="in").latest("received_at")


def withdrawn() -> list[tuple[str, str]]:
    return list(Consent.objects.filter(status="withdrawn").values_list("purpose", "channel"))


def test_the_answer_ends_all_offers_to_that_address_and_says_so(
    offer: tuple[ChannelAccount, Message, Identity],
) -> None:
    account, sent, ada = offer
    made = answer(account, "Unsubscribe!", in_reply_to=sent.external_id)
    row = Consent.objects.get(status="withdrawn")
    assert (row.purpose, row.channel, row.identity_id) == ("all", "email", ada.pk)
    assert (row.proof["method"], row.proof["text"], row.proof["place"]) == (
        "answer",
        "Unsubscribe!",
        str(made.pk),
    )
    entry = ConversationLogEntry.objects.get(kind="unsubscribed")
    assert entry.conversation.threads.filter(copies__message=made).exists()
    resubscribe(identity_id=ada.pk, channel="email", proof=Proof("visit", "yes"), topics=["news"])
    on_message_recorded("message_recorded", [made.pk])
    assert Consent.objects.filter(status="withdrawn", purpose="all").count() == 1, "it counts once"


def test_a_quotation_and_a_signature_below_are_not_theirs(
    offer: tuple[ChannelAccount, Message, Identity],
) -> None:
    account, sent, _ada = offer
    text = "Abmelden\n\nOn Monday you wrote:\n> New bells"
    answer(account, text, in_reply_to=sent.external_id, quote_at=text.index("On Monday"))
    assert withdrawn() == [("all", "email")]


def test_a_mail_of_its_own_counts_by_its_subject(offer: tuple[ChannelAccount, Message, Identity]) -> None:
    account, _sent, _ada = offer
    answer(account, "stop")
    assert withdrawn() == []
    answer(account, "", subject="Unsubscribe")
    assert withdrawn() == [("all", "email")]


def test_who_is_not_proven_or_answers_a_colleague_changes_nothing(
    offer: tuple[ChannelAccount, Message, Identity],
) -> None:
    account, sent, _ada = offer
    forged = IncomingParticipant(ObservedIdentity("email", ADA), "from", verified="failed")
    answer(account, "stop", in_reply_to=sent.external_id, participants=(forged,))
    answer(account, "stop", in_reply_to=sent.external_id, participants=(replace(forged, verified="none"),))
    answer(account, "stop", in_reply_to="<a-colleague@us.example>")
    answer(account, "stop", in_reply_to=sent.external_id, automatic="auto-replied")
    answer(account, "Stop by on Monday", in_reply_to=sent.external_id)
    assert withdrawn() == []


def test_told_again_it_ends_nothing_that_was_begun_since(
    offer: tuple[ChannelAccount, Message, Identity],
) -> None:
    account, sent, ada = offer
    unsubscribe(identity_id=ada.pk, channel="email", proof=Proof("visit", "no"))
    made = answer(account, "stop", in_reply_to=sent.external_id)
    resubscribe(identity_id=ada.pk, channel="email", proof=Proof("visit", "yes"), topics=["news"])
    on_message_recorded("message_recorded", [made.pk])
    assert ConversationLogEntry.objects.filter(kind="unsubscribed").count() == 1
    assert Consent.objects.filter(purpose="all", channel="email").latest("given_at").status == "lifted"
