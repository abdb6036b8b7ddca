"""Who has read, who looks, who types, and whether a colleague was faster."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kith.base.clock import now
from kith.conversations.models import Message, MessageCopy, Presence, Seen
from kith.conversations.selectors.visible import conversation_scopes
from kith.core import sql
from kith.core.asking import Ask, answered
from kith.core.live import CHANNEL, tell_scopes, tell_users, user_news
from kith.teams.notifications import READ_ABOUT
from kith.teams.types import Viewer

PRESENT_FOR = timedelta(seconds=30)

# One statement, since it belongs to opening a conversation: what was read, its notifications, and the news of both.
_SEEN = f"""
WITH seen AS (
    INSERT INTO conversations_seen (user_id, conversation_id, at)
    SELECT %(user)s, c.id, %(at)s FROM conversations_conversation c
    WHERE c.id = ANY (%(ids)s) AND EXISTS (SELECT 1 FROM conversations_thread t WHERE t.conversation_id = c.id
                                           AND t.scope_id = ANY (%(scopes)s))
    ORDER BY c.id
    ON CONFLICT (user_id, conversation_id) DO UPDATE SET at = greatest(conversations_seen.at, excluded.at)
), told AS ({READ_ABOUT})
SELECT (SELECT pg_notify(%(channel)s, %(read)s) FROM told LIMIT 1)::text, pg_notify(%(channel)s, %(news)s)::text
"""  # noqa: S608  (a constant of the room of teams)
_PRESENT = """
SELECT p.user_id, u.name, p.typing FROM conversations_presence p JOIN teams_user u ON u.id = p.user_id
WHERE p.conversation_id = %(conversation)s AND p.seen_at > %(since)s AND p.user_id <> %(me)s AND EXISTS (
    SELECT 1 FROM conversations_thread t WHERE t.conversation_id = p.conversation_id AND t.scope_id = ANY (%(scopes)s))
ORDER BY p.typing DESC, u.name
"""


@dataclass(frozen=True, slots=True)
class Present:
    user_id: uuid.UUID
    name: str
    typing: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """What was written since the one who answers last looked: by a colleague (`is_us`) or by the person outside."""

    message_id: uuid.UUID
    author: str
    at: datetime
    snippet: str
    is_us: bool
    count: int


def seen_mark(viewer: Viewer, ids: Sequence[uuid.UUID]) -> None:
    """The viewer has read these conversations up to now; their notifications about them are read, too."""
    sql.prepared(
        _SEEN,
        {
            "user": viewer.user_id,
            "at": now(),
            "ids": list(ids),
            "scopes": list(viewer.scope_ids),
            "channel": CHANNEL,
            "read": user_news("notification", viewer.user_id),
            "news": user_news("seen", viewer.user_id),
        },
    )


def seen_unmark(viewer: Viewer, ids: Sequence[uuid.UUID]) -> None:
    """Unread again, for this viewer."""
    Seen.objects.filter(user_id=viewer.user_id, conversation_id__in=ids).delete()
    tell_users("seen", [viewer.user_id])


def seen_times(viewer: Viewer, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Up to when the viewer has read these conversations; those never read are left out."""
    rows = Seen.objects.filter(user_id=viewer.user_id, conversation_id__in=ids)
    return dict(rows.values_list("conversation_id", "at"))


def seen_restore(viewer: Viewer, times: Mapping[uuid.UUID, datetime | None]) -> None:
    """Put back what `seen_times` told before; None: never read."""
    Seen.objects.filter(user_id=viewer.user_id, conversation_id__in=list(times)).delete()
    Seen.objects.bulk_create(
        [
            Seen(user_id=viewer.user_id, conversation_id=key, at=at)
            for key, at in times.items()
            if at is not None
        ],
        ignore_conflicts=True,
    )
    tell_users("seen", [viewer.user_id])


def seen_rewind(viewer: Viewer, conversation_id: uuid.UUID, message_id: uuid.UUID) -> None:
    """Unread from this message on, for this viewer; what stands before it stays read."""
    at = (
        MessageCopy.objects.filter(
            message_id=message_id, thread__conversation_id=conversation_id, scope_id__in=viewer.scope_ids
        )
        .values_list("at", flat=True)
        .order_by("at")
        .first()
    )
    if at is not None:
        Seen.objects.update_or_create(
            user_id=viewer.user_id,
            conversation_id=conversation_id,
            defaults={"at": at - timedelta(microseconds=1)},
        )
        tell_users("seen", [viewer.user_id])


def presence_set(viewer: Viewer, conversation_id: uuid.UUID, *, typing: bool = False) -> None:
    """The viewer looks at (or types in) a conversation; to be said again within half a minute."""
    scopes = conversation_scopes(viewer, conversation_id)
    if not scopes:
        return
    moment = now()
    before = Presence.objects.filter(user_id=viewer.user_id, conversation_id=conversation_id).first()
    Presence.objects.update_or_create(
        user_id=viewer.user_id,
        conversation_id=conversation_id,
        defaults={"typing": typing, "seen_at": moment},
    )
    others = Presence.objects.filter(user_id=viewer.user_id).exclude(conversation_id=conversation_id)
    for left in list(others.values_list("conversation_id", flat=True)):
        presence_leave(viewer, left)
    if before is None or before.typing != typing or moment - before.seen_at > PRESENT_FOR:
        tell_scopes("presence", [(conversation_id, scope) for scope in scopes])


def presence_leave(viewer: Viewer, conversation_id: uuid.UUID) -> None:
    gone, _ = Presence.objects.filter(user_id=viewer.user_id, conversation_id=conversation_id).delete()
    if gone:
        scopes = conversation_scopes(viewer, conversation_id)
        tell_scopes("presence", [(conversation_id, scope) for scope in scopes])


def presence_of(viewer: Viewer, conversation_id: uuid.UUID) -> tuple[Present, ...]:
    """Which colleagues look at a conversation now, those who type first."""
    found: tuple[Present, ...] = answered([presence_ask(viewer, conversation_id)])[0]
    return found


def presence_ask(viewer: Viewer, conversation_id: uuid.UUID) -> Ask:
    """The same, to be asked together with others."""
    params = {
        "conversation": conversation_id,
        "since": now() - PRESENT_FOR,
        "me": viewer.user_id,
        "scopes": list(viewer.scope_ids),
    }
    return Ask(_PRESENT, params, lambda rows: tuple(Present(*row) for row in rows))


def answer_conflict(
    viewer: Viewer, conversation_id: uuid.UUID, *, last_seen: uuid.UUID | None
) -> Conflict | None:
    """What stands in a conversation after `last_seen`, the newest message on the screen of the one who answers.

    A colleague's answer counts before what the person outside added. Notes don't count. None: nobody was faster.
    """
    mark: int | None = 0
    if last_seen is not None:
        mark = (
            MessageCopy.objects.filter(
                message_id=last_seen,
                thread__conversation_id=conversation_id,
                scope_id__in=viewer.scope_ids,
            )
            .values_list("id", flat=True)
            .order_by("id")
            .first()
        )
    if mark is None:
        return None
    newer = (
        MessageCopy.objects.filter(
            thread__conversation_id=conversation_id,
            scope_id__in=viewer.scope_ids,
            first_in_thread=True,
            id__gt=mark,
        )
        .exclude(message__direction=Message.Direction.NOTE)
        .exclude(message__state=Message.State.CANCELLED)
        .exclude(message__author_id=viewer.user_id)
        .select_related("message__author", "message__sender")
        .order_by("-id")
    )
    found = list(newer[:50])
    if not found:
        return None
    ours = [c for c in found if c.message.direction == Message.Direction.OUT]
    message = (ours or found)[0].message
    sender = message.sender
    author = (
        message.author.name if message.author else (sender.display_name or sender.handle if sender else "")
    )
    return Conflict(
        message.pk,
        author,
        message.at,
        " ".join(message.text.split())[:200],
        message.direction == Message.Direction.OUT,
        len(found),
    )
