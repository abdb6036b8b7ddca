"""A conversation as each viewer may see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Attachment, ConversationLogEntry, Message, Participant, Thread
from kith.conversations.selectors import (
    LogItem,
    MessageItem,
    attachment_get,
    conversation_get,
    conversation_messages,
    message_cursor,
)
from kith.conversations.services.refresh import conversations_refresh
from kith.conversations.types import IncomingAttachment, IncomingParticipant
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def texts(page: Any) -> list[str]:
    return [item.text for item in page.items if isinstance(item, MessageItem)]


@pytest.fixture
def two_scopes(cast: Cast) -> Any:
    """One conversation over two scopes, joined by hand."""
    one = cast.mail(cast.everyone, text="to all")
    two = cast.mail(
        cast.sales_scope,
        text="to sales",
        at=NOON + timedelta(hours=1),
        attachments=(IncomingAttachment("offer.pdf", "application/pdf", digest="a" * 64),),
    )
    Thread.objects.filter(pk=two.thread_id).update(conversation_id=one.conversation_id)
    conversations_refresh([one.conversation_id, two.conversation_id])
    return one.conversation_id


def test_each_viewer_sees_the_threads_of_their_scopes(cast: Cast, two_scopes: Any) -> None:
    ines, carl = cast.viewer(cast.ines), cast.viewer(cast.carl)
    assert texts(conversation_messages(ines, two_scopes)) == ["to all"]
    assert texts(conversation_messages(carl, two_scopes)) == ["to all", "to sales"]
    seen = conversation_get(ines, two_scopes)
    assert seen is not None
    assert (len(seen.threads), seen.message_count, seen.person.name) == (1, 1, "Ada Lovelace")  # type: ignore[union-attr]
    assert [c.account for c in seen.reply_channels] == ["info"]
    assert [c.account for c in conversation_get(carl, two_scopes).reply_channels] == ["sales", "info", "carl"]  # type: ignore[union-attr]
    assert conversation_get(cast.viewer(cast.pia), two_scopes).reply_channels == ()  # type: ignore[union-attr]


def test_what_nobody_may_see_is_not_there(cast: Cast) -> None:
    made = cast.mail(cast.private, text="for Carl alone")
    olga = cast.viewer(cast.olga)
    assert conversation_get(olga, made.conversation_id) is None
    assert conversation_messages(olga, made.conversation_id).items == ()
    assert message_cursor(olga, made.conversation_id, made.message_id) is None
    ConversationLogEntry.objects.create(
        conversation_id=made.conversation_id, kind="status", details={"to": "closed"}
    )
    assert conversation_messages(olga, made.conversation_id).items == ()
    assert len(conversation_messages(cast.viewer(cast.carl), made.conversation_id).items) == 2


def test_attachments_follow_the_scope(cast: Cast, two_scopes: Any) -> None:
    key = Attachment.objects.get().id
    assert attachment_get(cast.viewer(cast.carl), key) is not None
    assert attachment_get(cast.viewer(cast.ines), key) is None
    (files,) = [
        m.files
        for m in conversation_messages(cast.viewer(cast.carl), two_scopes).items
        if isinstance(m, MessageItem) and m.files
    ]
    assert files[0].file_name == "offer.pdf"


def test_bcc_is_shown_to_those_who_see_the_sending_account_only(cast: Cast) -> None:
    sent = {
        "outgoing": True,
        "from_own_store": True,
        "external_id": "<sent@us.example>",
        "text": "The offer",
        "own_key": "mid:<sent@us.example>",
        "participants": (
            IncomingParticipant(ObservedIdentity("email", "sales@us.example", kind="us"), "from"),
            IncomingParticipant(ObservedIdentity("email", "ada@outside.example"), "to"),
            IncomingParticipant(ObservedIdentity("email", "boss@outside.example"), "bcc"),
        ),
    }
    cast.mail(cast.sales_scope, **sent)
    seen_by_all = cast.mail(cast.everyone, **{**sent, "outgoing": False, "from_own_store": False})
    assert Message.objects.count() == 1
    assert Participant.objects.filter(role="bcc").count() == 1

    def roles(user: Any) -> set[str]:
        (item,) = conversation_messages(cast.viewer(user), seen_by_all.conversation_id).items
        assert isinstance(item, MessageItem)
        return {p.role for p in item.participants}

    assert roles(cast.ines) == {"from", "to"}
    assert roles(cast.carl) == {"from", "to", "bcc"}
    assert "boss@outside.example" not in {
        p.external_id
        for p in conversation_get(cast.viewer(cast.carl), seen_by_all.conversation_id).participants
    }  # type: ignore[union-attr]


@pytest.fixture
def long(cast: Cast) -> Any:
    first = cast.mail(cast.everyone, text="0")
    for n in range(1, 21):
        cast.mail(
            cast.everyone,
            text=str(n),
            at=NOON + timedelta(minutes=n // 2),
            thread_keys=("mid:<1@outside.example>",),
        )
    ConversationLogEntry.objects.create(
        conversation_id=first.conversation_id, kind="status", details={"to": "open"}
    )
    return first.conversation_id


def test_the_history_is_walked_both_ways_without_loss(cast: Cast, long: Any) -> None:
    viewer = cast.viewer(cast.ines)
    page = conversation_messages(viewer, long, limit=6)
    assert isinstance(page.items[-1], LogItem)
    assert page.after is None
    back = [*texts(page)]
    while page.before:
        page = conversation_messages(viewer, long, before=page.before, limit=6)
        back = [*texts(page), *back]
    assert back == [str(n) for n in range(21)]
    forth = texts(page)
    while page.after:
        page = conversation_messages(viewer, long, after=page.after, limit=6)
        forth += texts(page)
    assert forth == [str(n) for n in range(21)]


def test_it_opens_in_the_middle(cast: Cast, long: Any) -> None:
    viewer = cast.viewer(cast.ines)
    tenth = Message.objects.get(text="10")
    page = conversation_messages(viewer, long, around=message_cursor(viewer, long, tenth.id), limit=6)
    assert texts(page) == ["8", "9", "10", "11", "12", "13"]
    assert page.before is not None
    assert page.after is not None


def test_a_message_in_two_visible_threads_is_shown_once(cast: Cast) -> None:
    one = cast.mail(cast.everyone, external_id="<same@x>", text="same", own_key="mid:<same@x>")
    two = cast.mail(cast.sales_scope, external_id="<same@x>", text="same", own_key="mid:<same@x>")
    assert one.message_id == two.message_id
    Thread.objects.filter(pk=two.thread_id).update(conversation_id=one.conversation_id)
    assert texts(conversation_messages(cast.viewer(cast.carl), one.conversation_id)) == ["same"]


def test_warnings_of_authentication(cast: Cast) -> None:
    def sender(verified: str) -> Any:
        return (IncomingParticipant(ObservedIdentity("email", "ada@outside.example"), "from", verified),)

    kinds = {"failed": "forged", "none": "unproven", "dmarc": ""}
    for verified, warning in kinds.items():
        made = cast.mail(cast.everyone, participants=sender(verified), authentication={"dmarc": "x"})
        item = next(
            i
            for i in conversation_messages(cast.viewer(cast.ines), made.conversation_id).items
            if i.id == made.message_id
        )
        assert isinstance(item, MessageItem)
        assert (item.warning, item.authentication) == (warning, {"dmarc": "x"})


def test_the_number_of_queries_is_constant(cast: Cast, long: Any, django_assert_num_queries: Any) -> None:
    viewer = cast.viewer(cast.ines)
    for limit in (3, 21):
        with django_assert_num_queries(2):
            conversation_messages(viewer, long, limit=limit)
    with django_assert_num_queries(2):
        conversation_get(viewer, long)
