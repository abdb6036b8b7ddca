"""The history of one conversation: messages, notes and log entries in one time order, opened anywhere."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from kith.base.keyset import cursor_decode, cursor_encode
from kith.contacts.names import initials
from kith.contacts.selectors import IdentityName, identity_names
from kith.conversations.models import Attachment, MessageCopy, Participant, Reaction
from kith.conversations.selectors.conversation import log_entries
from kith.conversations.selectors.shapes import (
    FileView,
    LogItem,
    MessageItem,
    MessagesPage,
    ParticipantView,
    ReactionView,
)
from kith.core import sql
from kith.networks.selectors import manifest_of
from kith.teams.types import Viewer
from kith.trust import sentences
from kith.trust.models import Decision

TEXT_SHOWN = 40_000
Where = tuple[datetime, uuid.UUID]

# Each thread gives as many as the page holds, by its index; a message in two visible threads is shown once.
_PAGE = """
SELECT kind, id, at, thread_id FROM (
    SELECT DISTINCT ON (at, id) 'message' AS kind, k.id, k.at, k.thread_id
    FROM conversations_thread t CROSS JOIN LATERAL (
        SELECT k.message_id AS id, k.at, k.thread_id FROM conversations_messagecopy k
        WHERE k.thread_id = t.id AND k.first_in_thread {bound_copy}
        ORDER BY k.at {way}, k.message_id {way} LIMIT %(limit)s
    ) k
    WHERE t.conversation_id = %(conversation)s AND t.scope_id = ANY (%(scopes)s)
    UNION ALL
    (SELECT 'log', l.id, l.created_at, NULL FROM conversations_conversationlogentry l
     WHERE l.conversation_id = %(conversation)s {bound_log}
       AND EXISTS (SELECT 1 FROM conversations_thread t
                   WHERE t.conversation_id = %(conversation)s AND t.scope_id = ANY (%(scopes)s))
     ORDER BY l.created_at {way}, l.id {way} LIMIT %(limit)s)
) page ORDER BY at {way}, id {way} LIMIT %(limit)s
"""
_MESSAGES = """
SELECT m.id, m.at, m.direction, m.state, m.network, m.visibility, m.sender_id, m.author_id, coalesce(u.name, ''),
       coalesce(u.avatar, ''), m.subject, left(m.text, %(shown)s), length(m.text) > %(shown)s, m.html <> '', m.quote_at,
       m.signature_at, m.automatic, m.unreadable, m.url, m.content_warning, m.language, m.edited_at,
       m.deleted_upstream_at, m.authentication, m.mentions,
       EXISTS (SELECT 1 FROM conversations_messagecopy k JOIN networks_channelaccount a ON a.id = k.channel_account_id
               JOIN contacts_identity i ON i.id = m.sender_id
               WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s)
                 AND (lower(a.address) = lower(i.external_id) OR a.external_id = i.external_id
                      OR lower(i.external_id) = ANY (SELECT lower(x) FROM unnest(a.aliases) x))),
       m.raw_id IS NOT NULL, coalesce(m.extra ->> 'failure', '')
FROM conversations_message m LEFT JOIN teams_user u ON u.id = m.author_id
WHERE m.id = ANY (%(ids)s)
"""


def conversation_messages(
    viewer: Viewer,
    conversation_id: uuid.UUID,
    *,
    before: str | None = None,
    after: str | None = None,
    around: str | None = None,
    limit: int = 50,
) -> MessagesPage:
    """One page of the history; the newest without a cursor. The number of queries does not depend on the page."""
    if around and (where := cursor_decode(around)):
        older = _keys(viewer, conversation_id, before=where, limit=limit // 2, inclusive=True)
        newer = _keys(viewer, conversation_id, after=where, limit=limit - limit // 2)
        keys = [*reversed(older[: limit // 2]), *newer[: limit - limit // 2]]
        more_before, more_after = len(older) > limit // 2, len(newer) > limit - limit // 2
    elif after and (where := cursor_decode(after)):
        newer = _keys(viewer, conversation_id, after=where, limit=limit)
        keys, more_before, more_after = newer[:limit], True, len(newer) > limit
    else:
        where_before = cursor_decode(before)
        older = _keys(viewer, conversation_id, before=where_before, limit=limit)
        keys, more_before = list(reversed(older[:limit])), len(older) > limit
        more_after = where_before is not None
    messages = {
        item.id: item
        for item in message_items(viewer, {row[1]: row[3] for row in keys if row[0] == "message"})
    }
    logs = {
        item.id: item for item in log_entries(conversation_id, [row[1] for row in keys if row[0] == "log"])
    }
    items = [found for row in keys if (found := messages.get(row[1]) or logs.get(row[1])) is not None]
    return MessagesPage(
        items=tuple(items),
        before=cursor_encode(keys[0][2], keys[0][1]) if keys and more_before else None,
        after=cursor_encode(keys[-1][2], keys[-1][1]) if keys and more_after else None,
    )


def _keys(
    viewer: Viewer,
    conversation_id: uuid.UUID,
    *,
    before: Where | None = None,
    after: Where | None = None,
    limit: int,
    inclusive: bool = False,
) -> list[tuple[Any, ...]]:
    """Up to `limit` + 1 keys, going away from the bound."""
    sign = (">" if after else "<") + ("=" if inclusive else "")
    bound = before or after
    statement = _PAGE.format(
        way="ASC" if after else "DESC",
        bound_copy=f"AND (k.at, k.message_id) {sign} (%(at)s, %(key)s)" if bound else "",
        bound_log=f"AND (l.created_at, l.id) {sign} (%(at)s, %(key)s)" if bound else "",
    )
    params: dict[str, Any] = {
        "conversation": conversation_id,
        "scopes": list(viewer.scope_ids),
        "limit": limit + 1,
    }
    if bound:
        params["at"], params["key"] = bound
    return sql.rows(statement, params)


def message_cursor(viewer: Viewer, conversation_id: uuid.UUID, message_id: uuid.UUID) -> str | None:
    """The cursor to open a conversation `around` one of its messages."""
    at = (
        MessageCopy.objects.filter(
            message_id=message_id, thread__conversation_id=conversation_id, scope_id__in=viewer.scope_ids
        )
        .values_list("at", flat=True)
        .first()
    )
    return cursor_encode(at, message_id) if at else None


def message_ids_from(viewer: Viewer, conversation_id: uuid.UUID, message_id: uuid.UUID) -> list[uuid.UUID]:
    """A message of a conversation and all that the viewer sees after it; none when it does not stand there."""
    rows = MessageCopy.objects.filter(thread__conversation_id=conversation_id, scope_id__in=viewer.scope_ids)
    first = rows.filter(message_id=message_id).order_by("at").values_list("at", flat=True).first()
    if first is None:
        return []
    found = rows.filter(Q(at__gt=first) | Q(at=first, message_id__gte=message_id))
    return list(dict.fromkeys(found.order_by("at", "message_id").values_list("message_id", flat=True)))


def message_items(viewer: Viewer, threads: dict[uuid.UUID, uuid.UUID]) -> list[MessageItem]:
    """Messages by id, each with the thread it is shown in; those that the viewer may see were chosen by the caller."""
    ids = list(threads)
    if not ids:
        return []
    rows = {
        row[0]: row
        for row in sql.rows(_MESSAGES, {"ids": ids, "shown": TEXT_SHOWN, "scopes": list(viewer.scope_ids)})
    }
    taking_part = list(
        Participant.objects.filter(message_id__in=ids)
        .order_by("id")
        .values_list("message_id", "identity_id", "role", "verified")[: 60 * len(ids)]
    )
    reactions = list(
        Reaction.objects.filter(message_id__in=ids)
        .order_by("id")
        .values_list("message_id", "reaction", "identity_id")
    )
    names = identity_names(
        {p[1] for p in taking_part} | {r[2] for r in reactions} | {row[6] for row in rows.values() if row[6]}
    )
    people: dict[uuid.UUID, list[ParticipantView]] = defaultdict(list)
    for message_id, identity_id, role, verified in taking_part:
        if role != "about" and (role != "bcc" or rows[message_id][25]):
            people[message_id].append(ParticipantView(names[identity_id], role, verified))
    files: dict[uuid.UUID, list[FileView]] = defaultdict(list)
    for a in Attachment.objects.filter(message_id__in=ids).order_by("id"):
        files[a.message_id].append(
            FileView(a.id, a.file_name, a.content_type, a.size, a.digest, a.inline, a.alt_text)
        )
    verdicts = _verdicts([key for key in ids if key in rows and rows[key][2] == "out"])
    return [
        _item(
            rows[key],
            threads[key],
            names,
            people[key],
            files[key],
            _reactions([r for r in reactions if r[0] == key], names),
            verdicts.get(key, _UNSAID),
        )
        for key in ids
        if key in rows
    ]


@dataclass(frozen=True, slots=True)
class _Said:
    """What the gate last said of a message, where it was not simply allowed."""

    words: str = ""
    outcome: str = ""
    until: datetime | None = None
    override: str = ""
    override_by: str = ""


_UNSAID = _Said()


def _verdicts(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, _Said]:
    if not ids:
        return {}
    rows = (
        Decision.objects.filter(touch__subject_id__in=ids)
        .exclude(outcome="allow", override_reason="")
        .order_by("id")
        .values_list(
            "touch__subject_id",
            "rule",
            "values",
            "sentence",
            "outcome",
            "until",
            "override_reason",
            "overridden_by__name",
        )
    )
    return {
        subject: _Said(sentences.of(rule, values, kept), outcome, until, reason, name or "")
        for subject, rule, values, kept, outcome, until, reason, name in rows
        if subject
    }


def _reactions(
    rows: Sequence[tuple[Any, ...]], names: dict[uuid.UUID, IdentityName]
) -> tuple[ReactionView, ...]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for _message, reaction, identity in rows:
        by_kind[reaction].append(names[identity].name)
    return tuple(ReactionView(kind, len(who), tuple(who[:20])) for kind, who in by_kind.items())


def _item(
    row: tuple[Any, ...],
    thread_id: uuid.UUID,
    names: dict[uuid.UUID, IdentityName],
    people: list[ParticipantView],
    files: list[FileView],
    reactions: tuple[ReactionView, ...],
    verdict: _Said,
) -> MessageItem:
    (key, at, direction, state, network, visibility, sender_id, author_id, author, author_avatar) = row[:10]
    (subject, text, truncated, has_html, quote_at, signature_at, automatic, unreadable, url, warning_text) = (
        row[10:20]
    )
    language, edited_at, deleted_at, authentication, mentions = row[20:25]
    results = json.loads(authentication) if isinstance(authentication, str) else authentication or {}
    sender = names.get(sender_id)
    shown = author or (sender.name if sender else "") or _("Somebody")
    proof = next((p.verified for p in people if p.role == "from"), "none")
    suspicious = direction == "in" and bool(results)
    manifest = manifest_of(network)
    return MessageItem(
        id=key,
        at=at,
        direction=direction,
        state=state,
        network=network,
        network_title=manifest.title if manifest else network,
        visibility=visibility,
        thread_id=thread_id,
        sender=sender,
        author_id=author_id,
        name=shown,
        initials=initials(shown),
        avatar=author_avatar or (sender.avatar if sender and not author_id else ""),
        is_us=direction != "in",
        subject=subject,
        text=text,
        truncated=truncated,
        has_html=has_html,
        quote_at=quote_at,
        signature_at=signature_at,
        automatic=automatic,
        unreadable=unreadable,
        url=url,
        content_warning=warning_text,
        language=language,
        edited_at=edited_at,
        deleted_upstream_at=deleted_at,
        warning="forged" if proof == "failed" else ("unproven" if suspicious and proof == "none" else ""),
        authentication=results,
        verdict=verdict.words,
        verdict_until=verdict.until,
        verdict_outcome=verdict.outcome,
        override=verdict.override,
        override_by=verdict.override_by,
        has_raw=row[26],
        failure=row[27],
        participants=tuple(people),
        files=tuple(files),
        reactions=reactions,
        mentions=tuple(mentions),
    )


__all__ = ["LogItem", "conversation_messages", "message_cursor", "message_ids_from", "message_items"]
