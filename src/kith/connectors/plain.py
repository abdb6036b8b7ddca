"""Our own JSON for what comes in: `{"type", "timestamp", "data"}`. Webhooks, the chat on a site and the simulator use it.

The shape is told in the webhook connector's README. A `trusted` sender is our own code: it may also say what a
network would know (who is verified, which party we are, what is spam), which nobody outside may claim.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from kith.connectors import answers
from kith.connectors.contract import (
    BadPayload,
    DeliveryChanged,
    Event,
    FollowReceived,
    Ignored,
    Media,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Party,
    ProfileUpdated,
    RawItem,
    ReactionReceived,
    Role,
    Verified,
    Visibility,
)
from kith.connectors.words import say

MAX_PARTIES = 500
MAX_MEDIA = 50
MAX_ID = 500
MAX_NAME = 300
AUTOMATIC = ("", "auto_reply", "bounce", "list", "notification", "system")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads items: `realm` is where their ids are unique, `visibility` what a message has that does not say."""

    realm: str = ""
    trusted: bool = False
    visibility: Visibility = "private"
    whole_files: bool = False  # files may be given whole, in base64

    def events(self, item: RawItem) -> Sequence[Event]:
        """The events of one item; raises BadPayload with the key that is wrong."""
        body = answers.payload(item.body)
        kind = body.get("type")
        if not isinstance(kind, str) or not kind:
            raise BadPayload(say('"type" is missing'))
        stamp = item.at or datetime(1970, 1, 1, tzinfo=UTC)
        data = body.get("data")
        if kind not in KINDS:
            return [Ignored(item.external_id, stamp, answers.clean(kind, 100))]
        if not isinstance(data, dict):
            raise BadPayload(say('"data" is missing or no object'))
        at = _time(data.get("at") or body.get("timestamp"), stamp)
        external_id = _text(data, "id", MAX_ID)
        if not external_id:
            if kind in ("message.edited", "message.deleted", "delivery.changed"):
                raise BadPayload(say('"data.id" is missing'))
            external_id = item.external_id
        return [self._event(kind, data, external_id, at)]

    def _event(self, kind: str, data: dict[str, Any], external_id: str, at: datetime) -> Event:
        match kind:
            case "message.received":
                return self._received(data, external_id, at)
            case "message.edited":
                return MessageEdited(external_id, at, _needed(data, "text"), html=_text(data, "html"))
            case "message.deleted":
                return MessageDeleted(external_id, at)
            case "delivery.changed":
                state = data.get("state")
                if state not in ("delivered", "read", "failed"):
                    raise BadPayload(say('"data.state" must be "delivered", "read" or "failed"'))
                return DeliveryChanged(external_id, at, state, reason=_text(data, "reason", 500))
        party = self._party(data.get("from"), "from", "data.from")
        if kind == "reaction.received":
            on, reaction = _needed(data, "on", MAX_ID), _needed(data, "reaction", 100)
            return ReactionReceived(external_id, at, party, on, reaction)
        return (
            FollowReceived(external_id, at, party)
            if kind == "follow.received"
            else ProfileUpdated(external_id, at, party)
        )

    def _received(self, data: dict[str, Any], external_id: str, at: datetime) -> MessageReceived:
        visibility = data.get("visibility", self.visibility)
        if visibility not in get_args(Visibility):
            raise BadPayload(say('"data.visibility" must be "private" or "public"'))
        thread, reply = _text(data, "thread", MAX_ID), _text(data, "in_reply_to", MAX_ID)
        parties = [self._party(data.get("from"), "from", "data.from")]
        for role in ("to", "cc", "mentioned", "member"):
            parties += [self._party(one, role, f"data.{role}") for one in _list(data, role, MAX_PARTIES)]
        extra: dict[str, Any] = {}
        for name in ("claims", "extra"):
            if isinstance(data.get(name), dict):
                extra.update(
                    {"claims": data[name]} if name == "claims" else data[name] if self.trusted else {}
                )
        automatic: Any = data.get("automatic", "")
        if not (self.trusted and automatic in AUTOMATIC):
            automatic = "system" if automatic is True else ""
        return MessageReceived(
            external_id=external_id,
            at=at,
            parties=tuple(parties),
            text=_needed(data, "text"),
            thread_keys=tuple(dict.fromkeys(key for key in (thread, reply) if key)),
            own_thread_key=thread or external_id,
            in_reply_to=reply,
            subject=_text(data, "subject", 1000),
            html=_text(data, "html"),
            language=_text(data, "language", 20),
            visibility=visibility,
            media=tuple(self._media(one) for one in _list(data, "files", MAX_MEDIA)),
            automatic=automatic,
            content_warning=_text(data, "content_warning", 1000),
            url=_url(data.get("url")),
            outgoing=self.trusted and data.get("outgoing") is True,
            spam=self.trusted and data.get("spam") is True,
            extra=extra,
        )

    def _party(self, said: object, role: Role, where: str) -> Party:
        """`verified` stays "none" unless trusted: a program vouches that it sent this, not that people are who they say."""
        if not isinstance(said, dict):
            raise BadPayload(say('"{where}" is missing or no object', where=where))
        external_id, email = _text(said, "id", MAX_ID).strip(), _text(said, "email", 320).strip().lower()
        name = _text(said, "name", MAX_NAME)
        if not external_id:
            if "@" not in email:
                raise BadPayload(say('"{where}.id" is missing', where=where))
            return Party(email, handle=email, display_name=name, role=role, network="email")
        verified: Verified = "none"
        if self.trusted and said.get("verified") in get_args(Verified):
            verified = said["verified"]
        return Party(
            external_id,
            handle=_text(said, "handle", MAX_NAME),
            display_name=name,
            realm=_text(said, "realm", MAX_NAME) if self.trusted and "realm" in said else self.realm,
            role=role,
            verified=verified,
            is_us=self.trusted and said.get("is_us") is True,
            automated=said.get("automated") is True,
            profile_url=_url(said.get("url")),
            avatar_url=_url(said.get("avatar")),
            flags=tuple(flag for flag in _list(said, "flags", 20) if flag in ("noindex", "protected")),
            network=_text(said, "network", 50) if self.trusted else "",
        )

    def _media(self, said: object) -> Media:
        if not isinstance(said, dict):
            raise BadPayload(say('"data.files" holds something that is no object'))
        content: bytes | None = None
        if (self.trusted or self.whole_files) and isinstance(said.get("content"), str):
            try:
                content = base64.b64decode(said["content"], validate=True)
            except (binascii.Error, ValueError):
                raise BadPayload(say('"data.files" holds content that is no base64')) from None
        url = _url(said.get("url"))
        if content is None and not url:
            raise BadPayload(say('"data.files" holds something without an address'))
        return Media(
            file_name=_text(said, "name", 255) or "file",
            content_type=_text(said, "content_type", 100) or "application/octet-stream",
            size=len(content or b""),
            content=content,
            url=url,
            alt_text=_text(said, "alt", 5000),
        )


KINDS = frozenset(
    {
        "message.received",
        "message.edited",
        "message.deleted",
        "delivery.changed",
        "reaction.received",
        "follow.received",
        "profile.updated",
    }
)


def _text(data: dict[str, Any], name: str, limit: int = 0) -> str:
    return answers.clean(data.get(name), limit)


def _needed(data: dict[str, Any], name: str, limit: int = 0) -> str:
    if not isinstance(data.get(name), str):
        raise BadPayload(say('"data.{name}" is missing or no text', name=name))
    return _text(data, name, limit)


def _list(data: dict[str, Any], name: str, limit: int) -> list[Any]:
    found = data.get(name) or []
    if not isinstance(found, list):
        raise BadPayload(say('"{name}" must be a list', name=name))
    return found[:limit]


def _time(said: object, otherwise: datetime) -> datetime:
    if said is None:
        return otherwise
    try:
        return answers.moment(said)
    except ValueError:
        raise BadPayload(say('"data.at" is no time in ISO 8601')) from None


def _url(said: object) -> str:
    text = answers.clean(said, 2000).strip()
    return text if text.startswith(("https://", "http://")) else ""
