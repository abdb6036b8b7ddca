"""What the server's JSON means: notifications, posts, conversations, and what the stream tells."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from kith.connectors.answers import clean, moment, payload
from kith.connectors.contract import (
    BadPayload,
    Event,
    FollowReceived,
    Ignored,
    Media,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    OwnIdentity,
    Party,
    RawItem,
    ReactionReceived,
    Role,
)
from kith.connectors.mastodon.ids import id_of, party, stable
from kith.connectors.mastodon.text import plain
from kith.connectors.words import say

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PUBLIC = ("public", "unlisted")
MAX_MENTIONS = 100
MAX_MEDIA = 40
_MESSAGES = frozenset({"mention", "quote"})
_REACTIONS = {"favourite": "like", "reblog": "boost"}
_EMOJI = frozenset({"pleroma:emoji_reaction", "reaction", "emoji_reaction"})
_TYPES = {
    "image": "image/*",
    "gifv": "video/mp4",
    "video": "video/*",
    "audio": "audio/*",
}


class Reader:
    """`domain` completes the names of those on our own server."""

    def __init__(self, own: OwnIdentity | None, domain: str) -> None:
        self._own = own
        self._domain = domain

    def events(self, item: RawItem) -> Sequence[Event]:
        """Raises BadPayload."""
        body = payload(item.body)
        at = item.at or EPOCH
        shape = item.meta.get("as") or _guess(body)
        if shape == "deleted":
            return [MessageDeleted(stable(id_of(body, "the deleted post")), at)]
        if shape == "status":
            return self._status(body, item)
        if shape == "notification":
            return self._notification(body, item)
        return [Ignored(item.external_id, at, clean(str(shape), 100))]

    def _notification(self, body: dict[str, Any], item: RawItem) -> list[Event]:
        kind = body.get("type")
        if not isinstance(kind, str) or not kind:
            raise BadPayload(say("a notification has no type"))
        external_id = f"notification:{id_of(body, 'the notification')}"
        at = _time(body.get("created_at"))
        if body.get("status", ...) is None and kind not in ("follow", "follow_request"):
            # the post was deleted before anybody asked for its notification
            return [Ignored(external_id, at, clean(f"{kind} without its post", 100))]
        if kind in _MESSAGES:
            return self._status(_status_in(body), item)
        if kind == "update":
            return [self._edited(_status_in(body))]
        if kind in _REACTIONS or kind in _EMOJI:
            on = stable(id_of(_status_in(body), "the post"))
            reaction = _REACTIONS.get(kind) or clean(body.get("emoji") or body.get("name"), 100) or "like"
            return [ReactionReceived(external_id, at, self._party(body.get("account")), on, reaction)]
        if kind in ("follow", "follow_request"):
            return [FollowReceived(external_id, at, self._party(body.get("account")))]
        return [Ignored(external_id, at, clean(kind, 100))]

    def _status(self, status: dict[str, Any], item: RawItem) -> list[Event]:
        if isinstance(status.get("reblog"), dict):
            return [Ignored(f"boost:{id_of(status, 'the post')}", _time(status.get("created_at")), "boost")]
        found: list[Event] = [self._received(status, item.meta)]
        if status.get("edited_at"):
            # whoever knows the post already learns its new text from this one
            found.append(self._edited(status))
        return found

    def _edited(self, status: dict[str, Any]) -> MessageEdited:
        html = _html(status)
        at = _time(status.get("edited_at") or status.get("created_at"))
        return MessageEdited(stable(id_of(status, "the post")), at, _text(status, html), html=html)

    def _received(self, status: dict[str, Any], meta: Mapping[str, Any]) -> MessageReceived:
        external_id = stable(id_of(status, "the post"))
        html = _html(status)
        author = self._party(status.get("account"))
        seen = status.get("visibility") if isinstance(status.get("visibility"), str) else "public"
        reply = status.get("in_reply_to_id")
        in_reply_to = stable(clean(str(reply), 500)) if reply else ""
        earlier = [stable(one) for one in _strings(meta.get("ancestors"))]
        keys = dict.fromkeys(key for key in (in_reply_to, *reversed(earlier)) if key)
        return MessageReceived(
            external_id=external_id,
            at=_time(status.get("created_at")),
            parties=(author, *self._others(status, meta, author, "mentioned" if seen in PUBLIC else "to")),
            text=_text(status, html),
            thread_keys=tuple(keys),
            own_thread_key=external_id,
            in_reply_to=in_reply_to,
            html=html,
            language=clean(status.get("language"), 20),
            visibility="public" if seen in PUBLIC else "private",
            media=tuple(_media(one) for one in _dicts(status.get("media_attachments"))[:MAX_MEDIA]),
            outgoing=author.is_us,
            content_warning=clean(status.get("spoiler_text"), 2000).strip(),
            url=_web(status.get("url")) or _web(status.get("uri")),
            extra=_extra(status, clean(seen, 30)),
        )

    def _others(
        self, status: dict[str, Any], meta: Mapping[str, Any], author: Party, role: Role
    ) -> list[Party]:
        uris = meta.get("actors")
        known = uris if isinstance(uris, dict) else {}
        found: dict[str, Party] = {}
        for mention in _dicts(status.get("mentions"))[:MAX_MENTIONS]:
            try:
                one = party(mention, role=role, domain=self._domain, own=self._own, uris=known)
            except BadPayload:
                continue
            if one.external_id != author.external_id:
                found.setdefault(one.external_id, one)
        return list(found.values())

    def _party(self, account: object) -> Party:
        return party(account, role="from", domain=self._domain, own=self._own)


def _guess(body: dict[str, Any]) -> str:
    if "type" in body and "account" in body:
        return "notification"
    return "status" if "content" in body and "account" in body else "unknown"


def _status_in(body: dict[str, Any]) -> dict[str, Any]:
    status = body.get("status")
    if not isinstance(status, dict):
        raise BadPayload(say("a notification about a post comes without the post"))
    return status


def _html(status: dict[str, Any]) -> str:
    return clean(status.get("content"))


def _text(status: dict[str, Any], html: str) -> str:
    """Some servers leave `content` empty and give the source as `text`."""
    return plain(html) or clean(status.get("text")).strip()


def _time(said: object) -> datetime:
    try:
        return moment(said)
    except ValueError:
        raise BadPayload(say("a time is missing or no time")) from None


def _media(attachment: dict[str, Any]) -> Media:
    url = (
        _web(attachment.get("url"))
        or _web(attachment.get("remote_url"))
        or _web(attachment.get("preview_url"))
    )
    try:
        name = PurePosixPath(urlsplit(url).path).name
    except ValueError:
        name = ""
    by_name = mimetypes.guess_type(name)[0] or ""
    by_kind = _TYPES.get(str(attachment.get("type")), "application/octet-stream")
    return Media(
        file_name=clean(name, 255) or "attachment",
        content_type=by_name if by_name.split("/")[0] == by_kind.split("/")[0] else by_kind,
        url=url,
        alt_text=clean(attachment.get("description"), 5000),
    )


def _extra(status: dict[str, Any], seen: str) -> dict[str, Any]:
    found: dict[str, Any] = {"visibility": seen}
    if uri := _web(status.get("uri")):
        found["uri"] = uri
    if status.get("sensitive") is True:
        found["sensitive"] = True
    poll = status.get("poll")
    if isinstance(poll, dict):
        found["poll"] = [clean(one.get("title"), 500) for one in _dicts(poll.get("options"))[:20]]
    return found


def _web(said: object) -> str:
    text = clean(said, 2000).strip()
    return text if text.startswith(("https://", "http://")) else ""


def _dicts(said: object) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _strings(said: object) -> list[str]:
    return [one for one in said if isinstance(one, str) and one] if isinstance(said, (list, tuple)) else []
