"""Full-text search: what it finds, for whom, in which order, and how little it reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kith.contacts.models import Tag
from kith.conversations.models import Conversation, ConversationTag, Message, MessageCopy
from kith.conversations.services.actions import note_add
from kith.conversations.services.refresh import conversations_refresh
from kith.conversations.types import IncomingAttachment
from kith.teams.types import Viewer
from kith.workspace import search as search_module
from kith.workspace.search import START, STOP, search_messages
from kith.workspace.search_query import search_parse
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def test_the_box_is_understood() -> None:
    query = search_parse(
        'brakes "front wheel" -bell from:ada tag:"bad brakes" before:2026-05 after:2025 has:file in:closed is:sent is:x nonsense:y'
    )
    assert [(t.text, t.negated, t.prefix) for t in query.terms] == [
        ("brakes", False, False),
        ("front wheel", False, False),
        ("bell", True, False),
        ("nonsense:y", False, False),
    ]
    assert (query.senders, query.tags, query.places, query.direction, query.has_file) == (
        ("ada",),
        ("bad brakes",),
        ("closed",),
        "out",
        True,
    )
    assert query.before == datetime(2026, 5, 1, tzinfo=UTC)
    assert query.after == datetime(2026, 1, 1, tzinfo=UTC)
    assert query.problems == ("is:x",)
    assert search_parse("bra").terms[0].prefix
    assert not search_parse("bra ").terms[0].prefix
    assert search_parse("").is_empty
    assert search_parse("-x").is_empty


@pytest.mark.parametrize(
    "text",
    [
        "'",
        '"',
        "a' | 'b",
        "\\",
        "!! & |",
        "from:'x",
        ":*",
        "a:* 'b",
        "tag:",
        "before:9999-99",
        "\x00",
        "%",
        "((",
        "é" * 600,
        "<->",
        "-",
        "from:%(x)s %s %",
    ],
)
def test_nothing_typed_raises(cast: Cast, text: str) -> None:
    cast.mail(cast.everyone)
    search_messages(cast.viewer(cast.ines), text)


def found(viewer: Viewer, text: str) -> list[str]:
    return [hit.subject.replace(START, "").replace(STOP, "") for hit in search_messages(viewer, text).hits]


@pytest.fixture
def mails(cast: Cast) -> Cast:
    hour = timedelta(hours=1)
    cast.mail(
        cast.everyone,
        subject="one",
        text="The front wheel of my bicycle squeaks. Crème brûlée.",
        sender="ada@x.example",
        name="Ada",
        at=NOON,
    )
    cast.mail(
        cast.everyone,
        subject="two",
        text="The wheel in front is fine",
        sender="bob@x.example",
        name="Bob",
        at=NOON + hour,
    )
    cast.mail(
        cast.sales_scope,
        subject="three",
        text="An offer for a wheel",
        sender="cora@x.example",
        name="Cora",
        at=NOON + 2 * hour,
        attachments=(IncomingAttachment("offer.pdf", "application/pdf"),),
    )
    cast.mail(
        cast.private,
        subject="four",
        text="A secret wheel",
        sender="dan@x.example",
        name="Dan",
        at=NOON + 3 * hour,
    )
    return cast


def test_words_phrases_and_their_absence(mails: Cast) -> None:
    olga = mails.viewer(mails.olga)
    assert found(olga, "wheel") == ["three", "two", "one"]
    assert found(olga, '"front wheel"') == ["one"]
    assert found(olga, "wheel -front") == ["three"]
    assert found(olga, "whe") == ["three", "two", "one"]
    assert found(olga, "whe ") == []
    assert found(olga, "creme BRULEE") == ["one"]
    assert found(olga, "offer.pdf") == ["three"]
    assert found(olga, "cora") == ["three"]


def test_filters(mails: Cast) -> None:
    carl = mails.viewer(mails.carl)
    assert found(carl, "from:ada wheel") == ["one"]
    assert found(carl, "from:ada from:bob") == ["two", "one"]
    assert found(carl, "from:nobodyatall wheel") == []
    assert found(carl, "to:sales") == []
    assert found(carl, "has:file") == ["three"]
    assert found(carl, "wheel channel:email") == ["four", "three", "two", "one"]
    assert found(carl, "wheel channel:sms") == []
    assert found(carl, "wheel before:2026-11-03") == []
    assert found(carl, "wheel after:2026-11-02 before:2026-11-04") == ["four", "three", "two", "one"]
    assert found(carl, "is:received wheel front") == ["two", "one"]
    row = Conversation.objects.get(scopes__subject="two")
    Conversation.objects.filter(pk=row.pk).update(status="closed")
    conversations_refresh([row.pk])
    ConversationTag.objects.create(conversation=row, tag=Tag.objects.create(name="Bad brakes"))
    assert found(carl, "wheel in:closed") == ["two"]
    assert found(carl, 'tag:"bad brakes"') == ["two"]


def test_nobody_finds_what_they_may_not_see(mails: Cast) -> None:
    assert found(mails.viewer(mails.ines), "wheel") == ["two", "one"]
    assert found(mails.viewer(mails.olga), "secret") == []
    assert found(mails.viewer(mails.carl), "secret") == ["four"]
    assert found(Viewer(mails.ines.id, "agent", (), ()), "wheel") == []
    conversation = MessageCopy.objects.get(message__subject="four").thread.conversation_id
    note_add(mails.viewer(mails.carl), conversation, text="xylophone")
    assert len(search_messages(mails.viewer(mails.carl), "xylophone").hits) == 1
    assert search_messages(mails.viewer(mails.olga), "xylophone").hits == ()


def test_a_stale_document_shows_nothing(mails: Cast) -> None:
    """The copies decide, whatever the lexemes say."""
    Message.objects.filter(subject="one").update(state="cancelled")
    MessageCopy.objects.filter(message__subject="two").update(scope=mails.private)
    assert found(mails.viewer(mails.ines), "wheel") == []


def test_snippets_mark_matches_and_stay_plain(cast: Cast) -> None:
    cast.mail(
        cast.everyone,
        subject="Wheel <b>x</b>",
        text=f"{START}evil{STOP} <script>alert(1)</script> the wheel turns " + "and " * 300,
    )
    (hit,) = search_messages(cast.viewer(cast.ines), "wheel").hits
    assert f"{START}Wheel{STOP} <b>" in hit.subject
    assert f"{START}wheel{STOP}" in hit.snippet
    assert f"{START}evil" not in hit.snippet
    assert len(hit.snippet) < 600
    assert hit.name == "Ada Lovelace"


def test_scripts_without_spaces(cast: Cast) -> None:
    cast.mail(cast.everyone, subject="jp", text="先週東京駅で自転車を買いました。ブレーキが壊れています。")
    cast.mail(cast.sales_scope, subject="hidden", text="東京駅の自転車")
    ines = cast.viewer(cast.ines)
    assert found(ines, "自転車") == ["jp"]
    assert found(ines, "東京") == ["jp"]
    assert found(ines, "大阪") == []
    assert found(ines, "東京 -自転車") == []
    assert f"{START}自転車{STOP}" in search_messages(ines, "自転車").hits[0].snippet


def _fill(cast: Cast, rows: int) -> None:
    """Messages straight into the tables, over 40 months; "common" in all, "half" in half, one word of its own in each."""
    scopes = {"all": cast.everyone.id, "sales": cast.sales_scope.id}
    with connection.cursor() as db:
        db.execute(
            """
            CREATE TEMP TABLE numbers ON COMMIT DROP AS SELECT n, gen_random_uuid() AS id,
                   timestamptz '2023-08-01' + n * (interval '40 months' / %(rows)s) AS at,
                   CASE WHEN n %% 200 = 0 THEN %(sales)s::uuid ELSE %(all)s::uuid END AS scope,
                   CASE WHEN n %% 20 = 0 THEN 'rareish ' ELSE '' END || CASE WHEN n %% 2 = 0 THEN 'half ' ELSE '' END
                   || 'common w' || n || CASE WHEN n < 300 THEN ' ancient' ELSE '' END AS text
            FROM generate_series(1, %(rows)s) n
            """,
            {"rows": rows, **scopes},
        )
        db.execute(
            """
            WITH c AS (INSERT INTO conversations_conversation (id, created_at, status, priority)
                       VALUES (gen_random_uuid(), now(), 'open', 0) RETURNING id),
            t AS (INSERT INTO conversations_thread (id, created_at, conversation_id, scope_id, network, visibility, subject,
                       subject_key, last_at, regroupings)
                  SELECT gen_random_uuid(), now(), c.id, s.scope, 'email', 'private', '', '', now(), '{}'
                  FROM c, (SELECT DISTINCT scope FROM numbers) s RETURNING id, scope_id),
            m AS (INSERT INTO conversations_message (id, created_at, network, external_id, content_hash, direction, state, at,
                       received_at, subject, text, html, visibility, automatic, unreadable, language, url, content_warning,
                       in_reply_to, authentication, extra, history, mentions)
                  SELECT id, now(), 'email', n::text, '', 'in', 'received', at, at, '', text, '', 'private', '', '', '', '', '',
                         '', '{}', '{}', false, '{}' FROM numbers RETURNING id),
            k AS (INSERT INTO conversations_messagecopy (message_id, thread_id, scope_id, folder, uid, at, first_in_thread)
                  SELECT numbers.id, t.id, scope, '', '', at, true FROM numbers JOIN t ON t.scope_id = numbers.scope
                  JOIN m ON m.id = numbers.id RETURNING message_id)
            INSERT INTO conversations_searchdocument (message_id, at, vector, cjk)
            SELECT id, at, array_to_tsvector(ARRAY['scope:' || scope, 'dir:in', 'net:email', 'month:' || to_char(at AT TIME ZONE 'UTC', 'YYYYMM'),
                       'seen:' || scope || ':' || to_char(at AT TIME ZONE 'UTC', 'YYYYMM')])
                   || to_tsvector('kith', text), '' FROM numbers JOIN k ON k.message_id = numbers.id
            """
        )
        db.execute("ANALYZE conversations_searchdocument, conversations_message, conversations_messagecopy")


def _read(sqls: list[str]) -> float:
    total = 0.0

    def walk(node: dict[str, Any]) -> float:
        mine = 0.0
        if node.get("Relation Name") in ("conversations_searchdocument", "conversations_message"):
            mine = (
                node["Actual Rows"]
                + node.get("Rows Removed by Filter", 0)
                + node.get("Rows Removed by Index Recheck", 0)
            ) * node["Actual Loops"]
        return mine + sum(walk(child) for child in node.get("Plans", ()))

    for sql in sqls:
        with connection.cursor() as db:
            db.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql)
            plan = db.fetchone()[0]
        total += walk((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return total


def test_common_words_read_little_and_miss_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 30_000
    _fill(cast, rows)
    monkeypatch.setattr(search_module, "FEW", 200)
    monkeypatch.setattr(search_module, "MOST_GATHERED", 500)
    monkeypatch.setattr(search_module, "MOST_WALKED", 1_500)
    everyone, sales = cast.viewer(cast.olga), Viewer(cast.carl.id, "agent", (), (cast.sales_scope.id,))
    wanted = {
        (0, "common"): list(range(rows, 0, -1)),
        (0, "half"): list(range(rows, 0, -2)),
        (0, "rareish half"): list(range(rows, 0, -20)),
        (0, "ancient common"): list(range(299, 0, -1)),
        (1, "common"): list(range(rows, 0, -200)),
        (1, "ancient"): [200],
        (0, "w777"): [777],
        (0, "common before:2024"): None,
        (1, "half common after:2024-05 before:2024-09"): None,
    }
    for (who, text), numbers in [*wanted.items(), ((1, "comm"), wanted[1, "common"])]:
        viewer = (everyone, sales)[who]
        text += "" if text == "comm" else " "  # an unfinished word is looked for by its beginning
        seen: list[Any] = []
        cursor = None
        for _ in range(4):
            with CaptureQueriesContext(connection) as caught:
                page = search_messages(viewer, text, cursor=cursor, limit=20)
            statements = [q["sql"] for q in caught.captured_queries if not q["sql"].startswith("EXPLAIN")]
            assert _read(statements) < 6000, (text, who)
            seen += page.hits
            cursor = page.next_cursor
            if cursor is None:
                break
        assert [h.at for h in seen] == sorted((h.at for h in seen), reverse=True)
        assert len({h.message_id for h in seen}) == len(seen)
        if numbers is not None:
            shown = dict(
                Message.objects.filter(pk__in=[h.message_id for h in seen]).values_list("id", "external_id")
            )
            assert [int(shown[h.message_id]) for h in seen] == numbers[:80], (text, who)
        else:
            assert len(seen) >= 10


def test_the_number_of_queries_does_not_grow_with_the_page(
    mails: Cast, django_assert_num_queries: Any
) -> None:
    viewer = mails.viewer(mails.carl)
    # What other tests left in the planner's statistics decides between ways that differ by a statement.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversations_searchdocument")
    for limit in (1, 30):
        with django_assert_num_queries(4):
            search_messages(viewer, "wheel ", limit=limit)
