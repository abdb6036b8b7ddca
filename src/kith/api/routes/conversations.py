"""Conversations and their messages: the same rows, by the same selectors, as on screen."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from kith.api.access import Token, caller_of
from kith.api.problems import Problem, blame
from kith.api.routes.people import contact_of
from kith.api.schemas import (
    AssignIn,
    ConversationOut,
    ConversationQuery,
    MessageOut,
    NoteIn,
    Page,
    PageQuery,
    SnoozeIn,
    TagsIn,
)
from kith.base.keyset import cursor_decode
from kith.contacts.models import Identity
from kith.conversations.models import Attachment, ConversationScope, Message
from kith.conversations.selectors import MessageItem, conversation_messages, conversation_resolve
from kith.conversations.services import actions
from kith.teams.models import Team, User
from kith.teams.types import Viewer
from kith.understanding.labels import TOLD
from kith.understanding.models import Annotation
from kith.understanding.selectors import annotations_of
from kith.workspace.inbox import InboxRow, InboxView, inbox_page, inbox_rows

router = Router(tags=["conversations"])
READ, WRITE = Token("conversations:read"), Token("conversations:write")


def _out(row: InboxRow) -> dict[str, Any]:
    return {
        "id": row.conversation_id,
        "status": row.status,
        "subject": row.subject,
        "snippet": row.snippet,
        "networks": list(row.networks),
        "is_public": row.is_public,
        "tray": row.tray,
        "assignee_id": row.assignee_id,
        "team_id": row.team_id,
        "priority": row.priority,
        "identity_id": row.identity_id,
        "person_id": row.contact_id,
        "message_count": row.message_count,
        "last_at": row.last_at,
        "last_direction": row.last_direction,
        "waiting_since": row.waiting_since,
        "snoozed_until": row.snoozed_until,
        "tags": [tag.name for tag in row.tags],
        "labels": [label for label in TOLD if label in row.labels],
    }


def _view(query: ConversationQuery, user_id: uuid.UUID) -> InboxView:
    kind, assignee = "all", None
    if query.held:
        kind = "held"
    if query.assignee == "none":
        kind = "unassigned"
    elif query.assignee:
        assignee = user_id if query.assignee == "me" else uuid.UUID(str(query.assignee))
    if query.team_id:
        kind = "team"
    if (query.assignee == "none") + query.held + (query.team_id is not None) > 1:
        raise blame("assignee", "Of `held`, `team_id` and `assignee=none`, ask for one.")
    people = None
    if query.person_id:
        canonical = contact_of(query.person_id, field="person_id").pk
        people = tuple(Identity.objects.filter(contact__canonical_id=canonical).values_list("pk", flat=True))
    return InboxView(
        kind=kind,
        team_id=query.team_id,
        statuses=(query.status,) if query.status else ("open", "snoozed", "closed"),
        assignee_id=assignee,
        tags=(query.tag,) if query.tag else (),
        network=query.network,
        label=query.label or "",
        identity_ids=people,
    )


@router.get("", auth=READ, response=Page[ConversationOut], summary="List conversations, newest first")
def conversations_list(request: HttpRequest, query: Query[ConversationQuery]) -> Any:
    caller = caller_of(request)
    if query.after and cursor_decode(query.after) is None:
        raise blame("after", "This is not a cursor that we gave.")
    view = _view(query, caller.user_id)
    page = inbox_page(caller.viewer, view, cursor=query.after or None, limit=query.limit)
    return {"items": [_out(row) for row in page.rows], "next": page.next_cursor}


def conversation_seen(viewer: Viewer, conversation_id: uuid.UUID) -> uuid.UUID:
    """The conversation behind an id (joined ones resolve), if the viewer sees any of it; else Problem 404."""
    found = conversation_resolve(conversation_id)
    if (
        found is None
        or not ConversationScope.objects.filter(conversation_id=found, scope_id__in=viewer.scope_ids).exists()
    ):
        raise Problem(404, "There is no such conversation, or you may not see it.")
    return found


def _show(viewer: Viewer, conversation_id: uuid.UUID) -> dict[str, Any]:
    newest = (
        ConversationScope.objects.filter(conversation_id=conversation_id, scope_id__in=viewer.scope_ids)
        .order_by("-last_at", "id")
        .values_list("id", flat=True)[:1]
    )
    return _out(inbox_rows(viewer, list(newest))[0])


@router.get("/{uuid:conversation_id}", auth=READ, response=ConversationOut, summary="One conversation")
def conversations_get(request: HttpRequest, conversation_id: uuid.UUID) -> Any:
    viewer = caller_of(request).viewer
    return _show(viewer, conversation_seen(viewer, conversation_id))


@router.post("/{uuid:conversation_id}/assign", auth=WRITE, response=ConversationOut, summary="Assign")
def conversations_assign(request: HttpRequest, conversation_id: uuid.UUID, body: AssignIn) -> Any:
    viewer = caller_of(request).viewer
    found = conversation_seen(viewer, conversation_id)
    given = body.model_dump(exclude_unset=True)
    if "assignee_id" in given:
        wanted = given["assignee_id"]
        if wanted is not None and not User.objects.filter(pk=wanted, is_active=True).exists():
            raise blame("assignee_id", "There is no such colleague.")
        actions.conversations_assign(viewer, [found], assignee_id=wanted)
    if "team_id" in given:
        wanted = given["team_id"]
        if wanted is not None and not Team.objects.filter(pk=wanted).exists():
            raise blame("team_id", "There is no such team.")
        actions.conversations_assign_team(viewer, [found], team_id=wanted)
    return _show(viewer, found)


@router.post(
    "/{uuid:conversation_id}/snooze", auth=WRITE, response=ConversationOut, summary="Put away until a time"
)
def conversations_snooze(request: HttpRequest, conversation_id: uuid.UUID, body: SnoozeIn) -> Any:
    viewer = caller_of(request).viewer
    found = conversation_seen(viewer, conversation_id)
    actions.conversations_snooze(viewer, [found], until=body.until)
    return _show(viewer, found)


@router.post("/{uuid:conversation_id}/close", auth=WRITE, response=ConversationOut, summary="Close")
def conversations_close(request: HttpRequest, conversation_id: uuid.UUID) -> Any:
    viewer = caller_of(request).viewer
    found = conversation_seen(viewer, conversation_id)
    actions.conversations_close(viewer, [found])
    return _show(viewer, found)


@router.post("/{uuid:conversation_id}/reopen", auth=WRITE, response=ConversationOut, summary="Open again")
def conversations_reopen(request: HttpRequest, conversation_id: uuid.UUID) -> Any:
    viewer = caller_of(request).viewer
    found = conversation_seen(viewer, conversation_id)
    actions.conversations_reopen(viewer, [found])
    return _show(viewer, found)


@router.post(
    "/{uuid:conversation_id}/tags", auth=WRITE, response=ConversationOut, summary="Add and remove tags"
)
def conversations_tags(request: HttpRequest, conversation_id: uuid.UUID, body: TagsIn) -> Any:
    viewer = caller_of(request).viewer
    found = conversation_seen(viewer, conversation_id)
    actions.conversations_tag(viewer, [found], add=tuple(body.add), remove=tuple(body.remove))
    return _show(viewer, found)


@router.post(
    "/{uuid:conversation_id}/notes",
    auth=WRITE,
    response={201: MessageOut},
    summary="Write a note to colleagues",
)
def conversations_note(request: HttpRequest, conversation_id: uuid.UUID, body: NoteIn) -> Any:
    viewer = caller_of(request).viewer
    found = conversation_seen(viewer, conversation_id)
    message_id = actions.note_add(viewer, found, text=body.text)
    return Status(201, messages_out([Message.objects.get(pk=message_id)], found)[0])


@router.get(
    "/{uuid:conversation_id}/messages",
    auth=READ,
    response=Page[MessageOut],
    summary="Its messages, newest first",
)
def conversations_messages(request: HttpRequest, conversation_id: uuid.UUID, query: Query[PageQuery]) -> Any:
    viewer = caller_of(request).viewer
    found = conversation_seen(viewer, conversation_id)
    if query.after and cursor_decode(query.after) is None:
        raise blame("after", "This is not a cursor that we gave.")
    page = conversation_messages(viewer, found, before=query.after or None, limit=query.limit)
    ids = [item.id for item in reversed(page.items) if isinstance(item, MessageItem)]
    rows = Message.objects.in_bulk(ids)
    return {"items": messages_out([rows[i] for i in ids if i in rows], found), "next": page.before}


def _reading(row: Annotation) -> dict[str, Any]:
    names = (
        "language", "sentiment", "sentiment_scores", "emotion", "emotion_scores", "offensive", "intents",
        "intent_scores", "aspects", "urgency", "entities", "cut", "tier", "model", "read_at",
    )  # fmt: skip
    told = {"corrected": sorted(row.said), "labels": [label for label in TOLD if label in row.labels]}
    return {name: getattr(row, name) for name in names} | told


def messages_out(rows: Sequence[Message], conversation_id: uuid.UUID | None) -> list[dict[str, Any]]:
    files: dict[uuid.UUID, list[Attachment]] = {}
    for file in Attachment.objects.filter(message_id__in=[m.pk for m in rows]).order_by("id"):
        files.setdefault(file.message_id, []).append(file)
    readings = annotations_of([m.pk for m in rows if m.deleted_upstream_at is None])
    return [
        {
            "id": m.pk,
            "conversation_id": conversation_id,
            "network": m.network,
            "direction": m.direction,
            "state": m.state,
            "at": m.at,
            "sender_id": m.sender_id,
            "author_id": m.author_id,
            "subject": m.subject,
            "text": m.text,
            "visibility": m.visibility,
            "automatic": m.automatic,
            "unreadable": m.unreadable,
            "language": m.language,
            "url": m.url,
            "edited_at": m.edited_at,
            "deleted_upstream_at": m.deleted_upstream_at,
            "attachments": [
                {"id": f.pk, "file_name": f.file_name, "content_type": f.content_type, "size": f.size}
                for f in files.get(m.pk, [])
            ],
            "reading": _reading(readings[m.pk]) if m.pk in readings else None,
        }
        for m in rows
    ]
