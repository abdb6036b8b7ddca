"""Public posts: found, changed, gone. What is known already is not stored again; what was deleted does not come back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from kith.base.clock import now
from kith.base.ids import new_id
from kith.base.text import clean
from kith.contacts.services import erased_among
from kith.conversations.models import Post
from kith.conversations.types import PostSeen
from kith.core import events, sql

_STORE = """
INSERT INTO conversations_post (id, created_at, network, external_id, url, realm, author_external_id, author_handle,
    author_name, author_id, text, language, place, published_at, raw, message_id, scope_id)
SELECT n.id, %(now)s::timestamptz, n.network, n.external_id, n.url, n.realm, n.author, n.handle, n.name, i.id, n.text,
    n.language, n.place, n.published_at, n.raw, n.message, n.scope
FROM unnest(%(id)s::uuid[], %(network)s::text[], %(external_id)s::text[], %(url)s::text[], %(realm)s::text[],
    %(author)s::text[], %(handle)s::text[], %(name)s::text[], %(text)s::text[], %(language)s::text[], %(place)s::text[],
    %(published_at)s::timestamptz[], %(raw)s::bytea[], %(message)s::uuid[], %(scope)s::uuid[])
  AS n (id, network, external_id, url, realm, author, handle, name, text, language, place, published_at, raw, message, scope)
LEFT JOIN contacts_identity i ON n.author <> '' AND i.network = n.network AND i.realm = n.realm AND i.external_id = n.author
ON CONFLICT (network, external_id) DO NOTHING RETURNING id
"""
_GONE = {
    "text": "", "url": "", "author_external_id": "", "author_handle": "", "author_name": "", "author": None, "place": "",
    "language": "", "raw": None, "realm": "",
}  # fmt: skip


@transaction.atomic
def posts_record(seen: Sequence[PostSeen]) -> list[uuid.UUID]:
    """Store what is new, and what was changed where it stands; returns the ids of both, oldest first.

    What somebody wrote before they were erased is left out. Storing the same again changes nothing.
    """
    rows = {(one.network, clean(one.external_id)[:1000]): one for one in seen if one.external_id}
    for key in _from_before_erasure(rows):
        del rows[key]
    if not rows:
        return []
    new = _stored(rows)
    known = {key: one for key, one in rows.items() if key not in new}
    ids = [*new.values(), *_changed(known)]
    events.record("post_recorded", ids)
    return ids


def _from_before_erasure(rows: dict[tuple[str, str], PostSeen]) -> list[tuple[str, str]]:
    keys = {
        (one.network, one.realm, one.author_external_id) for one in rows.values() if one.author_external_id
    }
    erased = erased_among(keys) if keys else {}
    return [
        key
        for key, one in rows.items()
        if (at := erased.get((one.network, one.realm, one.author_external_id))) and one.published_at < at
    ]


def _stored(rows: dict[tuple[str, str], PostSeen]) -> dict[tuple[str, str], uuid.UUID]:
    ids = {key: new_id() for key in rows}
    found = list(rows.values())
    stored = sql.rows(
        _STORE,
        {
            "now": now(),
            "id": list(ids.values()),
            "network": [one.network for one in found],
            "external_id": [key[1] for key in rows],
            "url": [one.url[:2000] for one in found],
            "realm": [one.realm for one in found],
            "author": [clean(one.author_external_id)[:500] for one in found],
            "handle": [clean(one.author_handle)[:500] for one in found],
            "name": [clean(one.author_name)[:300] for one in found],
            "text": [clean(one.text) for one in found],
            "language": [one.language[:12] for one in found],
            "place": [clean(one.place)[:200] for one in found],
            "published_at": [min(one.published_at, now()) for one in found],
            "raw": [one.raw for one in found],
            "message": [one.message_id for one in found],
            "scope": [one.scope_id for one in found],
        },
    )
    made = {row[0] for row in stored}
    return {key: made_id for key, made_id in ids.items() if made_id in made}


def _changed(known: dict[tuple[str, str], PostSeen]) -> list[uuid.UUID]:
    """Of what was known: other words take the place of the old; what was in our inbox only, and is found in public, is public."""
    if not known:
        return []
    changed = []
    found = Post.objects.select_for_update().filter(
        network__in={key[0] for key in known}, external_id__in={key[1] for key in known}, deleted_at=None
    )
    for post in found.order_by("id"):
        one = known.get((post.network, post.external_id))
        if one is None:
            continue
        text = clean(one.text)
        public, other = post.scope_id is not None and one.scope_id is None, text != post.text
        if not public and not other:
            continue
        if public:
            post.scope, post.message = None, None
        if other:
            post.text, post.edited_at = text, now()
            post.raw = one.raw or post.raw
        post.save(update_fields=["scope", "message", "text", "edited_at", "raw"])
        changed.append(post.pk)
    return changed


@transaction.atomic
def posts_edit(network: str, texts: dict[str, str], *, at: datetime) -> list[uuid.UUID]:
    """Follow what authors changed, by external id; returns the ids of what is other now."""
    changed = []
    rows = Post.objects.select_for_update().filter(network=network, external_id__in=texts, deleted_at=None)
    for post in rows.order_by("id"):
        if (text := clean(texts[post.external_id])) != post.text:
            post.text, post.edited_at = text, at
            post.save(update_fields=["text", "edited_at"])
            changed.append(post.pk)
    events.record("post_recorded", changed)
    return changed


@transaction.atomic
def posts_gone(rows: Q, *, at: datetime) -> list[uuid.UUID]:
    """Deleted where they stood: what they said, who said it, and what rests on it go; the id stays."""
    ids = list(Post.objects.select_for_update().filter(rows, deleted_at=None).values_list("pk", flat=True))
    Post.objects.filter(pk__in=ids).update(deleted_at=at, message=None, **_GONE)
    events.record("post_deleted", ids)
    return ids


def posts_gone_upstream(network: str, external_ids: Iterable[str], *, at: datetime) -> list[uuid.UUID]:
    return posts_gone(Q(network=network, external_id__in=list(external_ids)), at=at)


def posts_link(since: uuid.UUID) -> int:
    """Whom we have come to know since then (a UUIDv7): what they said in public is theirs, for their export and erasure."""
    return sql.run(_LINK_NEW, {"since": since})


def posts_of_addresses_forget(addresses: Sequence[str]) -> None:
    """Remove posts whose author has one of these ids or handles."""
    if addresses:
        forms = {
            form
            for word in addresses
            for form in (word, word.removeprefix("@"), f"@{word.removeprefix('@')}")
        }
        Post.objects.filter(Q(author_external_id__in=forms) | Q(author_handle__in=forms)).delete()


_OF_MESSAGES = """
SELECT DISTINCT ON (m.id) m.network, m.external_id, m.at, m.text, coalesce(i.external_id, ''), coalesce(i.handle, ''),
    coalesce(i.display_name, ''), coalesce(i.realm, ''), m.url, m.language, m.id, c.scope_id
FROM conversations_message m JOIN conversations_messagecopy c ON c.message_id = m.id
LEFT JOIN contacts_identity i ON i.id = m.sender_id
WHERE m.id = ANY (%(ids)s::uuid[]) AND m.visibility = 'public' AND m.direction = 'in' AND m.automatic <> 'spam'
  AND m.deleted_upstream_at IS NULL AND m.text <> '' AND m.unreadable = '' ORDER BY m.id, c.id
"""


def posts_of_messages(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """What was said to us in public is a post, too, for those who may see the message; returns the ids of new and changed ones."""
    rows = sql.rows(_OF_MESSAGES, {"ids": list(ids)})
    return posts_record(
        [
            PostSeen(
                network=network,
                external_id=external_id,
                published_at=at,
                text=text,
                author_external_id=author,
                author_handle=handle,
                author_name=name,
                realm=realm,
                url=url,
                language=language,
                message_id=message,
                scope_id=scope,
            )
            for network, external_id, at, text, author, handle, name, realm, url, language, message, scope in rows
        ]
    )


_LINK_NEW = """
UPDATE conversations_post p SET author_id = i.id FROM contacts_identity i
WHERE i.id >= %(since)s AND p.network = i.network AND p.realm = i.realm AND p.author_external_id = i.external_id
  AND p.author_id IS NULL AND i.external_id <> ''
"""
