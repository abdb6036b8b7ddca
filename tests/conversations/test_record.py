"""Messages are stored once, filed into threads and conversations as laws 1, 3 and 4 say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kith.contacts.models import Contact, Identity
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Conversation, ConversationScope, Message, MessageCopy, SearchDocument
from kith.conversations.services import messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.teams.models import Scope

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def place() -> Place:
    return Place("email", Scope.objects.create(kind="everyone", name="Everyone").id)


def mail(
    number: int, *, sender: str = "ada@outside.example", at: datetime = NOON, **rest: object
) -> IncomingMessage:
    values: dict[str, object] = {
        "external_id": f"<{number}@outside.example>",
        "at": at,
        "own_key": f"mid:<{number}@outside.example>",
        "participants": (
            IncomingParticipant(ObservedIdentity("email", sender, display_name="Ada", handle=sender), "from"),
            IncomingParticipant(ObservedIdentity("email", "info@us.example", kind="us"), "to"),
        ),
        "text": f"Message {number}",
        "subject": "The bell",
        "subject_key": "the bell",
    }
    return IncomingMessage(**{**values, **rest})  # type: ignore[arg-type]


def test_an_unknown_sender_is_an_identity_without_a_contact(place: Place) -> None:
    (recorded,) = messages_record(place, [mail(1)])
    assert recorded.is_new
    assert Contact.objects.count() == 0
    identity = Identity.objects.get(external_id="ada@outside.example")
    assert identity.contact is None
    row = ConversationScope.objects.get()
    assert (row.status, row.subject, row.snippet, row.waiting_since) == (
        "open",
        "The bell",
        "Message 1",
        NOON,
    )


def test_receiving_twice_stores_once(place: Place) -> None:
    messages_record(place, [mail(1), mail(1)])
    messages_record(place, [mail(1)])
    assert Message.objects.count() == 1
    assert MessageCopy.objects.count() == 1
    assert SearchDocument.objects.count() == 1


def test_the_same_message_id_with_other_content_is_another_message(place: Place) -> None:
    messages_record(place, [mail(1), mail(1, text="Something else")])
    assert Message.objects.count() == 2


def test_a_reply_joins_the_thread_of_its_references(place: Place) -> None:
    first, second = messages_record(
        place, [mail(1), mail(2, thread_keys=("mid:<1@outside.example>",), at=NOON + timedelta(days=90))]
    )
    assert first.thread_id == second.thread_id


def test_a_new_matter_of_one_person_joins_within_14_days_and_not_after(place: Place) -> None:
    first, soon, late = messages_record(
        place,
        [
            mail(1),
            mail(2, subject="Invoice", subject_key="invoice", at=NOON + timedelta(days=13)),
            mail(3, subject="Brakes", subject_key="brakes", at=NOON + timedelta(days=40)),
        ],
    )
    assert first.conversation_id == soon.conversation_id
    assert first.thread_id != soon.thread_id
    assert late.conversation_id != first.conversation_id


def test_two_scopes_are_two_conversations_over_one_message(place: Place) -> None:
    other = Place("email", Scope.objects.create(kind="teams", name="Sales").id)
    (one,) = messages_record(place, [mail(1)])
    (two,) = messages_record(other, [mail(1)])
    assert one.message_id == two.message_id
    assert one.conversation_id != two.conversation_id


def test_public_and_private_never_share_a_conversation(place: Place) -> None:
    one, two = messages_record(place, [mail(1), mail(2, visibility="public", subject_key="other")])
    assert one.conversation_id != two.conversation_id


def test_history_arrives_closed_and_waits_for_nobody(place: Place) -> None:
    old = Place(place.network, place.scope_id, history_until=NOON + timedelta(days=1))
    messages_record(old, [mail(1)])
    row = ConversationScope.objects.get()
    assert (row.status, row.waiting_since) == ("closed", None)


def test_a_message_wakes_a_closed_conversation(place: Place) -> None:
    (first,) = messages_record(place, [mail(1)])
    Conversation.objects.update(status="closed")
    messages_record(place, [mail(2, thread_keys=("mid:<1@outside.example>",))])
    assert Conversation.objects.get(pk=first.conversation_id).status == "open"


def test_bounces_and_lists_are_held_with_their_reason(place: Place) -> None:
    messages_record(place, [mail(1, automatic="bounce", sender="mailer-daemon@x.example")])
    assert ConversationScope.objects.get().tray == "bounce"


def test_nul_and_lone_surrogates_do_not_stop_a_batch(place: Place) -> None:
    messages_record(place, [mail(1, text="a\x00b\ud800c", subject="\udfff"), mail(2)])
    assert Message.objects.count() == 2


def test_our_own_answer_ends_the_wait(place: Place) -> None:
    us = IncomingParticipant(ObservedIdentity("email", "info@us.example", kind="us"), "from")
    ada = IncomingParticipant(ObservedIdentity("email", "ada@outside.example"), "to")
    messages_record(
        place,
        [
            mail(1),
            mail(
                2,
                outgoing=True,
                from_own_store=True,
                participants=(us, ada),
                at=NOON + timedelta(hours=1),
                thread_keys=("mid:<1@outside.example>",),
            ),
        ],
    )
    row = ConversationScope.objects.get()
    assert (row.waiting_since, row.last_direction, row.message_count) == (None, "out", 2)
