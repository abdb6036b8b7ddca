"""What real servers can't be made to do on demand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.connectors.mastodon.fake import BOB, US, FakeServer, status
from tests.connectors.mastodon.real import setup_for

from kith.connectors.conformance import Answer, FaultServer, serving
from kith.connectors.contract import (
    BadPayload,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    OwnIdentity,
    Page,
    Setup,
)
from kith.connectors.mastodon.connector import Connector

OWN = OwnIdentity(
    "https://social.example/users/shop",
    "@shop@social.example",
    details={"account_id": "109", "domain": "social.example"},
)


def made(server: FaultServer, since: datetime | None = None) -> Connector:
    given = setup_for(server.address, "token", OWN)
    return Connector(Setup(given.settings, given.secrets, given.http, given.guard, OWN, history_since=since))


def everything(connector: Connector, cursor: str = "", limit: int = 40) -> tuple[list[Any], Page]:
    events: list[Any] = []
    while True:
        page = connector.fetch(cursor, limit=limit)
        for item in page.items:
            events += connector.parse(item)
        cursor = page.cursor
        if not page.more:
            return events, page


@pytest.mark.parametrize("newest_first", [True, False])
def test_history_begins_where_it_is_wanted(newest_first: bool) -> None:
    fake = FakeServer(mentions=150, newest_first=newest_first)
    since = datetime.fromisoformat(fake.statuses["1090"]["created_at"])
    with serving(fake) as server:
        events, _ = everything(made(server, since))
    assert [event.external_id for event in events] == [str(n) for n in range(1090, 1150)]


def test_deletions_and_edits_are_seen_later() -> None:
    fake = FakeServer(mentions=3)
    with serving(fake) as server:
        _, page = everything(made(server))
        del fake.statuses["1001"]
        fake.statuses["1002"] = status(1002, content="<p>changed</p>", edited_at="2026-03-01T11:00:00.000Z")
        events, page = everything(made(server), page.cursor)
        again, _ = everything(made(server), page.cursor)
    assert [e.external_id for e in events if isinstance(e, MessageDeleted)] == ["1001"]
    assert [(e.external_id, e.text) for e in events if isinstance(e, MessageEdited)] == [("1002", "changed")]
    assert again == []


@pytest.mark.parametrize("fault", ["server_error", "rate_limited", "html", "timeout", "unauthorized"])
def test_a_server_in_trouble_deletes_nothing(fault: Any) -> None:
    fake = FakeServer(mentions=3)
    with serving(fake) as server:
        _, page = everything(made(server))
        fake.faults[r"GET /api/v1/statuses/\d+"] = fault
        connector = made(server)
        if fault == "timeout":
            fake.faults[r"GET /api/v1/statuses/\d+"] = "dropped"
        events, _ = everything(connector, page.cursor)
    assert events == []


def test_one_broken_entry_is_set_aside_and_blocks_no_other() -> None:
    fake = FakeServer(mentions=3)
    fake.notifications[1]["status"] = {"id": ["no id"], "in_reply_to_id": "1"}
    with serving(fake) as server:
        connector = made(server)
        page = connector.fetch("", limit=10)
    assert len(page.items) == 3
    assert isinstance(connector.parse(page.items[0])[0], MessageReceived)
    assert isinstance(connector.parse(page.items[2])[0], MessageReceived)
    with pytest.raises(BadPayload):
        connector.parse(page.items[1])


def test_the_thread_is_known_by_all_that_came_before() -> None:
    fake = FakeServer(mentions=1)
    fake.notifications[0]["status"]["in_reply_to_id"] = "900"
    fake.contexts["1000"] = {"ancestors": [status(700), status(800), status(900)], "descendants": []}
    with serving(fake) as server:
        (event,), _ = everything(made(server))
    assert event.thread_keys == ("900", "800", "700")
    assert event.own_thread_key == "1000"


def test_a_mention_of_someone_else_is_the_same_person_as_their_own_post() -> None:
    fake = FakeServer(mentions=1)
    ada = {"id": "888", "username": "ada", "acct": "ada@third.example", "url": "https://third.example/@ada"}
    fake.notifications[0]["status"]["mentions"] = [ada, {**US, "uri": None}]
    fake.faults["GET /api/v1/accounts/888"] = Answer({**ada, "uri": "https://third.example/users/ada"})
    with serving(fake) as server:
        (event,), _ = everything(made(server))
    assert [party.external_id for party in event.parties] == [
        BOB["uri"],
        "https://third.example/users/ada",
        "https://social.example/users/shop",
    ]
    assert [party.is_us for party in event.parties] == [False, False, True]


def test_own_answers_from_elsewhere_come_in_and_own_posts_to_nobody_do_not() -> None:
    fake = FakeServer()
    fake.own = [
        status(1, account=US, content="<p>to nobody</p>"),
        status(2, account=US, in_reply_to_id="7", content="<p>an answer</p>"),
        status(3, account=US, reblog=status(9)),
    ]
    with serving(fake) as server:
        events, _ = everything(made(server))
    assert [(event.text, event.outgoing) for event in events] == [("an answer", True)]


def test_a_conversation_and_its_notification_are_one_message() -> None:
    fake = FakeServer(mentions=2)
    fake.statuses["1005"] = status(1005, visibility="direct")
    fake.conversations = [
        {"id": "c1", "last_status": fake.statuses["1001"]},
        {"id": "c2", "last_status": fake.statuses["1005"]},
        {"id": "3", "last_status": None},
    ]
    with serving(fake) as server:
        events, page = everything(made(server))
        again, _ = everything(made(server), page.cursor)
    assert sorted(event.external_id for event in events) == ["1000", "1001", "1005"]
    assert again == []


def test_a_server_without_conversations_is_fine() -> None:
    fake = FakeServer(mentions=2)
    fake.faults["GET /api/v1/conversations"] = Answer({"error": "no such thing"}, 404)
    with serving(fake) as server:
        events, _ = everything(made(server))
    assert len(events) == 2


@pytest.mark.parametrize("cursor", ["{", "[]", '{"w": 5}', "nonsense", '{"s": []}'])
def test_a_cursor_that_is_none(cursor: str) -> None:
    with serving(FakeServer()) as server, pytest.raises(BadPayload):
        made(server).fetch(cursor, limit=1)


def test_the_cursor_stays_small() -> None:
    with serving(FakeServer(mentions=150)) as server:
        _, page = everything(made(server))
    assert len(json.loads(page.cursor)["w"]) == 60
    assert len(page.cursor) < 4000


def test_what_is_left_of_the_rate_limit() -> None:
    fake = FakeServer()
    limits = {"X-RateLimit-Remaining": "298", "X-RateLimit-Reset": "2026-03-01T10:05:00.000Z"}
    fake.faults["GET /api/v1/accounts/109/statuses"] = Answer([], 200, limits)
    with serving(fake) as server:
        budget = made(server).fetch("", limit=5).budget
    assert (budget.remaining, budget.resets_at) == (298, datetime(2026, 3, 1, 10, 5, tzinfo=UTC))
