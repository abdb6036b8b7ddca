"""What belongs together, and what can be done with one message. By HTTP; the same in Chromium in test_flows.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kith.base.clock import now
from kith.channels.models import Delivery, RawItem
from kith.channels.outbox import Compose, message_send
from kith.contacts.models import Identity
from kith.conversations.models import (
    Conversation,
    ConversationScope,
    Message,
    MessageCopy,
    Participant,
    Seen,
    Thread,
)
from kith.conversations.selectors import conversation_messages
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.teams.selectors import viewer_of
from kith.web.inbox.words import proof_words
from tests.support import house
from tests.support.cast import Cast, cast_make
from tests.web.inbox.desk import asked, client_of, played, send_due, where

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> User:
    return house.user()


@pytest.fixture
def account() -> ChannelAccount:
    return played()


def undo_of(html: str) -> str:
    found = re.search(r'hx-post="(/inbox/undo/[^"]+)"', html)
    assert found is not None
    return found[1]


def talk(account: ChannelAccount, count: int) -> Iterator[Message]:
    for number in range(count):
        at = now() - timedelta(minutes=count - number)
        yield asked(account, f"Message {number}", thread="one", at=at)[1]


def test_from_a_message_on_a_conversation_is_split_and_brought_together_again(
    mara: User, account: ChannelAccount
) -> None:
    first, second, third = talk(account, 3)
    key = where(first)
    client = client_of(mara)
    answer = client.post(reverse("split", args=[key]), {"message": str(second.pk)}).content.decode()
    assert where(first) == key
    assert where(second) == where(third) != key
    assert "Split off" in answer
    assert str(where(second)) in answer, "the toast leads there"
    client.post(undo_of(answer))
    assert {where(m) for m in (first, second, third)} == {key}


def test_undoing_a_split_leaves_no_queued_answer_without_its_thread(
    mara: User, account: ChannelAccount
) -> None:
    first, second = talk(account, 2)
    key = where(first)
    client = client_of(mara)
    answer = client.post(reverse("split", args=[key]), {"message": str(second.pk)}).content.decode()
    apart = where(second)
    client.post(reverse("reply", args=[apart]), {"text": "Soon"})
    sent = Message.objects.get(text="Soon")
    part = Delivery.objects.get().thread
    assert part is not None
    client.post(undo_of(answer))
    assert not Thread.objects.filter(pk=part.pk).exists()
    send_due()
    delivery, home = Delivery.objects.get(), Thread.objects.get(copies__message=first)
    assert (delivery.state, delivery.thread_id, where(sent)) == ("sent", home.pk, key)
    assert home.keys.filter(key=delivery.external_id).exists(), "an answer to it finds its thread"


def test_one_message_moves_to_another_conversation_and_back(mara: User, account: ChannelAccount) -> None:
    first, second = talk(account, 2)
    key = where(first)
    other, _ = asked(account, "The tandem", "bob@x.example", subject="Tandem")
    client = client_of(mara)
    found = client.get(
        reverse("move", args=[key]), {"message": str(second.pk), "q": "tandem"}
    ).content.decode()
    assert str(other) in found
    answer = client.post(
        reverse("move", args=[key]), {"message": str(second.pk), "other": str(other)}
    ).content.decode()
    assert (where(first), where(second)) == (key, other)
    client.post(undo_of(answer))
    assert where(second) == key


def test_the_only_message_may_move_and_its_conversation_comes_back_by_undo(
    mara: User, account: ChannelAccount
) -> None:
    (only,) = talk(account, 1)
    key = where(only)
    other, _ = asked(account, "The tandem", "bob@x.example", subject="Tandem")
    client = client_of(mara)
    answer = client.post(reverse("move", args=[key]), {"message": str(only.pk), "other": str(other)})
    assert answer.headers["HX-Redirect"] == reverse("conversation", args=[other])
    assert Conversation.objects.get(pk=key).joined_into_id == other
    client.post(undo_of(answer.content.decode()))
    assert where(only) == key
    assert Conversation.objects.get(pk=key).joined_into_id is None


def test_conversations_are_joined_by_choosing_one_of_the_same_person(
    mara: User, account: ChannelAccount
) -> None:
    key, _ = asked(account, "First", subject="One", at=now() - timedelta(days=40))
    other, second = asked(account, "Second", subject="Two")
    asked(account, "Nothing to do with it", "bob@x.example", subject="Three")
    assert key != other
    client = client_of(mara)
    shown = client.get(reverse("join", args=[key])).content.decode()
    assert str(other) in shown
    assert "Three" not in shown
    answer = client.post(reverse("join", args=[key]), {"other": str(other)}).content.decode()
    assert where(second) == key
    client.post(undo_of(answer))
    assert where(second) == other


def test_what_one_may_not_see_can_neither_be_joined_nor_moved_to() -> None:
    cast = cast_make()
    mine = cast.mail(cast.everyone).conversation_id
    secret = cast.mail(cast.private, subject="Unspeakable", sender="eve@x.example")
    client = client_of(cast.ines)
    assert (
        "Unspeakable" not in client.get(reverse("join", args=[mine]), {"q": "unspeakable"}).content.decode()
    )
    client.post(reverse("join", args=[mine]), {"other": str(secret.conversation_id)})
    only = str(MessageCopy.objects.get(thread__conversation_id=mine).message_id)
    client.post(reverse("move", args=[mine]), {"message": only, "other": str(secret.conversation_id)})
    client.post(reverse("move", args=[mine]), {"message": str(secret.message_id), "other": str(mine)})
    assert (
        MessageCopy.objects.get(message_id=secret.message_id).thread.conversation_id == secret.conversation_id
    )
    assert MessageCopy.objects.get(message_id=only).thread.conversation_id == mine


def test_unread_from_here_on_stays_so_and_closes_the_conversation(
    mara: User, account: ChannelAccount
) -> None:
    first, second, _third = talk(account, 3)
    key = where(first)
    client = client_of(mara)
    client.get(reverse("conversation", args=[key]))
    answer = client.post(reverse("unread", args=[key]), {"message": str(second.pk)})
    assert answer.headers["HX-Push-Url"] == reverse("inbox")
    assert "Nothing is open" in answer.content.decode()
    seen = Seen.objects.get(user=mara, conversation=key).at
    assert first.at <= seen < second.at
    client.post(reverse("unread", args=[key]))
    assert not Seen.objects.filter(user=mara).exists()


def test_a_sender_is_blocked_let_in_again_and_spam_comes_back(mara: User, account: ChannelAccount) -> None:
    key, message = asked(account)
    client = client_of(mara)
    tray = reverse("tray", args=[key])
    answer = client.post(tray, {"block": "1"}).content.decode()
    assert Identity.objects.get(pk=message.sender_id).blocked_at is not None
    assert "No longer block Ada Lovelace" in answer
    client.post(undo_of(answer))
    assert Identity.objects.get(pk=message.sender_id).blocked_at is None
    client.post(tray, {"block": "1"})
    client.post(tray, {"unblock": "1"})
    assert Identity.objects.get(pk=message.sender_id).blocked_at is None
    assert ConversationScope.objects.get(conversation=key).tray == ""
    answer = client.post(tray, {"tray": "spam"}).content.decode()
    assert "Not spam: into the inbox" in answer
    client.post(undo_of(answer))
    assert ConversationScope.objects.get(conversation=key).tray == ""


# --- one message --------------------------------------------------------------------------------------------------------


def test_a_message_is_shown_as_it_came_to_those_who_see_its_mailbox(
    mara: User, account: ChannelAccount
) -> None:
    _, message = asked(account, subject="Täg / 7")
    raw = RawItem.objects.get(pk=message.raw_id)
    raw.body = b"Subject: x\r\nX-Trace: <b>abc</b>\r\n\r\nThe body"
    raw.save()
    client = client_of(mara)
    menu = client.get(reverse("message_menu", args=[message.pk])).content.decode()
    assert "Download .eml" in menu
    shown = client.get(reverse("message_source", args=[message.pk])).content.decode()
    assert "X-Trace: &lt;b&gt;abc&lt;/b&gt;" in shown
    assert "The body" not in shown
    kept = client.get(reverse("message_raw", args=[message.pk]))
    assert kept.content == raw.body
    assert kept.headers["Content-Type"] == "application/octet-stream"
    assert "attachment" in kept.headers["Content-Disposition"]
    assert "sandbox" in kept.headers["Content-Security-Policy"]
    # A copy in another mailbox may carry blind copies: who sees only that copy does not get these bytes.
    hidden = played(address="b@us.example", scope=house.team_scope(house.team("Board")))
    RawItem.objects.filter(pk=raw.pk).update(channel_account=hidden)
    for name in ("message_source", "message_raw"):
        assert client.get(reverse(name, args=[message.pk])).status_code == 404


def test_doubt_about_a_sender_is_shown_with_what_was_checked(mara: User, account: ChannelAccount) -> None:
    key, message = asked(account)
    client = client_of(mara)
    address = reverse("conversation", args=[key])
    for verified, results, told in (
        ("failed", {"dmarc": "fail", "spf": "softfail"}, "Perhaps not from them"),
        ("none", {"spf": "none"}, "Nothing proves that it is from them."),
    ):
        Participant.objects.filter(message=message, role="from").update(verified=verified)
        Message.objects.filter(pk=message.pk).update(authentication=results)
        shown = client.get(address).content.decode()
        assert told in shown
        assert all(line in shown for line in proof_words(results))
    Participant.objects.filter(message=message, role="from").update(verified="dmarc")
    assert "data-doubt" not in client.get(address).content.decode()


def test_quote_and_signature_are_folded_each_by_itself(mara: User, account: ChannelAccount) -> None:
    key, message = asked(account)
    text = "Yes, please.\n\n-- \nAda\n\nOn Monday Bo wrote:\n> Shall we?\n> > We shall."
    quote, sign = text.index("On Monday"), text.index("-- ")
    client = client_of(mara)

    def shown(**values: object) -> str:
        Message.objects.filter(pk=message.pk).update(text=text, **values)
        html = client.get(reverse("conversation", args=[key])).content.decode()
        return html[html.index(f'id="m-{message.pk}"') :]

    both = shown(quote_at=quote, signature_at=sign)
    assert '<div class="prose-message">Yes, please.</div>' in both
    assert re.search(r'data-fold="signature"><summary[^>]*>.*?Signature</summary>', both)
    assert re.search(r'data-fold="quote"><summary[^>]*>.*?Earlier text</summary>', both)
    only_quote = shown(quote_at=quote, signature_at=None)
    assert 'data-fold="signature"' not in only_quote
    assert 'data-fold="quote" open' in shown(quote_at=0, signature_at=None), "what is all quote is not hidden"


def test_an_address_that_no_list_has_shows_the_conversation_beside_the_inbox(
    mara: User, account: ChannelAccount
) -> None:
    key, _ = asked(account)
    client = Client()
    client.force_login(mara, backend="allauth.account.auth_backends.AuthenticationBackend")
    for wrong in ("a/b", "nonsense", "team-x", "../..", "%00"):
        for name in ("conversation", "conversation_head", "messages"):
            answer = client.get(reverse(name, args=[key]), {"in": wrong})
            assert answer.status_code == 200, (wrong, name)


def fill(cast: Cast, count: int) -> Conversation:
    """A conversation of `count` mails, some of them ours, by two statements a table."""
    recorded = cast.mail(cast.everyone)
    thread = Thread.objects.get(pk=recorded.thread_id)
    first = Message.objects.get(pk=recorded.message_id)
    start = datetime(2026, 11, 3, 13, tzinfo=UTC)
    made = [
        Message(
            network="email",
            external_id=f"<more{n}@x>",
            content_hash=str(n),
            direction="out" if n % 3 == 0 else "in",
            state="sent" if n % 3 == 0 else "received",
            at=start + timedelta(minutes=n),
            received_at=start,
            sender_id=first.sender_id,
            text=f"More {n}",
        )
        for n in range(count - 1)
    ]
    Message.objects.bulk_create(made)
    MessageCopy.objects.bulk_create(
        MessageCopy(message=m, thread=thread, scope_id=thread.scope_id, at=m.at) for m in made
    )
    Participant.objects.bulk_create(
        Participant(message=m, identity_id=first.sender_id, role="from", at=m.at) for m in made
    )
    return thread.conversation


# What a conversation's page may ask of the database, whatever its size: recorded, so that a new statement is a decision.
STATEMENTS = {"page": 60, "fragment": 50, "head": 24, "messages": 36}


def statements(client: Client, name: str, key: object, **query: str) -> int:
    headers = {} if name == "page" else {"HX-Request": "true"}
    view = {"page": "conversation", "fragment": "conversation", "head": "conversation_head"}.get(name, name)
    with CaptureQueriesContext(
        connection,
    ) as caught:
        answer = client.get(reverse(view, args=[key]), query, headers=headers)
    assert answer.status_code == 200
    return len(caught)


def test_a_conversation_of_five_hundred_messages_asks_as_often_as_one_of_one() -> None:
    cast = cast_make()
    small = cast.mail(cast.everyone, sender="bob@x.example").conversation_id
    large = fill(cast, 500).pk
    client = Client()
    client.force_login(cast.olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    found = {}
    for name in STATEMENTS:
        for key in (small, large):
            statements(client, name, key)  # caches of settings and content types
        found[name] = (statements(client, name, small), statements(client, name, large))
    assert all(large <= small + 2 for small, large in found.values()), found
    assert all(max(pair) <= STATEMENTS[name] for name, pair in found.items()), found
    everything = conversation_messages(viewer_of(cast.olga), large, limit=500)
    assert len(everything.items) == 500


def test_an_answer_of_ours_asks_no_more_for_each_that_is_on_its_way(
    mara: User, account: ChannelAccount
) -> None:
    key, message = asked(account)
    client = client_of(mara)

    def send(number: int) -> None:
        message_send(
            Compose(
                user=mara,
                account=account,
                text=f"Answer {number}",
                recipients=((message.sender_id, "to"),),  # type: ignore[arg-type]
                conversation_id=key,
                reply_to=message,
            )
        )

    send(0)
    statements(client, "messages", key)
    one = statements(client, "messages", key)
    for number in range(1, 12):
        send(number)
    assert statements(client, "messages", key) == one
