# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""The history of one conversation: messages, notes and log entries in one time order, opened anywhere."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from kith.base.keyset import cursor_decode, cursor_encode
from kith.contacts.names import initials
from kith.contacts.selectors import IdentityName, names_ask
from kith.conversations.models import MessageCopy
from kith.conversations.selectors.conversation import log_entries_ask
from kith.conversations.selectors.shapes import (
    FileView,
    LogItem,
    MessageItem,
    MessagesPage,
    ParticipantView,
    ReactionView,
)
from kith.core import sql
from kith.core.asking import Ask, Asking, Rows, answered, asked
from kith.networks.selectors import manifest_of
from kith.teams.types import Viewer
from kith.trust import sentences

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
       m.raw_id IS NOT NULL, coalesce(m.extra ->> 'failure', ''), m.labels
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
    """One page of the history; the newest without a cursor. Two statements, whatever the page holds."""
    return asked(
        messages_asking(viewer, conversation_id, before=before, after=after, around=around, limit=limit)
    )


def messages_asking(
    viewer: Viewer,
    conversation_id: uuid.UUID,
    *,
    before: str | None = None,
    after: str | None = None,
    around: str | None = None,
    limit: int = 50,
) -> Asking[MessagesPage]:
    """The same, to be asked together with others."""
    if around and (where := cursor_decode(around)):
        older, newer = yield (
            _keys(viewer, conversation_id, before=where, limit=limit // 2, inclusive=True),
            _keys(viewer, conversation_id, after=where, limit=limit - limit // 2),
        )
        keys = [*reversed(older[: limit // 2]), *newer[: limit - limit // 2]]
        more_before, more_after = len(older) > limit // 2, len(newer) > limit - limit // 2
    elif after and (where := cursor_decode(after)):
        (newer,) = yield (_keys(viewer, conversation_id, after=where, limit=limit),)
        keys, more_before, more_after = newer[:limit], True, len(newer) > limit
    else:
        where_before = cursor_decode(before)
        (older,) = yield (_keys(viewer, conversation_id, before=where_before, limit=limit),)
        keys, more_before = list(reversed(older[:limit])), len(older) > limit
        more_after = where_before is not None
    threads = {row[1]: row[3] for row in keys if row[0] == "message"}
    entries = [row[1] for row in keys if row[0] == "log"]
    *told, log = yield (*_items_asks(viewer, list(threads)), log_entries_ask(conversation_id, entries))
    messages = {item.id: item for item in _items(threads, *told)}
    logs = {item.id: item for item in log}
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
) -> Ask:
    """Up to `limit` + 1 keys, going away from the bound."""
    sign = (">" if after else "<") + ("=" if inclusive else "")
    bound = before or after
    statement = _page(
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
    return Ask(statement, params)


@lru_cache(maxsize=16)
def _page(**parts: str) -> str:
    return _PAGE.format(**parts)


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


_ADDRESSES = """
SELECT p.message_id, p.display_name, i.external_id FROM conversations_participant p
JOIN contacts_identity i ON i.id = p.identity_id
WHERE p.message_id = ANY (%(ids)s) AND p.role = 'reply_to' ORDER BY p.id
"""


def reply_addresses(message_ids: Iterable[uuid.UUID]) -> Rows:
    """(message, name, address) of whom messages name for answers (Reply-To). The caller has checked that they are seen."""
    return sql.prepared(_ADDRESSES, {"ids": list(message_ids)})


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
    return _items(threads, *answered(_items_asks(viewer, ids))) if ids else []


# In 50 messages to thousands of people these are named; the others are many, and nobody looks for them here.
_TAKING_PART = """
SELECT message_id, identity_id, role, verified FROM conversations_participant
WHERE message_id = ANY (%(ids)s) ORDER BY id LIMIT %(most)s
"""
_REACTIONS = "SELECT message_id, reaction, identity_id FROM conversations_reaction WHERE message_id = ANY (%(ids)s) ORDER BY id"
_EVERYBODY = f"""array(
SELECT identity_id FROM ({_TAKING_PART}) p UNION SELECT identity_id FROM ({_REACTIONS}) r
UNION SELECT sender_id FROM conversations_message WHERE id = ANY (%(ids)s) AND sender_id IS NOT NULL)"""
_FILES = """
SELECT message_id, id, file_name, content_type, size, digest, inline, alt_text FROM conversations_attachment
WHERE message_id = ANY (%(ids)s) ORDER BY id
"""
_VERDICTS = """
SELECT t.subject_id, d.rule, d.values, d.sentence, d.outcome, d.until, d.override_reason, coalesce(u.name, '')
FROM trust_touch t JOIN trust_decision d ON d.touch_id = t.id LEFT JOIN teams_user u ON u.id = d.overridden_by_id
WHERE t.subject_id = ANY (%(ids)s) AND NOT (d.outcome = 'allow' AND d.override_reason = '') ORDER BY d.id
"""


def _items_asks(viewer: Viewer, ids: list[uuid.UUID]) -> list[Ask]:
    """What `_items` is made of."""
    given = {"ids": ids}
    many = {**given, "most": 60 * len(ids)}
    return [
        Ask(_MESSAGES, {**given, "shown": TEXT_SHOWN, "scopes": list(viewer.scope_ids)}),
        Ask(_TAKING_PART, many),
        Ask(_REACTIONS, given),
        names_ask(_EVERYBODY, many),
        Ask(_FILES, given),
        Ask(_VERDICTS, given),
    ]


def _items(
    threads: dict[uuid.UUID, uuid.UUID],
    messages: Rows,
    taking_part: Rows,
    reactions: Rows,
    names: dict[uuid.UUID, IdentityName],
    attached: Rows,
    decided: Rows,
) -> list[MessageItem]:
    rows = {row[0]: row for row in messages}
    people: dict[uuid.UUID, list[ParticipantView]] = defaultdict(list)
    for message_id, identity_id, role, verified in taking_part:
        if role != "about" and (role != "bcc" or rows[message_id][25]):
            people[message_id].append(ParticipantView(names[identity_id], role, verified))
    files: dict[uuid.UUID, list[FileView]] = defaultdict(list)
    for message_id, *told in attached:
        files[message_id].append(FileView(*told))
    shown: dict[uuid.UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for reaction in reactions:
        shown[reaction[0]].append(reaction)
    verdicts = {
        key: _Said(sentences.of(rule, values, kept), outcome, until, reason, name)
        for key, rule, values, kept, outcome, until, reason, name in decided
        if rows[key][2] == "out"
    }
    return [
        _item(
            rows[key],
            thread_id,
            names,
            people[key],
            files[key],
            _reactions(shown[key], names),
            verdicts.get(key, _UNSAID),
        )
        for key, thread_id in threads.items()
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
        labels=tuple(row[28]),
    )


__all__ = ["LogItem", "conversation_messages", "message_cursor", "message_ids_from", "message_items"]
