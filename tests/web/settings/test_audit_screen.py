"""The audit log in sentences: every action that the code records has one, and the screen finds them again."""

from __future__ import annotations

import ast
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from kith.base.clock import now
from kith.base.ids import id_for_time
from kith.contacts.models import Tag
from kith.contacts.services import contact_create, contact_merge, contacts_tag
from kith.conversations.services.actions import conversations_assign, conversations_close, note_add
from kith.core import audit
from kith.core.models import AuditEvent
from kith.teams.models import User
from kith.teams.services import user_change_role
from kith.web.settings.audit.words import AREAS, DETAILS, SENTENCES
from tests.support.cast import cast_make, client_of

SOURCE = Path(__file__).parents[3] / "src" / "kith"
# Helpers that are given the action, or a part of it, and where in their arguments; the part is said with what is before it.
HELPERS = {
    "_settle": (2, ""),
    "_set_state": (3, ""),
    "entry": (2, "conversation_"),
    "_change": (2, "conversation_"),
}


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node


def constants(node: ast.AST) -> list[str]:
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def recorded() -> Iterator[tuple[str, str, list[str]]]:
    """(where, action, names of its details) of everything that the code tells the audit log."""
    for where, call in calls():
        called = ast.unparse(call.func)
        keys = [k.arg for k in call.keywords if k.arg and k.arg not in ("actor", "batch_id", "undo")]
        if called in ("audit.record", "audit.event") and isinstance(call.args[0], ast.Constant):
            yield where, str(call.args[0].value), keys
        elif called == "audit.record_many":
            told = [n for n in ast.walk(call) if isinstance(n, ast.Tuple) and len(n.elts) == 4]
            assert told, where
            for item in told:
                if isinstance(item.elts[0], ast.Constant):
                    names = item.elts[3].keys if isinstance(item.elts[3], ast.Dict) else []
                    yield where, str(item.elts[0].value), [c for k in names if k for c in constants(k)]
        elif called in HELPERS:
            place, before = HELPERS[called]
            if len(call.args) > place and isinstance(call.args[place], ast.Constant):
                yield where, f"{before}{ast.literal_eval(call.args[place])}", keys if before else []


def test_every_action_that_is_recorded_has_a_sentence_and_every_detail_a_name() -> None:
    found = list(recorded())
    actions = {action for _where, action, _keys in found}
    assert {"contact_merged", "conversation_assign", "promise_kept", "channel_paused"} <= actions
    assert len(actions) > 90
    assert {f"{where}: {action}" for where, action, _keys in found if action not in SENTENCES} == set()
    assert {
        f"{where}: {key}" for where, _action, keys in found for key in keys if key not in DETAILS
    } == set()


def test_an_action_whose_name_is_put_together_is_known_here() -> None:
    """A new helper that is given the action would hide it from the test above."""
    made = {
        where.split(":")[0]
        for where, call in calls()
        if ast.unparse(call.func) in ("audit.record", "audit.event")
        and not isinstance(call.args[0], ast.Constant)
    }
    assert made == {"networks/services.py", "work/services.py"}


def test_every_sentence_says_who_in_every_language() -> None:
    from django.utils.translation import override

    for language in ("en", "de", "es"):
        with override(language):
            said = [str(text) for text in SENTENCES.values()]
            assert [text for text in said if "%(who)s" not in text] == [str(SENTENCES["sign_in_refused"])]
            assert len(set(said)) == len(said)
    assert sum(len(area.sentences) for area in AREAS) == len(SENTENCES)


def rows_of(client: Client, query: str = "") -> list[str]:
    """The rows of the screen as a person reads them."""
    answer = client.get(f"/settings/audit/{query}")
    assert answer.status_code == 200
    items = answer.content.decode().split('<li class="list-row')[1:]
    shown = [item.partition(">")[2].split("<details")[0].split("</li>")[0] for item in items]
    texts = [re.sub(r"<time.*?</time>|<[^>]+>", "", item, flags=re.DOTALL) for item in shown]
    return [" ".join(unescape(text).split()) for text in texts]


@pytest.mark.django_db
def test_the_log_speaks_in_sentences_with_names_in_the_readers_language() -> None:
    cast = cast_make()
    mail = cast.mail(cast.sales_scope)
    AuditEvent.objects.all().delete()
    audit.act_as(audit.Actor(cast.carl.pk, "Carl"))
    try:
        lose, keep = contact_create(name="A. Lovelace"), contact_create(name="Ada Lovelace")
        contacts_tag(contact_ids=[keep.pk], tag=Tag.objects.create(name="VIP"))
        contact_merge(survivor=keep, loser=lose, user=cast.carl, reason="one and the same")
        conversations_assign(cast.viewer(cast.carl), [mail.conversation_id], assignee_id=cast.olga.pk)
        user_change_role(user=cast.ines, role="manager", actor=cast.olga)
    finally:
        audit.act_as(audit.SYSTEM)
    client = client_of(cast.olga)
    rows = rows_of(client)
    assert "Carl merged two people: Ada Lovelace The other one: A. Lovelace" in rows
    assert "Carl tagged a person: Ada Lovelace Tag: VIP" in rows
    assert "Carl gave a conversation to a colleague: The bell To: Olga" in rows
    assert "Carl gave a colleague another role: Ines Before: Agent · Afterwards: Manager" in rows
    assert f'href="/people/{keep.pk}/"' in client.get("/settings/audit/").content.decode()
    User.objects.filter(pk=cast.olga.pk).update(language="de")
    assert "Carl hat zwei Personen zusammengeführt: Ada Lovelace Die andere: A. Lovelace" in rows_of(client)


@pytest.mark.django_db
def test_the_log_is_narrowed_by_who_by_what_and_by_when() -> None:
    cast = cast_make()
    AuditEvent.objects.all().delete()
    days_ago = [AuditEvent(id=id_for_time(now() - timedelta(days=d)), action="tag_saved", subject_kind="tag", details={"name": f"d{d}"}) for d in (9, 5, 1)]  # fmt: skip
    AuditEvent.objects.bulk_create(days_ago)
    audit.record("task_created", "task", None, actor=audit.Actor(cast.carl.pk, "Carl"))
    audit.record("note_written", "contact", None, actor=audit.Actor(cast.carl.pk, "Carl"), kind="visit")
    client = client_of(cast.olga)
    assert rows_of(client, f"?actor={cast.carl.pk}") == ["Carl wrote a note Kind: Visit", "Carl made a task"]
    assert len(rows_of(client, "?actor=kith")) == 3
    assert rows_of(client, "?action=task_created") == ["Carl made a task"]
    assert len(rows_of(client, "?action=area:work")) == 2
    day = timezone.localdate() - timedelta(days=5)
    assert rows_of(client, f"?from={day}&to={day}") == ["Kith saved a tag Name: d5"]
    assert len(rows_of(client, f"?from={day}")) == 4
    assert len(rows_of(client, "?from=9999-12-31&to=0001-01-01&action=%00&actor=%00&about=x")) == 5
    assert rows_of(client, f"?about={uuid.uuid4()}") == []


@pytest.mark.django_db
def test_what_was_said_in_somebodys_own_mailbox_is_not_told_to_an_administrator() -> None:
    cast = cast_make()
    mail = cast.mail(cast.private, subject="My doctor's appointment")
    conversations_close(cast.viewer(cast.carl), [mail.conversation_id])
    note_add(cast.viewer(cast.carl), mail.conversation_id, text="Secretive")
    text = client_of(cast.olga).get("/settings/audit/").content.decode()
    assert "closed a conversation" in unescape(re.sub(r"<[^>]+>", "", text))
    assert "doctor" not in text
    assert "Secretive" not in text
    assert str(mail.conversation_id) not in text


def test_what_was_done_rarely_is_found_without_reading_the_whole_log() -> None:
    common = [AuditEvent(action="message_sent", subject_kind="message") for _ in range(20_000)]
    AuditEvent.objects.bulk_create([*common, AuditEvent(action="role_changed", subject_kind="user")])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE core_auditevent")
    for actions in (["role_changed"], ["role_changed", "user_created"]):
        rare = AuditEvent.objects.filter(action__in=actions).order_by("-id")[:51]
        assert "audit_action" in rare.explain()
        assert len(rare) == 1
