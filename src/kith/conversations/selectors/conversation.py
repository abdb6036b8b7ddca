# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""A conversation's head: what it is, with whom, what was done to it, and how it can be answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from kith.contacts.models import Identity
from kith.contacts.selectors import IdentityName, names_ask
from kith.conversations.models import Thread
from kith.conversations.selectors.shapes import (
    ConversationView,
    LogItem,
    PersonOption,
    ReplyChannel,
    TagView,
    ThreadView,
)
from kith.core.asking import Ask, Asking, Rows, asked
from kith.core.objects import objects_ask
from kith.networks.models import ChannelAccount
from kith.networks.selectors import AccountName, channel_accounts_ask, manifest_of
from kith.teams.types import Viewer

UNDOABLE = frozenset(
    ["join", "split", "move", "assign", "team", "status", "priority", "tags", "tray", "block", "complaint"]
)

_VISIBLE = "r.conversation_id = %(conversation)s AND r.scope_id = ANY (%(scopes)s)"
# The hundred threads that were written in last.
_THREADS = """SELECT id FROM conversations_thread
    WHERE conversation_id = %(conversation)s AND scope_id = ANY (%(scopes)s) ORDER BY last_at DESC, id DESC LIMIT 100"""
# Of the newest messages only: a list of two thousand people helps nobody.
_PARTICIPANTS = f"""
SELECT p.identity_id, max(p.at) FROM (
    SELECT k.message_id FROM ({_THREADS}) t CROSS JOIN LATERAL (
        SELECT k.message_id, k.at FROM conversations_messagecopy k WHERE k.thread_id = t.id AND k.first_in_thread
        ORDER BY k.at DESC, k.message_id DESC LIMIT 100
    ) k ORDER BY k.at DESC LIMIT 100
) recent JOIN conversations_participant p ON p.message_id = recent.message_id AND p.role <> 'bcc'
JOIN contacts_identity i ON i.id = p.identity_id AND i.kind <> 'us'
GROUP BY p.identity_id ORDER BY max(p.at) DESC, p.identity_id LIMIT 30
"""
# Of the twenty newest messages of each thread: what was written down last, and what each thread got last.
_NEWEST = f"""
SELECT thread, message_id, at, direction, sender_id, copy FROM (
    SELECT t.id AS thread, k.message_id, k.at, m.direction, m.sender_id, k.id AS copy, max(k.id) OVER () AS last,
           row_number() OVER (PARTITION BY t.id, m.direction ORDER BY k.at DESC, k.message_id DESC) AS place
    FROM ({_THREADS}) t CROSS JOIN LATERAL (
        SELECT k.message_id, k.at, k.id FROM conversations_messagecopy k WHERE k.thread_id = t.id AND k.first_in_thread
        ORDER BY k.at DESC, k.message_id DESC LIMIT 20
    ) k JOIN conversations_message m ON m.id = k.message_id AND m.direction <> 'note' AND m.state <> 'cancelled'
) newest WHERE copy = last OR (direction = 'in' AND place = 1) ORDER BY at DESC, message_id DESC
"""
_CONVERSATION = """
SELECT c.id, c.status, c.priority, c.snoozed_until, c.first_response_at, c.identity_id, c.complaint,
       u.id, u.name, t.id, t.name
FROM conversations_conversation c LEFT JOIN teams_user u ON u.id = c.assignee_id LEFT JOIN teams_team t ON t.id = c.team_id
WHERE c.id = %(conversation)s
"""
_ROWS = """
SELECT subject, tray, waiting_since, last_at, message_count FROM conversations_conversationscope
WHERE conversation_id = %(conversation)s AND scope_id = ANY (%(scopes)s) ORDER BY last_at DESC, id
"""
_TAGS = """
SELECT t.id, t.name, t.color FROM conversations_conversationtag ct JOIN contacts_tag t ON t.id = ct.tag_id
WHERE ct.conversation_id = %(conversation)s ORDER BY t.name
"""
_FAMILY = """
SELECT p.id FROM conversations_conversation v JOIN contacts_identity i ON i.id = v.identity_id
JOIN contacts_contact c ON c.id = i.contact_id JOIN contacts_contact a ON a.canonical_id = c.canonical_id
JOIN contacts_identity p ON p.contact_id = a.id WHERE v.id = %(conversation)s
UNION SELECT identity_id FROM conversations_conversation WHERE id = %(conversation)s AND identity_id IS NOT NULL ORDER BY 1
"""
_LOG = """
SELECT l.id, l.created_at, l.kind, l.actor_id, coalesce(u.name, ''), l.details, l.undone_at
FROM conversations_conversationlogentry l LEFT JOIN teams_user u ON u.id = l.actor_id
WHERE l.conversation_id = %(conversation)s {which} ORDER BY l.id DESC {most}
"""
_LOG_LAST = _LOG.format(which="", most="LIMIT 20")
_LOG_NAMED = _LOG.format(which="AND l.id = ANY (%(entries)s)", most="")


def conversation_get(viewer: Viewer, conversation_id: uuid.UUID) -> ConversationView | None:
    """The head of a conversation, or None when there is none that the viewer may see. Two statements."""
    return asked(conversation_asking(viewer, conversation_id))


def conversation_asking(viewer: Viewer, conversation_id: uuid.UUID) -> Asking[ConversationView | None]:
    """The same, to be asked together with others."""
    given = {"conversation": conversation_id, "scopes": list(viewer.scope_ids)}
    found, threads, rows, newest, taking_part, family, tags, log, *accounts = yield (
        Ask(_CONVERSATION, given),
        objects_ask(
            Thread,
            f"{_VISIBLE} ORDER BY r.last_at DESC, r.id DESC",
            given,
            channel_account="name",
            scope="name",
        ),
        Ask(_ROWS, given),
        Ask(_NEWEST, given),
        Ask(_PARTICIPANTS, given, _first),
        Ask(_FAMILY, given, _first),
        Ask(_TAGS, given, lambda rows: tuple(TagView(*row) for row in rows)),
        Ask(_LOG_LAST, given, _log_items),
        *((channel_accounts_ask(viewer),) if viewer.may_write else ()),
    )
    if not threads or not found:
        return None
    (key, status, priority, snoozed_until, first_response_at, identity_id, complaint, *owner) = found[0]
    asked_for = {*taking_part, *family, *(t.identity_id for t in threads if t.identity_id)}
    (names,) = yield (names_ask("%(identities)s", {"identities": list(asked_for)}),)
    waits = [waiting for _subject, _tray, waiting, _at, _count in rows if waiting]
    return ConversationView(
        id=key,
        status=status,
        subject=next((r[0] for r in rows if r[0]), next((t.subject for t in threads if t.subject), "")),
        priority=priority,
        tray=rows[0][1] if rows else "",
        snoozed_until=snoozed_until,
        waiting_since=min(waits) if waits else None,
        first_response_at=first_response_at,
        last_at=rows[0][3] if rows else None,
        last_message_id=max(newest, key=lambda row: row[5])[1] if newest else None,
        message_count=sum(row[4] for row in rows),
        is_public=any(t.visibility == "public" for t in threads),
        networks=tuple(sorted({t.network for t in threads})),
        assignee=_option(*owner[:2]),
        team=_option(*owner[2:]),
        person=names.get(identity_id) if identity_id else None,
        participants=tuple(names[i] for i in taking_part if i in names),
        threads=tuple(map(_thread, threads)),
        tags=tags,
        log=tuple(log),
        reply_channels=tuple(_reply_channels(accounts[0], threads, newest, family, names))
        if viewer.may_write
        else (),
        may_write=viewer.may_write,
        complaint=complaint,
    )


def _first(rows: Rows) -> list[Any]:
    return [row[0] for row in rows]


def _option(key: uuid.UUID | None, name: str | None) -> PersonOption | None:
    return PersonOption(key, name or "") if key is not None else None


def _thread(thread: Thread) -> ThreadView:
    manifest = manifest_of(thread.network)
    return ThreadView(
        id=thread.id,
        scope_id=thread.scope_id,
        scope_name=thread.scope.name,
        network=thread.network,
        network_title=manifest.title if manifest else thread.network,
        visibility=thread.visibility,
        subject=thread.subject,
        channel_account_id=thread.channel_account_id,
        channel_account=thread.channel_account.name if thread.channel_account else "",
        identity_id=thread.identity_id,
        last_at=thread.last_at,
    )


def log_entries_ask(conversation_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> Ask:
    """Log entries by id, newest first."""
    return Ask(_LOG_NAMED, {"conversation": conversation_id, "entries": list(ids)}, _log_items)


def _log_items(rows: Rows) -> list[LogItem]:
    return [
        LogItem(
            id=key,
            at=at,
            kind=kind,
            actor_id=actor_id,
            actor=actor,
            details={name: value for name, value in details.items() if name != "undo"},
            can_undo=undone_at is None and kind in UNDOABLE and "undo" in details,
            undone_at=undone_at,
        )
        for key, at, kind, actor_id, actor, details, undone_at in rows
    ]


def _reply_channels(
    theirs: Sequence[AccountName],
    threads: Sequence[Thread],
    newest: Sequence[tuple[Any, ...]],
    family: Sequence[uuid.UUID],
    names: dict[uuid.UUID, IdentityName],
) -> list[ReplyChannel]:
    """Where they wrote last comes first; then the other threads; then our accounts that can reach one of their identities."""
    accounts = {a.id: a for a in theirs if a.state != ChannelAccount.State.PAUSED and _sends(a.network)}
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
    account: AccountName, thread: Thread | None, message_id: uuid.UUID | None, person: IdentityName | None
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
