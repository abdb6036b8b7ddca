"""What a search shows of a message that it found: its place, its sender, an excerpt with the matches marked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from kith.contacts.names import initials
from kith.contacts.selectors import names_ask
from kith.core import sql
from kith.core.asking import Ask, Rows, answered
from kith.teams.types import Viewer
from kith.workspace.search_query import SearchQuery

START, STOP = "\ue000", "\ue001"
Key = tuple[datetime, uuid.UUID]


class HitFile(NamedTuple):
    """A file of a message, pictures within its text aside; `size` in bytes."""

    id: uuid.UUID
    file_name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One message found. In `subject` and `snippet` matches stand between START and STOP; all else is plain text."""

    message_id: uuid.UUID
    conversation_id: uuid.UUID
    thread_id: uuid.UUID
    at: datetime
    network: str
    direction: str
    name: str
    initials: str
    avatar: str
    contact_id: uuid.UUID | None
    subject: str
    snippet: str
    files: tuple[HitFile, ...] = ()

    @property
    def has_file(self) -> bool:
        return bool(self.files)


_HITS = """
SELECT m.id, place.conversation_id, place.thread_id, m.at, m.network, m.direction, m.sender_id, coalesce(u.name, ''),
       {subject}, {snippet}, left(m.text, 20000),
       EXISTS (SELECT 1 FROM conversations_attachment a WHERE a.message_id = m.id AND NOT a.inline)
FROM conversations_message m
JOIN LATERAL (
    SELECT t.conversation_id, t.id AS thread_id FROM conversations_messagecopy k
    JOIN conversations_thread t ON t.id = k.thread_id
    WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s) ORDER BY k.id LIMIT 1
) place ON true
LEFT JOIN teams_user u ON u.id = m.author_id
WHERE m.id = ANY (%(ids)s) AND m.state <> 'cancelled'
"""
_FILES = """
SELECT a.message_id, a.id, a.file_name, a.content_type, a.size FROM conversations_attachment a
WHERE a.message_id = ANY (%(ids)s::uuid[]) AND NOT a.inline ORDER BY a.id
"""
_PLAIN = "translate({text}, '" + START + STOP + "', '')"
TAG = "\ue002"  # stands for "<" where PostgreSQL would look for tags
_MARKS = f"StartSel={START}, StopSel={STOP}"


def hits_of(
    viewer: Viewer, params: dict[str, Any], query: SearchQuery, keys: list[Key]
) -> tuple[SearchHit, ...]:
    """The page's rows, with snippets; a message whose copies the viewer may not see is left out (law 3)."""
    if not keys:
        return ()
    words = [
        (f"to_tsquery('kith', %(w{n})s)" if t.prefix else f"phraseto_tsquery('kith', %(w{n})s)")
        for n, t in enumerate(query.terms)
        if not t.negated and not t.is_cjk
    ]
    subject, body = _PLAIN.format(text="m.subject"), _PLAIN.format(text="left(m.text, 20000)")
    snippet = f"left({body}, 300)"
    if words:
        marks = " || ".join(words)
        subject = f"ts_headline('kith', {subject}, {marks}, '{_MARKS}, HighlightAll=true')"
        options = f"{_MARKS}, MaxFragments=2, MaxWords=28, MinWords=14"
        found = f"ts_headline('kith', {sql.for_words(body, tag=TAG)}, {marks}, '{options}')"
        snippet = f"translate({found}, '{TAG}', '<')"
    rows = {
        row[0]: row
        for row in sql.rows(
            _HITS.format(subject=subject, snippet=snippet),
            {**params, "ids": [key for _, key in keys], "scopes": list(viewer.scope_ids)},
        )
    }
    names, files = answered(
        [
            names_ask("%(ids)s", {"ids": list({row[6] for row in rows.values() if row[6]})}),
            Ask(_FILES, {"ids": [key for key, row in rows.items() if row[11]]}, _by_message),
        ]
    )
    cjk = [t.text for t in query.terms if t.is_cjk and not t.negated]
    return tuple(
        _hit(rows[key], names.get(rows[key][6]), files.get(key, ()), cjk) for _, key in keys if key in rows
    )


def _by_message(rows: Rows) -> dict[uuid.UUID, list[HitFile]]:
    found: dict[uuid.UUID, list[HitFile]] = {}
    for message, *file in rows:
        found.setdefault(message, []).append(HitFile(*file))
    return found


def _hit(row: tuple[Any, ...], sender: Any, files: Sequence[HitFile], cjk: list[str]) -> SearchHit:
    message, conversation, thread, at, network, direction, _sender, author, subject, snippet, text, _has = row
    name = author or (sender.name if sender else "")
    if cjk:
        snippet = _around(text, cjk[0])
    elif START not in snippet:
        snippet = text.replace(STOP, "")[:240]  # found by its subject or its people: how it begins
    return SearchHit(
        message_id=message,
        conversation_id=conversation,
        thread_id=thread,
        at=at,
        network=network,
        direction=direction,
        name=name,
        initials=initials(name),
        avatar=sender.avatar if sender and not author else "",
        contact_id=sender.contact_id if sender else None,
        subject=subject,
        snippet=" ".join(snippet.split()),
        files=tuple(files),
    )


def _around(text: str, word: str) -> str:
    plain = text.replace(START, "").replace(STOP, "")
    where = plain.casefold().find(word.casefold())
    if where < 0:
        return plain[:160]
    end = where + len(word)
    return f"{plain[max(0, where - 40) : where]}{START}{plain[where:end]}{STOP}{plain[end : end + 100]}"
