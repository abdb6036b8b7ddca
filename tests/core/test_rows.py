"""Prepared statements and quick inserts do what Django's own do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from kith.base.clock import now
from kith.base.ids import new_id
from kith.config import environment
from kith.config.database import database_settings
from kith.core import rows, sql
from kith.core.models import AuditEvent
from kith.teams.models import Team, User

pytestmark = pytest.mark.django_db


def made(number: int) -> AuditEvent:
    return AuditEvent(
        action=f"a\t{number}\\N\n'\"",
        subject_kind="x",
        details={"n": [number, None, "ü"], "t": "\\t"},
        address="10.0.0.1" if number % 2 else None,
    )


@pytest.mark.parametrize("count", [0, 1, 2, 250])
def test_rows_are_stored_as_they_are(count: int) -> None:
    events = [made(n) for n in range(count)]
    rows.insert(events)
    found = {e.pk: e for e in AuditEvent.objects.all()}
    assert len(found) == count
    for event in events:
        stored = found[event.pk]
        assert (stored.action, stored.details, stored.address) == (event.action, event.details, event.address)
        assert abs(stored.at - now()) < timedelta(minutes=5)
        assert not event._state.adding


def test_values_are_stored_as_they_are() -> None:
    ids, moment = [new_id() for _ in range(3)], now()
    names = (
        "id",
        "action",
        "at",
        "actor_id",
        "actor_name",
        "subject_kind",
        "subject_id",
        "details",
        "address",
    )
    said = ["a\t\\N\n'\"", "ü\U0001f600", ""]
    details = [{"n": [1, None, "ü"], "t": "\\t"}, {}, {"deep": {"x": [{}]}}]
    values = [(i, a, moment, None, "", "x", i, d, None) for i, a, d in zip(ids, said, details, strict=True)]
    rows.copy(AuditEvent, names, values)
    found = {e.pk: e for e in AuditEvent.objects.all()}
    assert [found[i].action for i in ids] == said
    assert [found[i].details for i in ids] == details
    assert {(e.at, e.actor_id, e.address) for e in found.values()} == {(moment, None, None)}
    rows.copy(AuditEvent, names, [])
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.copy(AuditEvent, names, values)
    with pytest.raises(ValueError, match="address"):
        rows.copy(AuditEvent, names[:-1], values)


@pytest.mark.parametrize("count", [1, 2])
def test_a_row_that_is_there_is_refused(count: int) -> None:
    events = [made(n) for n in range(count)]
    rows.insert(events)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert(events)
    assert AuditEvent.objects.count() == count


def test_a_prepared_statement_counts_as_a_query_and_shows_its_text() -> None:
    with CaptureQueriesContext(connection) as caught:
        assert sql.prepared("SELECT %(a)s::int + 1", {"a": 41}) == [(42,)]
        assert sql.prepared_run("DELETE FROM core_auditevent WHERE action = %(a)s", {"a": "none"}) == 0
    assert [q["sql"] for q in caught.captured_queries] == [
        "SELECT 41::int + 1",
        "DELETE FROM core_auditevent WHERE action = 'none'",
    ]


def test_statements_are_prepared_once(settings: object) -> None:
    for number in range(3):
        sql.prepared("SELECT %(a)s::int AS told_once", {"a": number})
    found = sql.rows(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%told_once%%'", {"x": 1}
    )
    assert found == [(1,)]


def test_a_team_finds_only_its_own_members() -> None:
    team = Team.objects.create(name="Sales")
    ada = User.objects.create_user("ada@x.example", name="Ada", preferences={"a": 1})
    with pytest.raises(User.DoesNotExist):
        team.members.get(pk=ada.pk)
    found = User.objects.get(pk=ada.pk)
    assert (found.email, found.preferences, found.created_at) == (ada.email, {"a": 1}, ada.created_at)
    found.name = "Ada L."
    found.save()
    ada.refresh_from_db()
    assert ada.name == "Ada L."
    ada.delete()
    with pytest.raises(User.DoesNotExist):
        User.objects.get(pk=found.pk)


@pytest.mark.parametrize(
    ("query", "threshold"), [("", 1_000_000), ("?prepare=no", None), ("?sslmode=require", 1_000_000)]
)
def test_behind_a_pooler_nothing_is_prepared(
    query: str, threshold: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://kith:pw@db.example:6432/house{query}")
    options = database_settings(environment.load())["OPTIONS"]
    assert options.get("prepare_threshold") == threshold
    assert "prepare" not in options
    assert ("options" in options) == (threshold is not None)
