"""A conversation's head: what it is, with whom, what was done to it, and how it can be answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from kith.contacts.models import Identity, Tag
from kith.contacts.selectors import IdentityName, identity_family, identity_names
from kith.conversations.models import Conversation, ConversationLogEntry, ConversationScope, Thread
from kith.conversations.selectors.shapes import (
    ConversationView,
    LogItem,
    PersonOption,
    ReplyChannel,
    TagView,
    ThreadView,
)
from kith.conversations.selectors.visible import threads_visible
from kith.core import sql
from kith.networks.models import ChannelAccount
from kith.networks.selectors import channel_accounts_for, manifest_of
from kith.teams.models import Scope, Team, User
from kith.teams.types import Viewer

LOG_SHOWN, PARTICIPANTS_SHOWN = 20, 30
UNDOABLE = frozenset(
    ["join", "split", "move", "assign", "team", "status", "priority", "tags", "tray", "block"]
)

# Of the newest messages only: a list of two thousand people helps nobody.
_PARTICIPANTS = """
SELECT p.identity_id, max(p.at) FROM (
    SELECT k.message_id FROM unnest(%(threads)s::uuid[]) t (id) CROSS JOIN LATERAL (
        SELECT k.message_id, k.at FROM conversations_messagecopy k WHERE k.thread_id = t.id AND k.first_in_thread
        ORDER BY k.at DESC, k.message_id DESC LIMIT 100
    ) k ORDER BY k.at DESC LIMIT 100
) recent JOIN conversations_participant p ON p.message_id = recent.message_id AND p.role <> 'bcc'
JOIN contacts_identity i ON i.id = p.identity_id AND i.kind <> 'us'
GROUP BY p.identity_id ORDER BY max(p.at) DESC, p.identity_id LIMIT %(limit)s
"""
_NEWEST = """
SELECT t.id, k.message_id, k.at, m.direction, m.sender_id, k.id FROM unnest(%(threads)s::uuid[]) t (id) CROSS JOIN LATERAL (
    SELECT k.message_id, k.at, k.id FROM conversations_messagecopy k WHERE k.thread_id = t.id AND k.first_in_thread
    ORDER BY k.at DESC, k.message_id DESC LIMIT 20
) k JOIN conversations_message m ON m.id = k.message_id AND m.direction <> 'note' AND m.state <> 'cancelled'
ORDER BY k.at DESC, k.message_id DESC
"""


def conversation_get(viewer: Viewer, conversation_id: uuid.UUID) -> ConversationView | None:
    """The head of a conversation, or None when there is none that the viewer may see. A fixed number of queries."""
    threads = threads_visible(viewer, conversation_id)
    conversation = Conversation.objects.select_related("assignee", "team").filter(pk=conversation_id).first()
    if not threads or conversation is None:
        return None
    rows = list(
        ConversationScope.objects.filter(
            conversation_id=conversation_id, scope_id__in=viewer.scope_ids
        ).order_by("-last_at", "id")
    )
    newest = _newest(threads)
    taking_part = _participants(threads)
    family = identity_family(identity_id=conversation.identity_id) if conversation.identity_id else ()
    names = identity_names({*taking_part, *family, *(t.identity_id for t in threads if t.identity_id)})
    scopes = dict(Scope.objects.filter(pk__in={t.scope_id for t in threads}).values_list("id", "name"))
    waits = [row.waiting_since for row in rows if row.waiting_since]
    return ConversationView(
        id=conversation.id,
        status=conversation.status,
        subject=next(
            (r.subject for r in rows if r.subject), next((t.subject for t in threads if t.subject), "")
        ),
        priority=conversation.priority,
        tray=rows[0].tray if rows else "",
        snoozed_until=conversation.snoozed_until,
        waiting_since=min(waits) if waits else None,
        first_response_at=conversation.first_response_at,
        last_at=rows[0].last_at if rows else None,
        last_message_id=max(newest, key=lambda row: row[5])[1] if newest else None,
        message_count=sum(row.message_count for row in rows),
        is_public=any(t.visibility == "public" for t in threads),
        networks=tuple(sorted({t.network for t in threads})),
        assignee=_option(conversation.assignee),
        team=_option(conversation.team),
        person=names.get(conversation.identity_id) if conversation.identity_id else None,
        participants=tuple(names[i] for i in taking_part if i in names),
        threads=tuple(_thread(t, scopes) for t in threads),
        tags=tuple(
            TagView(t.id, t.name, t.color)
            for t in Tag.objects.filter(conversations__conversation_id=conversation_id).order_by("name")
        ),
        log=tuple(log_entries(conversation_id)),
        reply_channels=tuple(_reply_channels(viewer, threads, newest, family, names))
        if viewer.may_write
        else (),
        may_write=viewer.may_write,
    )


def _option(row: User | Team | None) -> PersonOption | None:
    return PersonOption(row.pk, row.name) if row is not None else None


def _newest(threads: Sequence[Thread]) -> list[tuple[Any, ...]]:
    """(thread, message, at, direction, sender, copy) of the newest messages of each thread, newest first."""
    return sql.rows(_NEWEST, {"threads": [t.id for t in threads[:100]]})


def _participants(threads: Sequence[Thread]) -> list[uuid.UUID]:
    found = sql.rows(_PARTICIPANTS, {"threads": [t.id for t in threads[:100]], "limit": PARTICIPANTS_SHOWN})
    return [row[0] for row in found]


def _thread(thread: Thread, scopes: dict[uuid.UUID, str]) -> ThreadView:
    manifest = manifest_of(thread.network)
    return ThreadView(
        id=thread.id,
        scope_id=thread.scope_id,
        scope_name=scopes.get(thread.scope_id, ""),
        network=thread.network,
        network_title=manifest.title if manifest else thread.network,
        visibility=thread.visibility,
        subject=thread.subject,
        channel_account_id=thread.channel_account_id,
        channel_account=thread.channel_account.name if thread.channel_account else "",
        identity_id=thread.identity_id,
        last_at=thread.last_at,
    )


def log_entries(conversation_id: uuid.UUID, ids: Sequence[uuid.UUID] | None = None) -> list[LogItem]:
    """Log entries, newest first; those named by `ids`, or the last twenty."""
    if ids is not None and not ids:
        return []
    rows = ConversationLogEntry.objects.filter(conversation_id=conversation_id).select_related("actor")
    rows = rows.filter(pk__in=ids) if ids is not None else rows
    return [
        LogItem(
            id=row.id,
            at=row.created_at,
            kind=row.kind,
            actor_id=row.actor_id,
            actor=row.actor.name if row.actor else "",
            details={key: value for key, value in row.details.items() if key != "undo"},
            can_undo=row.undone_at is None and row.kind in UNDOABLE and "undo" in row.details,
            undone_at=row.undone_at,
        )
        for row in rows.order_by("-id")[: LOG_SHOWN if ids is None else None]
    ]


def _reply_channels(
    viewer: Viewer,
    threads: Sequence[Thread],
    newest: Sequence[tuple[Any, ...]],
    family: Sequence[uuid.UUID],
    names: dict[uuid.UUID, IdentityName],
) -> list[ReplyChannel]:
    """Where they wrote last comes first; then the other threads; then our accounts that can reach one of their identities."""
    accounts = {
        a.id: a
        for a in channel_accounts_for(viewer)
        if a.state != ChannelAccount.State.PAUSED and _sends(a.network)
    }
    inbound = {}
    for thread_id, message_id, at, direction, sender_id, _copy in newest:
        if direction == "in" and thread_id not in inbound:
            inbound[thread_id] = (at, message_id, sender_id)
    found: list[ReplyChannel] = []
    ordered = sorted(
        threads, key=lambda t: (t.id in inbound, inbound.get(t.id, (t.last_at,))[0]), reverse=True
    )
    for thread in ordered:
        account = accounts.get(thread.channel_account_id) if thread.channel_account_id else None
        if account is None or account.scope_id != thread.scope_id:
            account = next(
                (
                    a
                    for a in accounts.values()
                    if (a.network, a.scope_id) == (thread.network, thread.scope_id)
                ),
                None,
            )
        if account is not None:
            _at, message_id, sender_id = inbound.get(thread.id, (None, None, None))
            person = names.get(sender_id) if sender_id else None
            person = person or (names.get(thread.identity_id) if thread.identity_id else None)
            found.append(_channel(account, thread, message_id, person))
    reached = {(c.channel_account_id, c.identity_id) for c in found}
    for key in family:
        person = names[key]
        for account in accounts.values():
            if (
                account.network == person.network
                and (account.id, key) not in reached
                and person.kind != Identity.Kind.US
            ):
                found.append(_channel(account, None, None, person))
    return found


def _sends(network: str) -> bool:
    manifest = manifest_of(network)
    return manifest is not None and "sends" in manifest.capabilities


def _channel(
    account: ChannelAccount, thread: Thread | None, message_id: uuid.UUID | None, person: IdentityName | None
) -> ReplyChannel:
    manifest = manifest_of(account.network)
    assert manifest is not None
    return ReplyChannel(
        channel_account_id=account.id,
        account=account.name,
        address=account.address,
        network=account.network,
        network_title=manifest.title,
        icon=manifest.icon,
        medium=manifest.medium,
        visibility=thread.visibility if thread else "private",
        thread_id=thread.id if thread else None,
        reply_to_id=message_id,
        identity_id=person.id if person else None,
        identity=person.name if person else "",
        handle=(person.handle or person.external_id) if person else "",
        subject=thread.subject if thread else "",
        supports_subject=manifest.limits.supports_subject,
        supports_html=manifest.limits.supports_html,
        supports_attachments=manifest.limits.supports_attachments,
        text_length=manifest.limits.text_length,
        length_unit=manifest.limits.length_unit,
        starts=thread is None,
    )
