"""A person's timeline: everything, in order, once, for those who may see it, opened anywhere at the same cost."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kith.base.clock import now
from kith.base.keyset import cursor_encode
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_for_identity, contact_merge
from kith.conversations.services.actions import conversations_close, note_add
from kith.teams.types import Viewer
from kith.trust.models import Decision, Touch
from kith.work.models import Note, Promise, Task
from kith.workspace.timeline import timeline
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(cast: Cast) -> Contact:
    """Ada wrote to everyone, to sales, to Carl himself; colleagues did this and that."""
    one = cast.mail(cast.everyone, text="to all", at=NOON)
    cast.mail(cast.sales_scope, text="to sales", at=NOON + timedelta(hours=1))
    cast.mail(cast.private, text="to Carl", subject="secret", at=NOON + timedelta(hours=2))
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    Note.objects.create(
        contact=contact, kind="visit", text="came by", happened_at=NOON + timedelta(hours=3), author=cast.ines
    )
    Task.objects.create(contact=contact, title="send a bell", assignee=cast.carl)
    Task.objects.create(contact=contact, title="sales only", scope_id=cast.sales_scope.id)
    Promise.objects.create(contact=contact, what="a new bell by Friday", who=cast.carl)
    note_add(cast.viewer(cast.carl), one.conversation_id, text="be kind")
    conversations_close(cast.viewer(cast.carl), [one.conversation_id])
    touch = Touch.objects.create(
        identity=Identity.objects.get(external_id="ada@outside.example"),
        contact=contact,
        kind="campaign",
        channel="email",
        state="held",
        planned_for=now(),
    )
    Decision.objects.create(
        touch=touch, outcome="hold", rule="pace", sentence="They heard from us yesterday."
    )
    return contact


def shown(viewer: Viewer, contact: Contact, **rest: Any) -> list[tuple[str, str]]:
    return [(e.kind, e.title or e.text) for e in timeline(viewer, contact_id=contact.pk, **rest).entries]


def test_everything_in_one_order(cast: Cast, ada: Contact) -> None:
    assert shown(cast.viewer(cast.carl), ada) == [
        ("message", "The bell"),
        ("message", "The bell"),
        ("message", "secret"),
        ("visit", "came by"),
        ("task", "send a bell"),
        ("task", "sales only"),
        ("promise", "a new bell by Friday"),
        ("comment", "be kind"),
        ("log", ""),
        ("touch", "They heard from us yesterday."),
    ]


def test_what_others_may_not_see_is_not_told(cast: Cast, ada: Contact) -> None:
    ines = timeline(cast.viewer(cast.ines), contact_id=ada.pk).entries
    assert [e.kind for e in ines] == [
        "message",
        "private",
        "visit",
        "task",
        "promise",
        "comment",
        "log",
        "touch",
    ]
    assert "to sales" not in {e.text for e in ines}
    masked = ines[1]
    assert (masked.title, masked.text, masked.actor, masked.network, masked.conversation_id) == (
        "",
        "",
        "",
        "",
        None,
    )
    assert masked.at == NOON + timedelta(hours=2)
    assert [k for k, _ in shown(cast.viewer(cast.olga), ada)].count("message") == 2


def test_filters(cast: Cast, ada: Contact) -> None:
    carl = cast.viewer(cast.carl)
    assert [k for k, _ in shown(carl, ada, kinds=["task", "promise"])] == ["task", "task", "promise"]
    assert [k for k, _ in shown(carl, ada, kinds=["comment"])] == ["comment"]
    assert [k for k, _ in shown(carl, ada, networks=["email"])] == ["message"] * 3
    assert shown(carl, ada, networks=["sms"]) == []
    assert len(shown(cast.viewer(cast.ines), ada, networks=["email"])) == 1


def test_merged_contacts_have_one_timeline(cast: Cast, ada: Contact) -> None:
    cast.mail(
        cast.everyone, sender="ada@home.example", name="Ada", text="from home", at=NOON + timedelta(days=1)
    )
    other = contact_for_identity(identity=Identity.objects.get(external_id="ada@home.example"))
    contact_merge(survivor=other, loser=ada)
    both = shown(cast.viewer(cast.carl), other)
    assert len(both) == 11
    assert both == shown(cast.viewer(cast.carl), ada)


def test_a_stranger_has_one_too(cast: Cast) -> None:
    cast.mail(cast.everyone, sender="x@x.example", text="hello")
    identity = Identity.objects.get(external_id="x@x.example")
    assert [e.text for e in timeline(cast.viewer(cast.ines), identity_id=identity.pk).entries] == ["hello"]


def test_walking_both_ways_loses_nothing(cast: Cast, ada: Contact) -> None:
    carl = cast.viewer(cast.carl)
    whole = [e.id for e in timeline(carl, contact_id=ada.pk).entries]
    page = timeline(carl, contact_id=ada.pk, limit=3)
    back = [e.id for e in page.entries]
    while page.before:
        page = timeline(carl, contact_id=ada.pk, limit=3, before=page.before)
        back = [*(e.id for e in page.entries), *back]
    assert back == whole
    forth = [e.id for e in page.entries]
    while page.after:
        page = timeline(carl, contact_id=ada.pk, limit=3, after=page.after)
        forth += [e.id for e in page.entries]
    assert forth == whole
    middle = timeline(carl, contact_id=ada.pk, limit=4, at=NOON + timedelta(hours=2)).entries
    assert [e.id for e in middle] == whole[1:5]
    assert [
        e.id for e in timeline(carl, contact_id=ada.pk, limit=4, around=middle[2].cursor).entries
    ] == whole[2:6]


def _fill(cast: Cast, contact: Contact, rows: int) -> None:
    identity = Identity.objects.get(external_id="ada@outside.example")
    with connection.cursor() as db:
        db.execute(
            """
            WITH t AS (SELECT id, scope_id FROM conversations_thread WHERE scope_id = %(scope)s LIMIT 1),
            n AS (SELECT n, gen_random_uuid() AS id, timestamptz '2020-01-01' + n * interval '5 hours' AS at FROM generate_series(1, %(rows)s) n),
            m AS (INSERT INTO conversations_message (id, created_at, network, external_id, content_hash, direction, state, at,
                       received_at, subject, text, html, visibility, automatic, unreadable, language, url, content_warning,
                       in_reply_to, authentication, extra, history, mentions)
                  SELECT id, now(), 'email', 'x' || n, '', 'in', 'received', at, at, '', 'm' || n, '', 'private', '', '', '', '', '',
                         '', '{}', '{}', false, '{}' FROM n RETURNING id),
            k AS (INSERT INTO conversations_messagecopy (message_id, thread_id, scope_id, folder, uid, at, first_in_thread)
                  SELECT n.id, t.id, t.scope_id, '', '', at, true FROM n CROSS JOIN t JOIN m ON m.id = n.id RETURNING message_id)
            INSERT INTO conversations_participant (message_id, identity_id, role, verified, display_name, at)
            SELECT n.id, %(identity)s, 'from', 'none', '', at FROM n JOIN k ON k.message_id = n.id
            """,
            {"rows": rows, "identity": identity.pk, "scope": cast.everyone.id},
        )
        db.execute(
            "INSERT INTO work_note (id, created_at, contact_id, kind, text, happened_at, photo, photo_type, pinned) "
            "SELECT gen_random_uuid(), now(), %s, 'call', 'c', timestamptz '2020-01-01' + n * interval '50 hours', '', '', false FROM generate_series(1, %s) n",
            [contact.pk, rows // 10],
        )
        db.execute(
            "ANALYZE conversations_message, conversations_messagecopy, conversations_participant, work_note"
        )


def test_the_middle_of_ten_thousand_costs_what_the_end_costs(
    cast: Cast, ada: Contact, django_assert_max_num_queries: Any
) -> None:
    _fill(cast, ada, 10_000)
    viewer = cast.viewer(cast.ines)

    def read(**place: Any) -> float:
        with CaptureQueriesContext(connection) as caught:
            page = timeline(viewer, contact_id=ada.pk, limit=50, **place)
        assert len(page.entries) == 50
        assert len(caught) <= 12
        total = 0.0
        for query in caught.captured_queries:
            with connection.cursor() as db:
                db.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"])
                plan = db.fetchone()[0]
            todo = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
            while todo:
                node = todo.pop()
                todo += node.get("Plans", ())
                if node.get("Relation Name", "").startswith(("conversations_", "work_", "trust_")):
                    total += (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node[
                        "Actual Loops"
                    ]
        return total

    end, middle, start = (
        read(),
        read(at=NOON.replace(year=2023)),
        read(after=cursor_encode(NOON.replace(year=2020, month=2), ada.pk)),
    )
    assert end < 1500
    assert middle < 1500
    assert start < 1500


def test_the_page_opens_in_the_middle_of_ten_thousand_with_the_statements_of_the_end(
    cast: Cast, ada: Contact
) -> None:
    from django.test import Client
    from django.urls import reverse

    from kith.core import company

    company.set_value("name", "Bicycles Ltd")
    _fill(cast, ada, 10_000)
    client = Client()
    client.force_login(cast.ines, backend="allauth.account.auth_backends.AuthenticationBackend")
    address = reverse("person", args=[ada.pk])

    def ask(query: dict[str, str]) -> tuple[int, str]:
        with CaptureQueriesContext(connection) as caught:
            answer = client.get(address, query)
        assert answer.status_code == 200
        return len(caught), answer.content.decode()

    ask({})  # what is read once a process
    end, page = ask({})
    middle, there = ask({"on": "2023-01-15"})
    assert middle <= end
    assert page.count('id="t-') == there.count('id="t-') == 40
    assert "2023-01-15" in there
    only, messages = ask({"kind": "talk", "on": "2023-01-15"})
    assert only <= end
    assert set(re.findall(r'data-kind="(\w+)" id="t-', messages)) <= {"message", "private"}
