"""Notifications: told to those who may see, in their language."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.utils.translation import gettext

from kith.base.clock import now
from kith.teams.models import Notification
from kith.teams.notifications import (
    READ_ABOUT,
    notifications_page,
    notifications_read,
    notify,
    unread_count,
)
from kith.teams.wishes import settings_of, settings_set
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return cast_make()


def tell(cast: Cast, **rest: Any) -> list[Any]:
    values: dict[str, Any] = {"kind": "mention", "title": lambda: "Ada asks", "scope_id": cast.sales_scope.id}
    return notify([cast.carl.id, cast.ines.id], **{**values, **rest})


def test_only_those_who_see_the_scope_are_told(cast: Cast) -> None:
    assert tell(cast) == [cast.carl.id]
    assert [unread_count(cast.viewer(u)) for u in (cast.carl, cast.ines)] == [1, 0]


def test_who_leaves_the_team_no_longer_reads_it(cast: Cast) -> None:
    tell(cast)
    cast.sales.members.remove(cast.carl)
    assert unread_count(cast.viewer(cast.carl)) == 0
    assert notifications_page(cast.viewer(cast.carl)).rows == ()


def test_read_and_pages(cast: Cast) -> None:
    for n in range(5):
        tell(cast, title=lambda n=n: f"n{n}")
    viewer = cast.viewer(cast.carl)
    first = notifications_page(viewer, limit=3)
    second = notifications_page(viewer, cursor=first.next_cursor, limit=3)
    assert [r.title for r in (*first.rows, *second.rows)] == ["n4", "n3", "n2", "n1", "n0"]
    assert second.next_cursor is None
    assert notifications_read(cast.viewer(cast.ines), [first.rows[0].id]) == 0
    assert notifications_read(viewer, [first.rows[0].id]) == 1
    assert unread_count(viewer) == 4
    assert notifications_read(viewer) == 4


def test_what_is_opened_is_read_without_walking_all_that_was_ever_told(cast: Cast) -> None:
    Notification.objects.bulk_create(
        Notification(user=cast.carl, kind="mention", title="old", subject_id=uuid.uuid4(), read_at=now())
        for _ in range(5000)
    )
    tell(cast, subject_id=cast.sales.id)
    asked = {"at": now(), "user": cast.carl.id, "ids": [cast.sales.id]}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE teams_notification")
        cursor.execute(f"EXPLAIN {READ_ABOUT}", asked)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "notification_unread" in plan, plan


def test_the_same_subject_is_renewed_not_doubled(cast: Cast) -> None:
    for title in ("one", "two"):
        tell(cast, title=lambda title=title: title, subject_id=cast.sales.id)
    assert [r.title for r in notifications_page(cast.viewer(cast.carl)).rows] == ["two"]


def test_wishes_are_kept(cast: Cast) -> None:
    settings_set(cast.carl, {"mention": {"screen": False}, "nonsense": {"screen": True}})
    cast.carl.refresh_from_db()
    assert settings_of(cast.carl)["mention"] == {
        "screen": False,
        "browser": True,
        "push": True,
        "mail": False,
    }
    assert set(settings_of(cast.carl)) == set(settings_of(cast.ines))
    assert tell(cast) == []


def test_each_in_their_language(cast: Cast) -> None:
    cast.carl.language = "de"
    cast.carl.save()
    seen: list[str] = []

    def title() -> str:
        from django.utils.translation import get_language

        seen.append(str(get_language()))
        return gettext("x")

    tell(cast, title=title)
    assert seen == ["de"]
