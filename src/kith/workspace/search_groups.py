"""What a search finds beside messages: people, notes, files; and messages put together by conversation."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kith.base.keyset import cursor_decode, cursor_encode
from kith.contacts.names import person_name
from kith.contacts.selectors import NameHit, people_search
from kith.core import sql
from kith.core.asking import Ask, answered
from kith.teams.types import Viewer
from kith.workspace.search import START, STOP, SearchHit, search_messages
from kith.workspace.search_query import SearchQuery, Term, search_parse


@dataclass(frozen=True, slots=True)
class FoundTalk:
    """The hits of one conversation on a page, newest first; its subject is that of the newest."""

    conversation_id: uuid.UUID
    subject: str
    at: datetime
    networks: tuple[str, ...]
    hits: tuple[SearchHit, ...]


@dataclass(frozen=True, slots=True)
class NoteHit:
    """A note: on a person (`contact_id`), or to colleagues in a conversation (`hit`). Matches stand between marks."""

    id: uuid.UUID
    at: datetime
    kind: str
    author: str
    snippet: str
    contact_id: uuid.UUID | None = None
    about: str = ""
    hit: SearchHit | None = None


@dataclass(frozen=True, slots=True)
class NotesPage:
    notes: tuple[NoteHit, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class FileHit:
    """A file of a message that was found; `file_name` has the marks of matches."""

    id: uuid.UUID
    file_name: str
    content_type: str
    size: int
    hit: SearchHit


@dataclass(frozen=True, slots=True)
class FilesPage:
    files: tuple[FileHit, ...]
    next_cursor: str | None


def talks_of(hits: Sequence[SearchHit]) -> tuple[FoundTalk, ...]:
    """Hits by conversation, each where its newest hit stood."""
    by_talk: dict[uuid.UUID, list[SearchHit]] = {}
    for hit in hits:
        by_talk.setdefault(hit.conversation_id, []).append(hit)
    return tuple(
        FoundTalk(
            key,
            next((h.subject for h in found if h.subject), ""),
            found[0].at,
            tuple(dict.fromkeys(h.network for h in found)),
            tuple(found),
        )
        for key, found in by_talk.items()
    )


def people_found(text: str, *, limit: int) -> list[NameHit]:
    """Contacts and organizations that the words mean; nobody where a filter narrows to messages."""
    query = search_parse(text)
    words = [t.text for t in query.terms if not t.negated]
    if (
        not words
        or _asks_for_messages(query)
        or query.before
        or query.after
        or query.direction
        or query.by_me
    ):
        return []
    return people_search(" ".join(words), limit=limit, with_strangers=False)


def _asks_for_messages(query: SearchQuery) -> bool:
    """Whether a filter names what only messages have."""
    return bool(
        query.channels or query.places or query.tags or query.recipients or query.senders or query.has_file
    )


_NOTES = """
SELECT n.id, n.happened_at, n.kind, coalesce(u.name, ''), {snippet}, k.id, k.preferred_name, k.family_name, k.name
FROM work_note n
JOIN contacts_contact a ON a.id = n.contact_id
JOIN contacts_contact k ON k.id = a.canonical_id AND k.deleted_at IS NULL
LEFT JOIN teams_user u ON u.id = n.author_id
WHERE {where} ORDER BY n.happened_at DESC, n.id DESC LIMIT %(limit)s
"""


def notes_found(viewer: Viewer, text: str, *, cursor: str | None = None, limit: int = 30) -> NotesPage:
    """Notes on people and notes to colleagues in conversations, newest first."""
    talk = search_messages(viewer, text, cursor=cursor, limit=limit + 1, only="note").hits
    found = [
        NoteHit(h.message_id, h.at, "colleagues", h.name, h.snippet, about=h.subject, hit=h) for h in talk
    ]
    found += _contact_notes(viewer, search_parse(text), cursor, limit + 1)
    found.sort(key=lambda note: (note.at, note.id), reverse=True)
    last = found[limit - 1] if len(found) > limit else None
    return NotesPage(tuple(found[:limit]), cursor_encode(last.at, last.id) if last else None)


def _contact_notes(viewer: Viewer, query: SearchQuery, cursor: str | None, limit: int) -> list[NoteHit]:
    if _asks_for_messages(query) or query.direction not in ("", "note") or query.is_empty:
        return []
    params: dict[str, Any] = {"me": viewer.user_id, "limit": limit, "scopes": list(viewer.scope_ids)}
    where = ["(n.scope_id IS NULL OR n.scope_id = ANY (%(scopes)s))"]
    where += [_matches(term, f"w{number}", params) for number, term in enumerate(query.terms)]
    for name, sign, moment in (("before", "<", query.before), ("after", ">=", query.after)):
        if moment is not None:
            where.append(f"n.happened_at {sign} %({name})s")
            params[name] = moment
    if query.by_me:
        where.append("n.author_id = %(me)s")
    if after := cursor_decode(cursor):
        where.append("(n.happened_at, n.id) < (%(at)s, %(key)s)")
        params["at"], params["key"] = after
    plain = f"translate(left(n.text, 5000), '{START}{STOP}', '')"
    words = [
        _tsquery(term, f"w{number}")
        for number, term in enumerate(query.terms)
        if not term.negated and not term.is_cjk
    ]
    snippet = f"left({plain}, 300)"
    if words:
        snippet = (
            f"ts_headline('kith', {plain}, {' || '.join(words)}, "
            f"'StartSel={START}, StopSel={STOP}, MaxFragments=2, MaxWords=24, MinWords=10')"
        )
    rows = sql.rows(_NOTES.format(snippet=snippet, where=" AND ".join(where)), params)
    return [
        NoteHit(
            key,
            at,
            kind,
            author,
            " ".join(shown.split()),
            contact,
            person_name(preferred=preferred, family=family, name=name),
        )
        for key, at, kind, author, shown, contact, preferred, family, name in rows
    ]


def _tsquery(term: Term, name: str) -> str:
    return f"to_tsquery('kith', %({name})s)" if term.prefix else f"phraseto_tsquery('kith', %({name})s)"


def _matches(term: Term, name: str, params: dict[str, Any]) -> str:
    """A condition on a note's text, by its index where the script has spaces."""
    params[name] = f"'{term.text}':*" if term.prefix else term.text
    found = f"to_tsvector('kith', COALESCE(n.text, '')) @@ {_tsquery(term, name)}"
    if term.is_cjk:
        params[name] = "%" + term.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found = f"n.text ILIKE %({name})s"
    return f"NOT ({found})" if term.negated else found


def files_found(viewer: Viewer, text: str, *, cursor: str | None = None, limit: int = 30) -> FilesPage:
    """Files of the messages that a search finds, by name or by what the message says, newest first."""
    page = search_messages(viewer, text, cursor=cursor, limit=limit, only="file")
    return FilesPage(files_of(page.hits, page.query), page.next_cursor)


def files_of(hits: Iterable[SearchHit], query: SearchQuery) -> tuple[FileHit, ...]:
    """The files of messages that the viewer was shown."""
    return tuple(
        FileHit(file.id, highlighted(file.file_name, query), file.content_type, file.size, hit)
        for hit in hits
        for file in hit.files
    )


def networks_and_tags(*, limit: int) -> tuple[set[str], list[str]]:
    """What one may narrow a search to: the networks that are in use, and the first tags by name."""
    used, tags = answered(
        [
            Ask("SELECT DISTINCT network FROM networks_channelaccount", {}),
            Ask("SELECT name FROM contacts_tag ORDER BY name LIMIT %(limit)s::int", {"limit": limit}),
        ]
    )
    return {row[0] for row in used}, [row[0] for row in tags]


def highlighted(text: str, query: SearchQuery) -> str:
    """`text` with the marks around what the words of a search match."""
    plain = text.replace(START, "").replace(STOP, "")
    words = [re.escape(t.text) for t in query.terms if not t.negated]
    return re.sub(f"(?i)({'|'.join(words)})", START + r"\1" + STOP, plain) if words else plain
