"""The inbox's lists show each viewer what their scopes hold, once, in order, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bench import plans
from django.db import connection

from kith.contacts.models import Tag
from kith.conversations.models import Conversation, ConversationScope, ConversationTag, Thread
from kith.conversations.services.refresh import conversations_refresh
from kith.teams.models import Scope, User
from kith.teams.types import Viewer
from kith.workspace.inbox import InboxView, inbox_counts, inbox_page, view_parse, view_text
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db
ALL = InboxView("all")


def names(viewer: Viewer, view: InboxView = ALL) -> list[str]:
    return [row.subject for row in inbox_page(viewer, view).rows]


@pytest.fixture
def three(cast: Cast) -> Cast:
    cast.mail(cast.everyone, subject="open to all", at=NOON)
    cast.mail(cast.sales_scope, subject="for sales", at=NOON + timedelta(hours=1))
    cast.mail(cast.private, subject="for Carl", at=NOON + timedelta(hours=2))
    return cast


def test_each_viewer_sees_their_scopes_in_list_and_counts(three: Cast) -> None:
    assert names(three.viewer(three.carl)) == ["for Carl", "for sales", "open to all"]
    assert names(three.viewer(three.olga)) == ["for sales", "open to all"]
    assert names(three.viewer(three.ines)) == ["open to all"]
    assert [inbox_counts(three.viewer(u)).waiting for u in (three.carl, three.olga, three.ines)] == [3, 2, 1]
    assert [inbox_counts(three.viewer(u)).unassigned for u in (three.carl, three.olga, three.ines)] == [
        3,
        2,
        1,
    ]
    assert inbox_counts(three.viewer(three.olga)).teams == {three.sales.id: 1, three.workshop.id: 0}


def test_views(three: Cast) -> None:
    Conversation.objects.filter(scopes__subject="for sales").update(assignee=three.olga)
    Conversation.objects.filter(scopes__subject="for Carl").update(status="snoozed")
    conversations_refresh(Conversation.objects.values_list("id", flat=True))
    olga, carl = three.viewer(three.olga), three.viewer(three.carl)
    assert names(olga, InboxView("mine")) == ["for sales"]
    assert names(carl, InboxView("mine")) == []
    assert names(carl, InboxView("unassigned")) == ["open to all"]
    assert names(carl, InboxView("snoozed")) == ["for Carl"]
    assert names(olga, InboxView("team", team_id=three.sales.id)) == ["for sales"]
    assert names(carl, InboxView("waiting")) == ["open to all", "for sales"]
    assert names(carl, InboxView("closed")) == []


def test_a_viewer_without_scopes_sees_nothing(three: Cast) -> None:
    nobody = Viewer(three.pia.id, "viewer", (), ())
    for kind in ("mine", "unassigned", "all", "waiting", "held", "for_me", "snoozed", "closed"):
        assert names(nobody, InboxView(kind)) == []
    assert inbox_counts(nobody).unassigned == 0


def test_a_conversation_over_two_visible_scopes_is_one_row_the_newest(three: Cast) -> None:
    first, second = (Thread.objects.get(subject=s) for s in ("open to all", "for sales"))
    gone = second.conversation_id
    Thread.objects.filter(pk=second.pk).update(conversation_id=first.conversation_id)
    conversations_refresh([first.conversation_id, gone])
    assert names(three.viewer(three.olga)) == ["for sales"]
    assert names(three.viewer(three.ines)) == ["open to all"]
    assert names(three.viewer(three.carl)) == ["for Carl", "for sales"]
    assert names(three.viewer(three.carl), InboxView("waiting")) == ["open to all", "for Carl"]
    assert inbox_counts(three.viewer(three.olga)).unassigned == 1


def test_held_tray_by_reason(cast: Cast) -> None:
    cast.mail(cast.everyone, subject="bounced", automatic="bounce", sender="mailer-daemon@x.example")
    cast.mail(cast.sales_scope, subject="news", automatic="list", sender="news@x.example")
    ines, carl = cast.viewer(cast.ines), cast.viewer(cast.carl)
    assert names(carl, ALL) == []
    assert sorted(names(carl, InboxView("held"))) == ["bounced", "news"]
    assert names(carl, InboxView("held", reason="list")) == ["news"]
    assert names(ines, InboxView("held")) == ["bounced"]


def test_filters(three: Cast) -> None:
    row = ConversationScope.objects.get(subject="for sales")
    ConversationTag.objects.create(
        conversation_id=row.conversation_id, tag=Tag.objects.create(name="bad brakes")
    )
    Conversation.objects.filter(pk=row.conversation_id).update(priority=2)
    conversations_refresh([row.conversation_id])
    carl = three.viewer(three.carl)
    assert names(carl, InboxView("all", tags=("bad brakes",))) == ["for sales"]
    assert names(carl, InboxView("all", priority=2)) == ["for sales"]
    assert names(carl, InboxView("all", network="email")) == ["for Carl", "for sales", "open to all"]
    assert names(carl, InboxView("all", network="sms")) == []
    assert names(carl, InboxView("all", visibility="public")) == []
    assert len(names(carl, InboxView("all", identity_ids=(row.identity_id,)))) == 3
    assert names(carl, InboxView("all", identity_ids=())) == []
    (found,) = inbox_page(carl, InboxView("all", tags=("bad brakes",))).rows
    assert [t.name for t in found.tags] == ["bad brakes"]
    assert (found.name, found.initials, found.unread, found.message_count) == ("Ada Lovelace", "AL", True, 1)


def test_saved_queries_survive_the_way_to_text_and_back() -> None:
    me = User(name="x").id
    view = view_parse(
        'in:all is:open tag:"bad brakes" priority:high channel:email assignee:me is:unread', me=me
    )
    assert view == InboxView(
        "all",
        statuses=("open",),
        tags=("bad brakes",),
        priority=1,
        network="email",
        assignee_id=me,
        unread=True,
    )
    assert view_parse(view_text(view), me=me) == view
    assert view_parse("brakes", me=me).problems == ("brakes",)
    assert view_parse("held:spam", me=me) == InboxView("held", reason="spam")


@pytest.mark.parametrize("kind", ["all", "waiting", "unassigned"])
def test_pages_show_each_conversation_once_and_all(cast: Cast, kind: str) -> None:
    for n in range(23):
        cast.mail(
            (cast.everyone, cast.sales_scope)[n % 2],
            sender=f"p{n}@x.example",
            at=NOON + timedelta(minutes=n // 3),
        )
    for user in (cast.carl, cast.olga):
        viewer, seen, cursor = cast.viewer(user), [], None
        for _ in range(9):
            page = inbox_page(viewer, InboxView(kind), cursor=cursor, limit=4)
            seen += [row.conversation_id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 23
    assert inbox_page(viewer, InboxView(kind), cursor="no such thing").rows


def _fill(cast: Cast, rows: int = 20_000) -> None:
    """Conversations straight into the tables: 96 of 100 for everyone, 4 for sales."""
    with connection.cursor() as db:
        db.execute(
            """
            WITH made AS (
                INSERT INTO conversations_conversation (id, created_at, status, priority)
                SELECT gen_random_uuid(), now(), CASE WHEN n %% 5 = 0 THEN 'closed' ELSE 'open' END, 0
                FROM generate_series(1, %(rows)s) n RETURNING id, status
            ), numbered AS (SELECT id, status, row_number() OVER () AS n FROM made)
            INSERT INTO conversations_conversationscope (conversation_id, scope_id, status, tray, priority, subject, snippet,
                networks, is_public, message_count, last_at, last_direction, waiting_since, assignee_id)
            SELECT id, CASE WHEN n %% 100 < 4 THEN %(sales)s ELSE %(all)s END, status,
                   CASE WHEN n %% 25 = 1 THEN 'spam' ELSE '' END, 0, 's' || n, 'x', '{email}',
                   false, 1, timestamptz '2026-01-01' + n * interval '1 minute', 'in',
                   CASE WHEN n %% 3 = 0 AND status = 'open' THEN timestamptz '2026-01-01' + n * interval '1 minute' END,
                   CASE WHEN n %% 10 = 2 THEN %(carl)s END
            FROM numbered
            """,
            {"rows": rows, "sales": cast.sales_scope.id, "all": cast.everyone.id, "carl": cast.carl.id},
        )
        db.execute("ANALYZE conversations_conversationscope, conversations_conversation")


@pytest.mark.parametrize("kind", ["mine", "unassigned", "all", "waiting", "closed", "snoozed", "held"])
@pytest.mark.parametrize("who", ["all", "few"])
def test_no_list_reads_the_whole_table(cast: Cast, kind: str, who: str) -> None:
    _fill(cast)
    if who == "few":
        viewer = Viewer(cast.carl.id, "agent", (), (cast.sales_scope.id, cast.private.id))
    else:
        everything = tuple(Scope.objects.values_list("id", flat=True))
        viewer = Viewer(cast.carl.id, "owner", (), everything, sees_all=True)
    view = InboxView(kind)
    first = inbox_page(viewer, view)
    assert bool(first.rows) == (kind != "snoozed")
    deep = inbox_page(viewer, view, cursor=first.next_cursor)
    assert not {r.conversation_id for r in first.rows} & {r.conversation_id for r in deep.rows}
    for cursor in (None, first.next_cursor):
        (statement,) = plans.statements_of(lambda cursor=cursor: inbox_page(viewer, view, cursor=cursor))
        nodes = plans.nodes(*statement)
        assert "conversations_conversationscope" not in plans.whole_tables(nodes)
        read = plans.rows_read(nodes, "conversations_conversationscope")
        assert (0 if kind == "snoozed" else 50) <= read < 1500, (kind, who, read)


def test_the_number_of_queries_does_not_grow(cast: Cast, django_assert_num_queries: Any) -> None:
    _fill(cast, 300)
    viewer = cast.viewer(cast.carl)
    with django_assert_num_queries(1):
        assert len(inbox_page(viewer, ALL, limit=5).rows) == 5
    with django_assert_num_queries(1):
        assert len(inbox_page(viewer, ALL, limit=100).rows) == 100
    with django_assert_num_queries(1):
        assert inbox_counts(viewer).unassigned == 100
