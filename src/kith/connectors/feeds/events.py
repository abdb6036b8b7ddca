"""What one entry means: a public message, an edit of it, or its deletion."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urldefrag, urlsplit

from kith.connectors.contract import Media, MessageReceived, Party
from kith.connectors.feeds.text import plain

_NOBODY = frozenset(
    ("", "anonymous", "anonym", "anónimo", "guest", "gast", "invitado", "admin", "unknown", "none")
)


def realm_of(url: str) -> str:
    """The host of an address, lower case, without "www." and port; "" when it is no address."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")


def moment(value: str, default: datetime) -> datetime:
    """An aware time from ISO 8601, or `default`."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return default
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def author(feed: dict[str, Any], entry: dict[str, Any]) -> Party:
    """Who wrote it, as far as a feed can say: nothing of it is verified.

    The id is the author's address (home page, e-mail), else the name as typed, within the feed's host. A name that
    many share ("Anonymous") identifies nobody, so each such entry has an author of its own; so has a comment (it
    answers something, or stands on a part of a page) without one. A post without an author is the publisher's.
    """
    realm = realm_of(feed["link"]) or realm_of(entry["link"]) or realm_of(feed["url"])
    who = entry["author"]
    is_comment = bool(entry["reply_to"]) or "#" in entry["link"]
    if not any(who.values()) and not is_comment:
        who = feed["author"]
        if not any(who.values()):
            return Party(external_id="publisher", display_name=feed["title"] or realm, realm=realm)
    name = re.sub(r"\s+", " ", who["name"]).strip()
    page = who["uri"] if who["uri"].startswith(("http://", "https://")) else ""
    if page:
        known = page.rstrip("/").lower()
    elif who["email"]:
        known = f"mailto:{who['email'].lower()}"
    elif name.casefold() in _NOBODY:
        known = f"entry:{entry['id']}"
    else:
        known = f"name:{name.casefold()}"
    return Party(
        external_id=known[:400],
        display_name=name or who["email"] or page,
        realm=realm,
        profile_url=page,
        avatar_url=who["avatar"] if who["avatar"].startswith("https://") else "",
    )


def thread_keys(feed: dict[str, Any], entry: dict[str, Any]) -> tuple[str, ...]:
    """Best first: the page that the entry stands on (its own address without the fragment), then what it answers."""
    page = urldefrag(entry["link"])[0]
    answered = [urldefrag(key)[0] if key.startswith("http") else key for key in entry["reply_to"]]
    same_page = [key for key in answered if key == page]
    keys = [page, *same_page, *answered] if page else [*answered, entry["id"]]
    return tuple(dict.fromkeys(key[:500] for key in keys if key))


def words(entry: dict[str, Any]) -> str:
    """The entry's plain text; a title alone counts as one."""
    return entry["text"] or plain(entry["html"]) or plain(entry["title"])


def message(feed: dict[str, Any], entry: dict[str, Any], seen_at: datetime) -> MessageReceived:
    """The entry as a message; `seen_at` stands in where the feed gives no time, or one that lies ahead."""
    keys = thread_keys(feed, entry)
    return MessageReceived(
        external_id=entry["id"],
        at=min(moment(entry["at"], seen_at), seen_at),
        parties=(author(feed, entry),),
        text=words(entry),
        html=entry["html"],
        subject=plain(entry["title"]),
        thread_keys=keys,
        own_thread_key=keys[0] if keys else entry["id"],
        in_reply_to=next((key for key in entry["reply_to"]), ""),
        language=(entry["language"] or feed["language"]).split("-")[0].split("_")[0].lower()[:8],
        visibility="public",
        url=entry["link"] if entry["link"].startswith(("http://", "https://")) else "",
        media=tuple(
            Media(
                file_name=urlsplit(item["url"]).path.rsplit("/", 1)[-1] or "file",
                content_type=item["type"] or "application/octet-stream",
                size=item["size"],
                url=item["url"],
            )
            for item in entry["media"][:20]
        ),
    )
