"""Actions that change what stands on a conversation: who has it, until when, how urgent, its tags, its tray."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kith.base.clock import now
from kith.contacts.models import Identity, Tag
from kith.contacts.services import identity_block, identity_unblock
from kith.conversations.models import Conversation, ConversationScope, ConversationTag, Thread
from kith.conversations.services.actions.common import ActionError, Done, entry, finish, new_batch, writable
from kith.teams.errors import NotAllowed
from kith.teams.models import Team, User
from kith.teams.notifications import notify
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer


def jsonable(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _change(
    viewer: Viewer,
    ids: Sequence[uuid.UUID],
    kind: str,
    values: dict[str, Any],
    *,
    batch_id: uuid.UUID | None = None,
    **details: Any,
) -> Done:
    """Set columns on conversations; those that hold the values already are left alone, without an entry."""
    batch = batch_id or new_batch()
    changed: list[uuid.UUID] = []
    entries = []
    for row in writable(viewer, ids):
        before = {name: getattr(row, name) for name in values}
        if before == values:
            continue
        changed.append(row.pk)
        undo = {
            "before": {name: jsonable(v) for name, v in before.items()},
            "after": {name: jsonable(v) for name, v in values.items()},
        }
        entries.append(entry(viewer, row.pk, kind, batch_id=batch, undo=undo, **details))
    Conversation.objects.filter(pk__in=changed).update(**values)
    return finish(entries, batch)


@transaction.atomic
def conversations_assign(
    viewer: Viewer,
    ids: Sequence[uuid.UUID],
    *,
    assignee_id: uuid.UUID | None,
    batch_id: uuid.UUID | None = None,
    tell: bool = True,
) -> Done:
    """Give conversations to a colleague, or to nobody. Raises NotAllowed when the colleague can't see one of them.

    `tell`: with one notification for each; for many see `assigned_tell`.
    """
    user = User.objects.filter(pk=assignee_id, is_active=True).first() if assignee_id else None
    if assignee_id and user is None:
        raise ActionError(_("This colleague does not work here any more."))
    if user is not None:
        theirs = viewer_of(user)
        seen = (
            Thread.objects.filter(conversation_id__in=ids, scope_id__in=theirs.scope_ids)
            .values("conversation_id")
            .distinct()
            .count()
        )
        if not theirs.may_write or seen != len(set(ids)):
            raise NotAllowed(_("%(name)s can't see or answer this conversation.") % {"name": user.name})
    done = _change(
        viewer,
        ids,
        "assign",
        {"assignee_id": assignee_id},
        batch_id=batch_id,
        to=user.name if user else "",
        to_id=jsonable(assignee_id),
    )
    if tell and user is not None and user.pk != viewer.user_id:
        _tell_assigned(viewer, user, done)
    return done


def _tell_assigned(viewer: Viewer, user: User, done: Done) -> None:
    actor = User.objects.filter(pk=viewer.user_id).values_list("name", flat=True).first() or "Kith"
    rows = ConversationScope.objects.filter(
        conversation_id__in=done.conversation_ids, scope_id__in=viewer_of(user).scope_ids
    ).order_by("conversation_id", "-last_at")
    for row in rows.distinct("conversation_id")[:50]:
        notify(
            [user.pk],
            kind="assigned",
            title=lambda: _("%(name)s gave you a conversation") % {"name": actor},
            body=row.subject or row.snippet,
            path=f"/inbox/{row.conversation_id}/",
            subject_id=row.conversation_id,
            scope_id=row.scope_id,
        )


def assigned_tell(viewer: Viewer, *, user_id: uuid.UUID, count: int) -> None:
    """One notification for many conversations that a colleague was given at once."""
    actor = User.objects.filter(pk=viewer.user_id).values_list("name", flat=True).first() or "Kith"
    if user_id != viewer.user_id and count:
        notify(
            [user_id],
            kind="assigned",
            title=lambda: (
                ngettext(
                    "%(name)s gave you %(num)s conversation", "%(name)s gave you %(num)s conversations", count
                )
                % {"name": actor, "num": count}
            ),
            path="/inbox/mine/",
        )


@transaction.atomic
def conversations_assign_team(
    viewer: Viewer, ids: Sequence[uuid.UUID], *, team_id: uuid.UUID | None, batch_id: uuid.UUID | None = None
) -> Done:
    """Give conversations to a team, or to none."""
    name = Team.objects.filter(pk=team_id).values_list("name", flat=True).first() if team_id else ""
    if name is None:
        raise ActionError(_("There is no such team."))
    return _change(
        viewer, ids, "team", {"team_id": team_id}, batch_id=batch_id, to=name, to_id=jsonable(team_id)
    )


def _status(
    viewer: Viewer, ids: Sequence[uuid.UUID], status: str, batch_id: uuid.UUID | None, **columns: Any
) -> Done:
    values = {"status": status, "snoozed_until": None, "closed_at": None, **columns}
    shown = {name: jsonable(value) for name, value in columns.items()}
    return _change(viewer, ids, "status", values, batch_id=batch_id, to=status, **shown)


@transaction.atomic
def conversations_snooze(
    viewer: Viewer, ids: Sequence[uuid.UUID], *, until: datetime, batch_id: uuid.UUID | None = None
) -> Done:
    """Put conversations away until a time; a new message wakes them earlier."""
    if until <= now():
        raise ActionError(_("Choose a time that is still to come."))
    return _status(viewer, ids, Conversation.Status.SNOOZED, batch_id, snoozed_until=until)


@transaction.atomic
def conversations_close(
    viewer: Viewer, ids: Sequence[uuid.UUID], *, batch_id: uuid.UUID | None = None
) -> Done:
    return _status(
        viewer, _without(viewer, ids, "closed"), Conversation.Status.CLOSED, batch_id, closed_at=now()
    )


@transaction.atomic
def conversations_reopen(
    viewer: Viewer, ids: Sequence[uuid.UUID], *, batch_id: uuid.UUID | None = None
) -> Done:
    return _status(viewer, _without(viewer, ids, "open"), Conversation.Status.OPEN, batch_id)


def _without(viewer: Viewer, ids: Sequence[uuid.UUID], status: str) -> list[uuid.UUID]:
    """Those that are not so already. May the viewer change them comes first: the answer must not tell of hidden ones."""
    return [row.pk for row in writable(viewer, ids) if row.status != status]


@transaction.atomic
def conversations_set_priority(
    viewer: Viewer, ids: Sequence[uuid.UUID], *, priority: int, batch_id: uuid.UUID | None = None
) -> Done:
    """`priority` is one of Conversation.Priority."""
    if priority not in Conversation.Priority.values:
        raise ActionError(_("There is no such priority."))
    return _change(viewer, ids, "priority", {"priority": priority}, batch_id=batch_id, to=priority)


@transaction.atomic
def conversations_set_tray(
    viewer: Viewer, ids: Sequence[uuid.UUID], *, tray: str, batch_id: uuid.UUID | None = None
) -> Done:
    """Say where conversations belong: "spam" for the held tray, "" for the inbox; later messages don't change that."""
    if tray not in ("", "spam"):
        raise ActionError(_("There is no such tray."))
    return _change(viewer, ids, "tray", {"tray_decided": tray}, batch_id=batch_id, to=tray)


@transaction.atomic
def conversations_set_complaint(
    viewer: Viewer, ids: Sequence[uuid.UUID], *, complaint: bool, batch_id: uuid.UUID | None = None
) -> Done:
    """Call conversations a complaint, or no longer one: while one is open, the gate lets nobody sell to its person."""
    to = "complaint" if complaint else ""
    return _change(viewer, ids, "complaint", {"complaint": complaint}, batch_id=batch_id, to=to)


@transaction.atomic
def conversations_tag(
    viewer: Viewer,
    ids: Sequence[uuid.UUID],
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    batch_id: uuid.UUID | None = None,
) -> Done:
    """Add and remove tags by name; new names make new tags."""
    batch = batch_id or new_batch()
    rows = writable(viewer, ids)
    wanted = [name for raw in add if (name := " ".join(raw.split())[:60])]
    tags = {name: Tag.objects.get_or_create(name=name)[0] for name in wanted}
    gone = list(Tag.objects.filter(name__in=[" ".join(n.split()) for n in remove]))
    there = set(
        ConversationTag.objects.filter(conversation_id__in=ids).values_list("conversation_id", "tag_id")
    )
    entries = []
    for row in rows:
        added = [t for t in tags.values() if (row.pk, t.pk) not in there]
        removed = [t for t in gone if (row.pk, t.pk) in there and t.name not in tags]
        if not added and not removed:
            continue
        ConversationTag.objects.bulk_create(
            [ConversationTag(conversation=row, tag=t) for t in added], ignore_conflicts=True
        )
        ConversationTag.objects.filter(conversation=row, tag__in=removed).delete()
        undo = {"added": [str(t.pk) for t in added], "removed": [str(t.pk) for t in removed]}
        names = {"added": [t.name for t in added], "removed": [t.name for t in removed]}
        entries.append(entry(viewer, row.pk, "tags", batch_id=batch, undo=undo, **names))
    return finish(entries, batch)


@transaction.atomic
def sender_block(viewer: Viewer, conversation_id: uuid.UUID, *, batch_id: uuid.UUID | None = None) -> Done:
    """Block whom a conversation is with: it and what they send from now on go to the held tray."""
    batch = batch_id or new_batch()
    (row,) = writable(viewer, [conversation_id])
    identity = row.identity
    if identity is None or identity.kind == Identity.Kind.US:
        raise ActionError(_("There is nobody to block here."))
    user = User.objects.get(pk=viewer.user_id)
    made = entry(
        viewer,
        row.pk,
        "block",
        batch_id=batch,
        undo={
            "identity": str(identity.pk),
            "blocked": identity.blocked_at is not None,
            "tray": row.tray_decided,
        },
        who=identity.display_name or identity.handle or identity.external_id,
    )
    identity_block(identity_id=identity.pk, user=user)
    Conversation.objects.filter(pk=row.pk).update(tray_decided="blocked")
    return finish([made], batch)


@transaction.atomic
def conversation_unblock(viewer: Viewer, conversation_id: uuid.UUID) -> Done:
    """Let whom a conversation is with write to us again, and bring it back into the inbox."""
    (row,) = writable(viewer, [conversation_id])
    if row.identity_id is None:
        raise ActionError(_("There is nobody to block here."))
    identity_unblock(identity_id=row.identity_id)
    values = {"tray_decided": ""}
    return _change(viewer, [conversation_id], "tray", values, to="")


@transaction.atomic
def sender_unblock(viewer: Viewer, identity_id: uuid.UUID) -> None:
    """Let a sender's messages into the inbox again; what was held stays where it is."""
    if not viewer.may_write:
        raise NotAllowed(_("You may not change this conversation."))
    identity_unblock(identity_id=identity_id)
