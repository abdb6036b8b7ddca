"""What calls for one user's attention: written by the rooms above, read by what the user may see at that moment."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation

from kith.base.clock import now
from kith.core import sql
from kith.core.jobs import defer
from kith.core.live import tell_users
from kith.teams.models import Notification, User
from kith.teams.types import Viewer
from kith.teams.wishes import wants

COUNT_CAP = 100
MAIL_AFTER = 180  # seconds in which somebody who sits there has read it anyway


@dataclass(frozen=True, slots=True)
class NotificationRow:
    id: uuid.UUID
    at: datetime
    kind: str
    title: str
    body: str
    path: str
    subject_id: uuid.UUID | None
    read: bool


@dataclass(frozen=True, slots=True)
class NotificationPage:
    rows: tuple[NotificationRow, ...]
    next_cursor: str | None


def notify(
    user_ids: Iterable[uuid.UUID],
    *,
    kind: str,
    title: Callable[[], str],
    body: str = "",
    path: str = "",
    subject_id: uuid.UUID | None = None,
    scope_id: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Tell users, in the running transaction, each in their language (`title` is called for each).

    `scope_id` is the scope of what it tells of: one who can't see it is not told, now or later. An unread notification
    of the same kind and subject is renewed, not doubled. Returns the ids of the users who were told.
    """
    from kith.teams.selectors import viewer_of

    wanted = {u.id: u for u in User.objects.filter(pk__in=set(user_ids), is_active=True)}
    told: list[uuid.UUID] = []
    made: list[Notification] = []
    for user in wanted.values():
        if not wants(user, kind, "screen") or (scope_id and not viewer_of(user).sees(scope_id)):
            continue
        with translation.override(user.language or settings.LANGUAGE_CODE):
            words = title()
        if subject_id is not None:
            Notification.objects.filter(user=user, kind=kind, subject_id=subject_id, read_at=None).delete()
        made.append(
            Notification(
                user=user,
                kind=kind,
                title=words[:300],
                body=" ".join(body.split())[:500],
                path=path[:300],
                subject_id=subject_id,
                scope_id=scope_id,
            )
        )
        told.append(user.id)
    if made:
        Notification.objects.bulk_create(made)
        tell_users("notification", told)
        _interrupt(made)
    return told


def _interrupt(made: Sequence[Notification]) -> None:
    """Jobs for what rings elsewhere; they look again at wishes and sight when they run."""
    from kith.teams.jobs import mail_send, push_send

    ids = [str(n.id) for n in made if wants(n.user, n.kind, "push")]
    if ids:
        defer(push_send, ids=ids)
    ids = [str(n.id) for n in made if n.kind != "alarm" and wants(n.user, n.kind, "mail")]
    if ids:
        defer(mail_send, ids=ids, after=MAIL_AFTER)


def _visible(viewer: Viewer) -> QuerySet[Notification]:
    return Notification.objects.filter(user_id=viewer.user_id).filter(
        Q(scope=None) | Q(scope_id__in=viewer.scope_ids)
    )


def _row(n: Notification) -> NotificationRow:
    return NotificationRow(
        n.id, n.created_at, n.kind, n.title, n.body, n.path, n.subject_id, n.read_at is not None
    )


def notifications_page(
    viewer: Viewer, *, cursor: str | None = None, limit: int = 30, unread: bool = False
) -> NotificationPage:
    """A user's notifications, newest first, without those whose scope they no longer see; `unread` ones only."""
    rows = _visible(viewer)
    if unread:
        rows = rows.filter(read_at=None)
    if cursor:
        try:
            rows = rows.filter(id__lt=uuid.UUID(cursor))
        except ValueError:
            return NotificationPage((), None)
    found = list(rows.order_by("-id")[: limit + 1])
    shown = tuple(_row(n) for n in found[:limit])
    return NotificationPage(shown, str(found[limit - 1].id) if len(found) > limit else None)


# Counted up to 100. It names `me` and `scopes`, so that a statement that reads more can have it as one of its columns.
UNREAD_COLUMN = f"""(SELECT count(*) FROM (SELECT 1 FROM teams_notification n
WHERE n.user_id = %(me)s AND n.read_at IS NULL AND (n.scope_id IS NULL OR n.scope_id = ANY (%(scopes)s))
LIMIT {COUNT_CAP}) unread)"""  # noqa: S608


def unread_count(viewer: Viewer) -> int:
    """How many are unread, counted up to 100."""
    asked = {"me": viewer.user_id, "scopes": list(viewer.scope_ids)}
    count: int = sql.prepared(f"SELECT {UNREAD_COLUMN}", asked)[0][0]
    return count


READ_ABOUT = """
UPDATE teams_notification SET read_at = %(at)s
WHERE user_id = %(user)s AND subject_id = ANY (%(ids)s) AND read_at IS NULL RETURNING id
"""
"""Those about some subjects are read: part of a statement that then tells the user "notification" where there were any."""


@transaction.atomic
def notifications_read(
    viewer: Viewer, ids: Sequence[uuid.UUID] | None = None, *, subject_ids: Sequence[uuid.UUID] | None = None
) -> int:
    """Mark as read: those given, those about some subjects, or all. Returns how many were unread."""
    rows = Notification.objects.filter(user_id=viewer.user_id, read_at=None)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    if subject_ids is not None:
        rows = rows.filter(subject_id__in=subject_ids)
    count = rows.update(read_at=now())
    if count:
        tell_users("notification", [viewer.user_id])
    return count


@transaction.atomic
def notifications_unread(viewer: Viewer, ids: Sequence[uuid.UUID]) -> int:
    """Unread again. Returns how many were read."""
    rows = Notification.objects.filter(user_id=viewer.user_id, read_at__isnull=False, pk__in=ids)
    count = rows.update(read_at=None)
    if count:
        tell_users("notification", [viewer.user_id])
    return count


def notification_get(viewer: Viewer, notification_id: uuid.UUID) -> NotificationRow | None:
    """One of the user's own, as long as they see what it tells of."""
    found = _visible(viewer).filter(pk=notification_id).first()
    return _row(found) if found else None
