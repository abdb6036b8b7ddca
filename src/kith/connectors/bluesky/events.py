"""What one item means. Everything in a post was written by its author; everything beside it by the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kith.connectors.answers import clean, moment
from kith.connectors.bluesky import richtext
from kith.connectors.contract import (
    BadPayload,
    Event,
    FollowReceived,
    Ignored,
    Media,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Party,
    ProfileUpdated,
    ReactionReceived,
    Role,
)
from kith.connectors.words import say

APP = "https://bsky.app"
SPOKEN = ("mention", "reply", "quote")
REACTIONS = {"like": "like", "like-via-repost": "like", "repost": "boost", "repost-via-repost": "boost"}


def parse(data: Mapping[str, Any], *, own: str, seen_at: datetime) -> list[Event]:
    """The events of one item; `own` is our DID, `seen_at` stands in for a missing time."""
    if isinstance(data.get("deleted"), str):
        return [MessageDeleted(data["deleted"], seen_at)]
    if isinstance(data.get("profile"), dict):
        who = party(data["profile"], own=own)
        return [ProfileUpdated(f"{who.external_id}#{who.handle.removeprefix('@')}", seen_at, who)]
    view = data.get("post")
    if data.get("edited") and isinstance(view, dict):
        return [MessageEdited(_uri(view), seen_at, words(view)[0])]
    notification = data.get("notification")
    if isinstance(notification, dict):
        return [_notified(notification, view if isinstance(view, dict) else notification, own, seen_at)]
    if isinstance(view, dict):
        return [message(view, own=own, seen_at=seen_at)]
    return [Ignored("", seen_at, "an item of no known kind")]


def _notified(notification: dict[str, Any], view: dict[str, Any], own: str, seen_at: datetime) -> Event:
    reason = clean(notification.get("reason"), 60) or "notification"
    uri = _uri(notification)
    at = _time(notification.get("indexedAt"), seen_at)
    if reason in SPOKEN:
        return message({**notification, **view}, own=own, seen_at=seen_at)
    who = party(notification.get("author"), own=own)
    if reason in REACTIONS:
        subject = _dict(_dict(notification.get("record")).get("subject")).get("uri")
        on = subject if isinstance(subject, str) else clean(notification.get("reasonSubject"))
        return ReactionReceived(uri, at, who, on, REACTIONS[reason])
    if reason == "follow":
        return FollowReceived(uri, at, who)
    return Ignored(uri, at, reason)


def message(view: Mapping[str, Any], *, own: str, seen_at: datetime) -> MessageReceived:
    """A post's view (or a notification, which holds the same without pictures) as a message."""
    uri = _uri(view)
    record = _dict(view.get("record"))
    reply = _dict(record.get("reply"))
    root = _dict(reply.get("root")).get("uri")
    parent = _dict(reply.get("parent")).get("uri")
    root = root if isinstance(root, str) and root else uri
    parent = parent if isinstance(parent, str) else ""
    text, quote_at = words(view)
    indexed = _time(view.get("indexedAt"), seen_at)
    author = party(view.get("author"), own=own)
    languages = record.get("langs")
    language = languages[0] if isinstance(languages, list) and languages else ""
    return MessageReceived(
        external_id=uri,
        # The author's own clock may lie, so it never counts for later than the service saw the post.
        at=min(_time(record.get("createdAt"), indexed), indexed),
        parties=(author, *_others(record, reply, author, own)),
        text=text,
        thread_keys=(root,),
        own_thread_key=root,
        in_reply_to=parent,
        language=clean(language, 20).split("-")[0].lower(),
        visibility="public",
        media=tuple(_media(_dict(view.get("embed")))),
        outgoing=bool(own) and author.external_id == own,
        quote_at=quote_at,
        content_warning=", ".join(_labels(view)),
        url=web_url(uri),
    )


def party(profile: object, *, own: str, role: Role = "from") -> Party:
    """A profile's view as somebody. The service vouches for the DID; a handle is only what it is called today."""
    view = _dict(profile)
    did = view.get("did")
    if not isinstance(did, str) or not did.startswith("did:"):
        raise BadPayload(say("an author without a DID"))
    handle = clean(view.get("handle"), 300)
    labels = _labels(view)
    avatar = clean(view.get("avatar"), 2000)
    return Party(
        external_id=did,
        handle=f"@{handle}" if handle and handle != "handle.invalid" else "",
        display_name=clean(view.get("displayName"), 640),
        role=role,
        verified="network",
        is_us=did == own,
        automated="bot" in labels,
        profile_url=f"{APP}/profile/{did}",
        avatar_url=avatar if avatar.startswith("https://") else "",
        flags=("noindex",) if "!no-unauthenticated" in labels else (),
    )


def words(view: Mapping[str, Any]) -> tuple[str, int | None]:
    """The text of a post with its links, its link card and the post it quotes; and where the quote begins."""
    text = clean(richtext.read(_dict(view.get("record"))))
    embed = _dict(view.get("embed"))
    card = clean(_dict(_half(embed, "media").get("external") or embed.get("external")).get("uri"), 2000)
    if card and card not in text:
        text = f"{text}\n\n{card}".strip()
    quoted = _quoted(embed)
    if quoted is None:
        return text, None
    start = len(text) + 2 if text else 0
    return f"{text}\n\n{quoted}".strip(), start


def web_url(uri: str) -> str:
    """Where people read a post; "" for an id that is no post."""
    parts = uri.removeprefix("at://").split("/")
    return f"{APP}/profile/{parts[0]}/post/{parts[2]}" if len(parts) == 3 else ""


# --- inner parts ----------------------------------------------------------------------------------------------------


def _others(record: Mapping[str, Any], reply: Mapping[str, Any], author: Party, own: str) -> list[Party]:
    answered = _did_of(_dict(reply.get("parent")).get("uri"))
    found: dict[str, Party] = {}
    if answered and answered != author.external_id:
        found[answered] = Party(answered, role="to", verified="network", is_us=answered == own)
    for did, handle in richtext.mentions(record):
        if did != author.external_id and did not in found:
            found[did] = Party(
                did, handle=clean(handle, 300), role="mentioned", verified="network", is_us=did == own
            )
    return list(found.values())


def _quoted(embed: Mapping[str, Any]) -> str | None:
    record = _dict(embed.get("record"))
    if "record" in record and "uri" not in record:  # a quote together with pictures
        record = _dict(record.get("record"))
    uri = record.get("uri")
    if not isinstance(uri, str) or not uri:
        return None
    value = _dict(record.get("value"))
    handle = clean(_dict(record.get("author")).get("handle"), 300)
    said = clean(richtext.read(value)) if value.get("text") else ""
    lines = [f"@{handle}:" if handle else "", said, web_url(uri)]
    return "\n".join(line for line in lines if line)


def _media(embed: Mapping[str, Any]) -> list[Media]:
    half = _half(embed, "media")
    found = []
    images = half.get("images")
    for number, image in enumerate(images if isinstance(images, list) else (), 1):
        url = clean(_dict(image).get("fullsize"), 2000)
        if url.startswith(("http://", "https://")):
            alt = clean(_dict(image).get("alt"))
            found.append(Media(f"picture-{number}.jpg", "image/jpeg", url=url, alt_text=alt))
    playlist = clean(half.get("playlist"), 2000)
    if playlist.startswith(("http://", "https://")):
        alt = clean(half.get("alt"))
        found.append(Media("video.m3u8", "application/vnd.apple.mpegurl", url=playlist, alt_text=alt))
    return found


def _half(embed: Mapping[str, Any], name: str) -> dict[str, Any]:
    inner = embed.get(name)
    return inner if isinstance(inner, dict) else dict(embed)


def _labels(view: Mapping[str, Any]) -> list[str]:
    labels = view.get("labels")
    found = [
        clean(label.get("val"), 60)
        for label in (labels if isinstance(labels, list) else ())
        if isinstance(label, dict) and not label.get("neg")
    ]
    return list(dict.fromkeys(value for value in found if value))


def _uri(holder: Mapping[str, Any]) -> str:
    uri = holder.get("uri")
    if not isinstance(uri, str) or not uri.startswith("at://"):
        raise BadPayload(say("an item without an at:// address"))
    return clean(uri, 1000)


def _did_of(uri: object) -> str:
    did = uri.removeprefix("at://").split("/")[0] if isinstance(uri, str) else ""
    return did if did.startswith("did:") else ""


def _time(value: object, default: datetime) -> datetime:
    try:
        return moment(value)
    except ValueError:
        return default


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
