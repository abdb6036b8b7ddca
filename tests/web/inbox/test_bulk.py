"""One action on many conversations: what is picked, or a whole list part by part; one undo."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kith.base.clock import now
from kith.contacts.models import Tag
from kith.conversations.models import Conversation, ConversationTag, Seen
from kith.conversations.services import actions
from kith.teams.models import Notification
from kith.web.inbox import bulk as bulk_module
from tests.support.cast import NOON, Cast, client_of

pytestmark = pytest.mark.django_db


def many(cast: Cast, number: int, scope: Any = None) -> list[Any]:
    return [
        cast.mail(
            scope or cast.everyone, sender=f"p{n}@x{cast.number}.example", at=NOON + timedelta(minutes=n // 3)
        ).conversation_id
        for n in range(number)
    ]


def do(client: Client, what: str, ids: list[Any], **more: str) -> str:
    values = {"do": what, "id": [str(i) for i in ids], **more}
    return client.post(reverse("inbox_bulk"), values).content.decode()


def undo(client: Client, answer: str) -> str:
    """Press the undo of a toast, and all that follows by itself."""
    found = re.search(r'hx-post="(/inbox/undo/[^"]*)"', answer)
    assert found is not None, answer
    return follow(client, client.post(found[1]).content.decode())


def follow(client: Client, answer: str) -> str:
    """What the browser does with a progress: ask for the next part."""
    for _ in range(50):
        found = re.search(r'id="bulk-progress"[^>]*hx-post="([^"]*)" hx-vals=\'([^\']*)\'', answer, re.S)
        if found is None:
            return answer
        answer = client.post(found[1], json.loads(html.unescape(found[2]))).content.decode()
    raise AssertionError("it never ends")


def values(name: str) -> set[Any]:
    return set(Conversation.objects.values_list(name, flat=True))


def test_each_action_changes_all_and_its_undo_all_back(cast: Cast) -> None:
    keys, client = many(cast, 4), client_of(cast.ines)
    later = (now() + timedelta(days=1)).isoformat()
    for what, name, wanted, before in (
        ("close", "status", {"closed"}, {"open"}),
        (f"snooze:{later}", "status", {"snoozed"}, {"open"}),
        (f"assign:{cast.ines.pk}", "assignee_id", {cast.ines.pk}, {None}),
        (f"team:{cast.workshop.pk}", "team_id", {cast.workshop.pk}, {None}),
        ("priority:2", "priority", {2}, {0}),
        ("spam", "tray_decided", {"spam"}, {None}),
    ):
        answer = do(client, what, keys)
        assert "4 conversations changed" in answer, what
        assert values(name) == wanted, what
        assert "Taken back" in undo(client, answer)
        assert values(name) == before, what
    answer = do(client, "tag", keys, tag="bad brakes")
    assert ConversationTag.objects.filter(tag__name="bad brakes").count() == 4
    answer = do(client, "untag:bad brakes", keys)
    assert not ConversationTag.objects.exists()
    undo(client, answer)
    assert ConversationTag.objects.filter(tag__name="bad brakes").count() == 4


def test_read_and_unread_are_undone_to_what_each_was(cast: Cast) -> None:
    keys, client = many(cast, 3), client_of(cast.ines)
    old = Seen.objects.create(user=cast.ines, conversation_id=keys[0], at=NOON)
    answer = do(client, "read", keys)
    assert Seen.objects.filter(user=cast.ines, at__gt=NOON).count() == 3
    undo(client, answer)
    assert list(Seen.objects.values_list("conversation_id", "at")) == [(keys[0], old.at)]
    answer = do(client, "unread", keys)
    assert not Seen.objects.exists()
    undo(client, answer)
    assert list(Seen.objects.values_list("conversation_id", "at")) == [(keys[0], old.at)]


def test_a_whole_list_is_changed_part_by_part_and_taken_back(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_module, "PART", 10)
    inside, outside = many(cast, 25), many(cast, 3, cast.private)
    client = client_of(cast.ines)
    button = client.get(reverse("bulk_all")).content.decode()
    assert 'data-pick-all="25"' in button
    first = client.post(reverse("inbox_bulk"), {"do": "close", "all": "1"}).content.decode()
    assert 'value="10" max="25"' in first
    assert "10 of 25" in first
    assert Conversation.objects.filter(status="closed").count() == 10
    last = follow(client, first)
    assert "25 conversations changed" in last
    assert not Conversation.objects.filter(pk__in=inside).exclude(status="closed").exists()
    assert not Conversation.objects.filter(pk__in=outside, status="closed").exists()
    changed = Conversation.objects.get(pk=inside[3])
    actions.conversations_reopen(cast.viewer(cast.olga), [changed.pk])
    real = actions.batch_undo
    monkeypatch.setattr(actions, "batch_undo", lambda *a, **k: real(*a, **{**k, "limit": 7}))
    said = undo(client, last)
    assert "1 was changed again since then" in said
    assert values("status") == {"open"}


@pytest.mark.parametrize("key", ["waiting", "unassigned", "inbox"])
def test_a_list_that_shrinks_while_it_is_changed_is_changed_whole(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(bulk_module, "PART", 4)
    many(cast, 15)
    client = client_of(cast.ines)
    what = {"do": "close" if key != "unassigned" else f"assign:{cast.ines.pk}", "all": "1", "in": key}
    follow(client, client.post(reverse("inbox_bulk"), what).content.decode())
    assert values("assignee_id" if key == "unassigned" else "status") == (
        {cast.ines.pk} if key == "unassigned" else {"closed"}
    )


def test_a_filter_keeps_the_others_out_of_it(cast: Cast) -> None:
    german = cast.mail(cast.everyone, sender="g@x.example", language="de").conversation_id
    many(cast, 3)
    do(client_of(cast.ines), "close", [], all="1", language="de")
    assert list(Conversation.objects.filter(status="closed").values_list("pk", flat=True)) == [german]


def test_what_a_colleague_can_not_see_is_not_given_to_them_and_they_are_told_once(cast: Cast) -> None:
    keys, private = many(cast, 5), many(cast, 2, cast.sales_scope)
    answer = do(client_of(cast.carl), f"assign:{cast.ines.pk}", keys + private)
    assert "5 conversations changed" in answer
    assert "2 stayed as they were" in answer
    assert set(Conversation.objects.filter(assignee=cast.ines).values_list("pk", flat=True)) == set(keys)
    told = Notification.objects.get(user=cast.ines)
    assert told.title == "Carl gave you 5 conversations"


def test_nobody_changes_what_they_do_not_see(cast: Cast) -> None:
    keys, hidden = many(cast, 2), many(cast, 1, cast.private)
    answer = do(client_of(cast.ines), "close", keys + hidden)
    assert "may not change" in answer
    assert values("status") == {"open"}
    assert client_of(cast.pia).post(reverse("inbox_bulk"), {"do": "close", "all": "1"}).status_code == 403


@pytest.mark.parametrize(
    "what",
    [
        "",
        "nonsense",
        "snooze:yesterday",
        "snooze:2020-01-01T00:00:00+00:00",
        "priority:9",
        "assign:",
        "tag",
        "team:x",
    ],
)
def test_nonsense_changes_nothing_or_says_so(cast: Cast, what: str) -> None:
    keys = many(cast, 1)
    before = list(Conversation.objects.values("status", "assignee_id", "team_id", "priority"))
    assert "toast" in do(client_of(cast.ines), what, keys)
    assert list(Conversation.objects.values("status", "assignee_id", "team_id", "priority")) == before
    assert not Tag.objects.exists()


def test_the_undo_of_many_takes_few_statements(cast: Cast, django_assert_max_num_queries: Any) -> None:
    viewer = cast.viewer(cast.ines)
    done = actions.conversations_close(viewer, many(cast, 60))
    with django_assert_max_num_queries(14):
        undone = actions.batch_undo(viewer, done.batch_id)
    assert (len(undone.conversation_ids), undone.changed_since, undone.before) == (60, 0, None)
    assert values("status") == {"open"}
