"""What its author deleted is deleted here, with what was drawn from it; where a network does not tell, it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from kith.base import clock
from kith.channels import gateway, upstream
from kith.channels.deletions import derived_again
from kith.channels.models import RawItem
from kith.channels.parser import Parser
from kith.channels.receive import raw_items_parse, raw_items_store
from kith.connectors.contract import Asks, Budget, Existence, Existences, RetryLater
from kith.connectors.contract import RawItem as WireItem
from kith.contacts.models import Contact, Fact, Identity
from kith.contacts.services import contact_for_identity, fact_record
from kith.conversations.models import Attachment, ConversationScope, Message, SearchDocument
from kith.core import sql
from kith.networks.models import ChannelAccount
from kith.teams.models import Notification
from tests.support import house

pytestmark = pytest.mark.django_db
SAID = "I am looking for a quokka near Leeds"


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as made:
        yield made


@pytest.fixture
def account() -> ChannelAccount:
    return house.account("webhook", secrets={"signing_secret": "x" * 40}, name="Shop", external_id="shop")


def tell(account: ChannelAccount, parser: Parser, kind: str, **data: object) -> None:
    body: dict[str, object] = {"type": kind, "timestamp": "2026-11-20T10:00:00Z", "data": data}
    body["n"] = RawItem.objects.count()
    raw_items_store(
        account, [WireItem(f"{kind}:{body['n']}", json.dumps(body).encode(), at=datetime.now(tz=UTC))]
    )
    raw_items_parse(account.pk, parser)
    assert not RawItem.objects.exclude(state=RawItem.State.DONE).exists()


def said(account: ChannelAccount, parser: Parser, key: str, text: str = SAID) -> Message:
    tell(
        account, parser, "message.received", id=key, text=text, subject=f"About {text}",
        visibility="public", **{"from": {"id": "ada", "name": "Ada"}},
    )  # fmt: skip
    return Message.objects.get(external_id=key)


def everywhere(word: str) -> list[str]:
    """Tables in which a word is found."""
    found = []
    tables = sql.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    for (table,) in tables:
        text = f'SELECT 1 FROM "{table}" t WHERE t::text ILIKE %s OR t::text ILIKE %s LIMIT 1'
        if sql.rows(text, [f"%{word}%", f"%{word.encode().hex()}%"]):  # bytea is shown in hexadecimal
            found.append(table)
    return found


def test_nothing_of_a_deleted_post_is_left(account: ChannelAccount, parser: Parser) -> None:
    message = said(account, parser, "post-1")
    tell(account, parser, "message.edited", id="post-1", text=f"{SAID} or York")
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada"))
    fact_record(
        contact_id=contact.pk, attribute="city", value="Quokkatown", source="public_post", quote=SAID,
        message_id=message.pk,
    )  # fmt: skip
    Attachment.objects.create(
        message=message, file_name="quokka.png", content_type="image/png", digest="1" * 64
    )
    talk = message.copies.get().thread.conversation_id
    user = house.user()
    note = Notification.objects.create(
        user=user, kind="message", title="Ada wrote", body=f"{SAID} or York", subject_id=talk
    )
    other = Notification.objects.create(
        user=user, kind="message", title="Bob wrote", body="Something else", subject_id=talk
    )
    assert len(everywhere("quokka")) > 5
    tell(account, parser, "message.deleted", id="post-1")
    assert everywhere("quokka") == []
    message.refresh_from_db()
    assert message.deleted_upstream_at is not None
    assert ConversationScope.objects.get().message_count == 1  # that there was one stays
    assert not Fact.objects.filter(attribute="city").exists()
    assert Contact.objects.get(pk=contact.pk).city == ""
    assert SearchDocument.objects.count() == 1
    for row, body in ((note, ""), (other, "Something else")):
        row.refresh_from_db()
        assert row.body == body
    # What comes late, or again, brings nothing back.
    tell(account, parser, "message.edited", id="post-1", text=f"{SAID} or Hull")
    message.refresh_from_db()
    assert message.text == ""


def test_words_that_were_read_before_they_went_and_written_after_do_not_stay(
    account: ChannelAccount, parser: Parser
) -> None:
    """A colleague assigns the conversation in the moment of the deletion: its row is rebuilt from what was there before."""
    talk = said(account, parser, "post-1").copies.get().thread.conversation_id
    stale = ConversationScope.objects.values("snippet", "subject").get()
    document = SearchDocument.objects.values("vector").get()
    tell(account, parser, "message.deleted", id="post-1")
    ConversationScope.objects.update(**stale)
    SearchDocument.objects.update(**document)
    assert set(everywhere("quokka")) == {"conversations_conversationscope", "conversations_searchdocument"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args ->> 'conversation_id' FROM procrastinate_jobs WHERE task_name = 'channels.derived_again'"
        )
        assert cursor.fetchall() == [(str(talk),)]
    derived_again(conversation_id=str(talk))
    assert everywhere("quokka") == []


class Asked:
    """A network that answers what `says` holds, and remembers what it was asked."""

    def __init__(
        self, says: Mapping[str, Existence], left: int | None = None, asks: Asks | None = None
    ) -> None:
        self.says, self.left, self.asks = says, left, asks or Asks()
        self.asked: list[str] = []
        self.urls: dict[str, str] = {}

    def existence(self, external_ids: Sequence[str], *, urls: Mapping[str, str] | None = None) -> Existences:
        self.asked += external_ids
        self.urls |= urls or {}
        return Existences(
            {k: v for k, v in self.says.items() if k in external_ids}, Budget(remaining=self.left)
        )


def on_day(monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    moment = clock.now() + timedelta(days=day)
    monkeypatch.setattr(upstream, "now", lambda: moment)


def asks(monkeypatch: pytest.MonkeyPatch, network: Any) -> None:
    monkeypatch.setattr(gateway, "connector_for", lambda account: network)


def test_gone_counts_at_once_missing_on_the_third_day_and_unknown_never(
    account: ChannelAccount, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("there", "gone", "missing", "unknown", "back"):
        said(account, parser, key, f"Post {key}")
    network = Asked({"there": "there", "gone": "gone", "missing": "missing", "back": "missing"})
    asks(monkeypatch, network)
    left = []
    for day in range(4):
        on_day(monkeypatch, day)
        network.says = {**network.says, "back": "there" if day == 2 else "missing"}
        upstream.upstream_check()
        left.append(
            set(Message.objects.filter(deleted_upstream_at=None).values_list("external_id", flat=True))
        )
    everything = {"there", "missing", "unknown", "back"}
    assert left == [everything, everything, everything - {"missing"}, everything - {"missing"}]
    assert Message.objects.get(external_id="missing").text == ""


def test_the_same_day_counts_once_and_a_round_is_once_a_day(
    account: ChannelAccount, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        said(account, parser, f"p{number}", f"Post {number}")
    network = Asked({f"p{n}": "missing" for n in range(5)}, asks=Asks(at_once=2, an_hour=4))
    asks(monkeypatch, network)
    on_day(monkeypatch, 0)
    upstream.account_check(account)
    assert network.asked == ["p0", "p1", "p2", "p3"]
    for _ in range(3):
        upstream.account_check(account)  # the rest, and then nothing before tomorrow
    assert network.asked == [f"p{n}" for n in range(5)]
    on_day(monkeypatch, 1)
    upstream.account_check(account)
    upstream.account_check(account)
    assert len(network.asked) == 10
    assert not Message.objects.exclude(deleted_upstream_at=None).exists()


def test_a_round_that_takes_days_comes_to_its_end(
    account: ChannelAccount, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what came last would never be asked about where there is more than a day's work."""
    for number in range(5):
        said(account, parser, f"p{number}", f"Post {number}")
    network = Asked({}, asks=Asks(at_once=2, an_hour=2))
    asks(monkeypatch, network)
    for day in range(4):
        on_day(monkeypatch, day)
        upstream.account_check(account)
    assert network.asked == [f"p{n}" for n in range(5)]
    on_day(monkeypatch, 4)
    upstream.account_check(account)
    assert network.asked[5:] == ["p0", "p1"]


def test_only_what_came_lately_is_asked_about_where_the_connector_says_so(
    account: ChannelAccount, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = said(account, parser, "old", "Old"), said(account, parser, "new", "New")
    Message.objects.filter(pk=old.pk).update(received_at=clock.now() - timedelta(days=31))
    Message.objects.filter(pk=new.pk).update(url="https://blog.example/new")
    network = Asked({}, asks=Asks(days=30))
    asks(monkeypatch, network)
    upstream.account_check(account)
    assert network.asked == ["new"]
    assert network.urls == {"new": "https://blog.example/new"}


def test_the_check_leaves_calls_to_others_and_outlives_a_network_in_trouble(
    account: ChannelAccount, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        said(account, parser, f"p{number}", f"Post {number}")
    network = Asked({}, left=upstream.LEAST_BUDGET - 1, asks=Asks(at_once=1))
    asks(monkeypatch, network)
    upstream.account_check(account)
    assert network.asked == ["p0"]

    class Busy(Asked):
        def existence(
            self, external_ids: Sequence[str], *, urls: Mapping[str, str] | None = None
        ) -> Existences:
            raise RetryLater("Too many", after=60)

    asks(monkeypatch, Busy({}))
    upstream.upstream_check()
    assert not Message.objects.exclude(deleted_upstream_at=None).exists()


def test_our_own_and_private_words_are_not_asked_after(
    account: ChannelAccount, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = said(account, parser, "post-1")
    network = Asked({"post-1": "gone"})
    asks(monkeypatch, network)
    for change in ({"visibility": "private"}, {"direction": "out", "visibility": "public"}):
        Message.objects.filter(pk=message.pk).update(**change)
        upstream.account_check(account)
    assert network.asked == []
