"""A feed's bytes as entries: RSS, Atom and JSON Feed become one shape, whatever state they are in.

An entry is a plain dict, ready for JSON: `id`, `link`, `title`, `html`, `text`, `at`, `updated` (ISO 8601 or ""),
`author` {name, email, uri, avatar}, `reply_to` [addresses or ids, closest first], `language`, `media`
[{url, type, size}], `comments` (address of the entry's own comment feed). The feed is a dict with `url`, `title`,
`link`, `language`, `hub`, `self`, `author`.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from kith.connectors.answers import clean, moment
from kith.connectors.contract import BadPayload
from kith.connectors.feeds.text import page_links
from kith.connectors.words import say

MAX_BYTES = 5 * 1024 * 1024
MAX_ENTRIES = 2000
MAX_FIELD = 200_000
_JSON_TYPES = ("application/feed+json", "application/json")
# Whoever writes a feed must not choose how long it takes to look at: each begins where nothing else can, no two of its
# parts take the same bytes, and what may be long has an end.
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_END = re.compile(rb"</(?:\w{1,40}:)?(?:rss|feed|rdf|channel)\s{0,200}>\s{0,2000}\Z", re.IGNORECASE)
_TOMBSTONE = re.compile(rb"<(?:\w{1,40}:)?deleted-entry\b([^<>]{0,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(\w{1,40})\s{0,40}=\s{0,40}(?:\"([^\"]*)\"|'([^']*)')")


@dataclass(frozen=True, slots=True)
class Document:
    feed: dict[str, Any]
    entries: list[dict[str, Any]]  # as the feed has them, newest first as a rule
    deleted: list[dict[str, str]]  # {"id", "at"} of Atom's tombstones


def read(body: bytes, *, url: str, content_type: str = "") -> Document:
    """Parse a feed; raises BadPayload when the bytes are no feed at all."""
    if len(body) > MAX_BYTES:
        raise BadPayload(say("The feed is longer than {size} MB.", size=MAX_BYTES // 1024 // 1024))
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"{" or content_type.split(";")[0].strip().lower() in _JSON_TYPES:
        return _read_json(body, url)
    return _read_xml(body, url, content_type)


def feed_links(body: bytes, url: str) -> list[tuple[str, str]]:
    """The feeds that a page announces: (address, title), in its order."""
    base, links = page_links(body[:1_000_000].decode("utf-8", "replace"))
    kinds = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
    found = []
    for link in links:
        rel = link.get("rel", "").lower().split()
        kind = link.get("type", "").lower().split(";")[0].strip()
        if link.get("href") and (("alternate" in rel and kind in kinds) or "feed" in rel):
            found.append((urljoin(urljoin(url, base), link["href"]), link.get("title", "")))
    return found


def looks_like_page(body: bytes) -> bool:
    """Whether the bytes are an HTML page, not a feed."""
    head = (
        re.sub(rb"<!--.*?-->|<\?.*?\?>", b"", body[:4096], flags=re.DOTALL)
        .lstrip(b"\xef\xbb\xbf \t\r\n")
        .lower()
    )
    return head.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def content_hash(entry: dict[str, Any]) -> str:
    """Changes when what a reader sees of the entry changes."""
    seen = [entry["title"], re.sub(r"\s+", " ", entry["html"] or entry["text"]).strip()]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:12]


# --- RSS and Atom ---------------------------------------------------------------------------------------------------


def _read_xml(body: bytes, url: str, content_type: str) -> Document:
    # As "application/xml" the bytes' own declaration counts, and UTF-8 without one; "text/xml", or no type at all,
    # would make feedparser take UTF-8 for Latin-1, as an old rule has it and no server means it.
    charset = re.search(r"charset=[\"']?([\w.:-]+)", content_type)
    headers = {
        "content-location": url,
        "content-type": "application/xml" + (f"; charset={charset[1]}" if charset else ""),
    }
    try:
        # A stream, since feedparser would open a bare string as an address or a file name. It raises on some
        # malformed documents, with whatever its parser met; all of that means the same to a caller.
        parsed = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False)
    except Exception as error:
        raise BadPayload(say("The feed at {url} can't be read: {error}", url=url, error=error)) from error
    entries = list(parsed.get("entries", ()))[:MAX_ENTRIES]
    if not parsed.get("version") and not entries:
        raise BadPayload(say("What {url} answers is not a feed.", url=url))
    if (
        parsed.get("bozo")
        and isinstance(parsed.get("bozo_exception"), Exception)
        and not _END.search(_COMMENT.sub(b"", body[-2000:]))
    ):
        # Cut off on the way: the last entry may be half of what it is.
        del entries[-1:]
        if not entries:
            raise BadPayload(say("The feed at {url} is cut off.", url=url))
    head = parsed.get("feed", {})
    links = head.get("links", ()) if isinstance(head.get("links"), list) else ()
    feed = {
        "url": url,
        "title": _text(head.get("title")),
        "link": _text(head.get("link")),
        "language": _text(head.get("language")),
        "hub": next((_text(link.get("href")) for link in links if link.get("rel") == "hub"), ""),
        "self": next((_text(link.get("href")) for link in links if link.get("rel") == "self"), ""),
        "author": _author(head),
    }
    return Document(feed, [_entry(entry, url) for entry in entries], _tombstones(body))


def _entry(entry: Any, feed_url: str) -> dict[str, Any]:
    bodies = [item for item in entry.get("content") or () if item.get("value")]
    chosen = next(
        (item for item in bodies if "html" in _text(item.get("type"))), bodies[0] if bodies else None
    )
    detail = entry.get("summary_detail") or {}
    body = _text(chosen["value"]) if chosen else _text(entry.get("summary"))
    kind = _text((chosen or detail).get("type")) or "text/html"
    made = {
        "link": _text(entry.get("link")),
        "title": _text(entry.get("title")),
        "html": body if "plain" not in kind else "",
        "text": body if "plain" in kind else "",
        "at": _when(entry, "published") or _when(entry, "created") or _when(entry, "updated"),
        "updated": _when(entry, "updated"),
        "author": _author(entry),
        "reply_to": _reply_to(entry),
        "language": _text((chosen or detail).get("language")),
        "comments": _text(entry.get("wfw_commentrss")),
        "media": [
            {"url": _text(m.get("href")), "type": _text(m.get("type")), "size": _number(m.get("length"))}
            for m in entry.get("enclosures") or ()
            if _text(m.get("href")).startswith(("http://", "https://"))
        ],
    }
    return {"id": _entry_id(_text(entry.get("id")), made, feed_url), **made}


def _author(holder: Any) -> dict[str, str]:
    detail = holder.get("author_detail") or {}
    name = _text(detail.get("name")) or _text(holder.get("author"))
    return {"name": name, "email": _text(detail.get("email")), "uri": _text(detail.get("href")), "avatar": ""}


def _reply_to(entry: Any) -> list[str]:
    reply = entry.get("thr_in-reply-to")
    if not isinstance(reply, dict):
        return []
    return [value for key in ("ref", "href", "source") if (value := _text(reply.get(key)))]


def _tombstones(body: bytes) -> list[dict[str, str]]:
    found = []
    for match in _TOMBSTONE.finditer(body):
        values = {
            m[1].lower(): m[2] or m[3] or "" for m in _ATTRIBUTE.finditer(match[1].decode("utf-8", "replace"))
        }
        if values.get("ref"):
            found.append({"id": values["ref"], "at": values.get("when", "")})
    return found[:MAX_ENTRIES]


# --- JSON Feed ------------------------------------------------------------------------------------------------------


def _read_json(body: bytes, url: str) -> Document:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadPayload(say("The feed at {url} is not whole JSON: {error}", url=url, error=error)) from error
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise BadPayload(say("What {url} answers is JSON, but not a JSON Feed.", url=url))
    hubs = [hub for hub in data.get("hubs") or () if isinstance(hub, dict) and hub.get("type") == "WebSub"]
    feed = {
        "url": url,
        "title": _text(data.get("title")),
        "link": _text(data.get("home_page_url")),
        "language": _text(data.get("language")),
        "hub": _text(hubs[0].get("url")) if hubs else "",
        "self": _text(data.get("feed_url")),
        "author": _json_author(data),
    }
    items = [item for item in data["items"][:MAX_ENTRIES] if isinstance(item, dict)]
    return Document(feed, [_json_entry(item, url) for item in items], [])


def _json_entry(item: dict[str, Any], feed_url: str) -> dict[str, Any]:
    files = item.get("attachments") if isinstance(item.get("attachments"), list) else []
    reply = item.get("_in_reply_to") or item.get("in_reply_to")
    made = {
        "link": urljoin(feed_url, _text(item.get("url")) or _text(item.get("external_url"))),
        "title": _text(item.get("title")),
        "html": _text(item.get("content_html")),
        "text": _text(item.get("content_text"))
        or ("" if item.get("content_html") else _text(item.get("summary"))),
        "at": _iso(_text(item.get("date_published")) or _text(item.get("date_modified"))),
        "updated": _iso(_text(item.get("date_modified"))),
        "author": _json_author(item),
        "reply_to": [reply] if isinstance(reply, str) and reply else [],
        "language": _text(item.get("language")),
        "comments": "",
        "media": [
            {
                "url": _text(m.get("url")),
                "type": _text(m.get("mime_type")),
                "size": _number(m.get("size_in_bytes")),
            }
            for m in files or ()
            if isinstance(m, dict) and _text(m.get("url")).startswith(("http://", "https://"))
        ],
    }
    return {"id": _entry_id(_text(item.get("id")), made, feed_url), **made}


def _json_author(holder: dict[str, Any]) -> dict[str, str]:
    many = holder.get("authors")
    one = many[0] if isinstance(many, list) and many else holder.get("author")
    one = one if isinstance(one, dict) else {}
    uri = _text(one.get("url"))
    email = uri.removeprefix("mailto:") if uri.startswith("mailto:") else ""
    return {
        "name": _text(one.get("name")),
        "email": email,
        "uri": "" if email else uri,
        "avatar": _text(one.get("avatar")),
    }


# --- small parts ----------------------------------------------------------------------------------------------------


def _entry_id(stated: str, entry: dict[str, Any], feed_url: str) -> str:
    # A guid such as "17" is unique in its own feed only; an address, a tag: or a urn: is so everywhere.
    if stated and (urlsplit_scheme(stated) or len(stated) > 60):
        return stated[:500]
    if stated:
        return f"{feed_url}#{stated}"[:500]
    if entry["link"]:
        return str(entry["link"])[:500]
    digest = hashlib.sha256(json.dumps([entry["title"], entry["html"], entry["text"], entry["at"]]).encode())
    return f"{feed_url}#sha256-{digest.hexdigest()[:32]}"[:500]


def urlsplit_scheme(text: str) -> str:
    """The scheme of an absolute address, "" for anything else (text that is no address at all included)."""
    try:
        return urlsplit(text).scheme
    except ValueError:
        return ""


def _text(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return clean(value, MAX_FIELD).strip()


def _number(value: Any) -> int:
    try:
        return max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def _when(entry: Any, name: str) -> str:
    # feedparser knows many notations, but drops fractions of a second, which order the comments of a busy thread.
    if exact := _iso(_text(entry.get(name))):
        return exact
    value = entry.get(f"{name}_parsed")
    try:
        return datetime.fromtimestamp(calendar.timegm(value), tz=UTC).isoformat() if value else ""
    except (ValueError, OverflowError, OSError, TypeError):
        return ""


def _iso(value: str) -> str:
    try:
        return moment(value).isoformat() if "T" in value else ""
    except ValueError:
        return ""
