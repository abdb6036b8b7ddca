"""Posts of ours: composed, sent once under a key of their own, found again, deleted.

A record's key is made from the idempotency key. The service refuses a second record under the same key, so that a
repeated send can't double, and "was it sent?" is answered exactly by reading that record.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kith.base import graphemes
from kith.base.clock import now
from kith.connectors.answers import moment
from kith.connectors.bluesky import events, pictures, reading, richtext
from kith.connectors.bluesky.xrpc import Xrpc, XrpcRefused
from kith.connectors.contract import (
    BadPayload,
    FoundSent,
    OutcomeUnknown,
    Outgoing,
    Receipt,
    Refused,
    RetryLater,
)
from kith.connectors.manifest import Limits
from kith.connectors.words import say

MAX_TEXT_BYTES = 3000
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_KEYS_FROM = 1_672_531_200_000_000  # 2023: keys sort by time, and one of the future would look forged
_KEYS_SPAN = 63_072_000_000_000


def record_key(idempotency_key: str) -> str:
    """A TID (13 letters: a time in µs and 10 bits), always the same for one idempotency key.

    The time is that of a UUIDv7; other keys get one in the past, by hash.
    """
    digest = int.from_bytes(hashlib.sha256(f"kith record {idempotency_key}".encode()).digest()[:16], "big")
    try:
        given = uuid.UUID(idempotency_key)
        micros = (given.int >> 80) * 1000 + digest % 1000 if given.version == 7 else 0
    except ValueError:
        micros = 0
    if not micros:
        micros = _KEYS_FROM + digest % _KEYS_SPAN
    number = (micros & ((1 << 53) - 1)) << 10 | (digest >> 100) & 1023
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def compose_text(outgoing: Outgoing, limits: Limits) -> str:
    """The words of the post; raises Refused when they or the files are more than a post holds."""
    text = outgoing.text.strip()
    named = [one for one in outgoing.to if one.handle and one.role == "to" and not one.is_us]
    if not outgoing.in_reply_to:
        # Without an answered post, naming somebody is the only way to reach them.
        missing = [one.handle for one in named if one.handle.lower() not in text.lower()]
        text = " ".join([*(f"@{handle.removeprefix('@')}" for handle in missing), text]).strip()
    if not text and not outgoing.media:
        raise Refused(say("There is nothing in this post."))
    limit = limits.text_length or 300
    length = graphemes.count(text)
    if length > limit:
        raise Refused(
            say(
                "The post has {length} characters; {reason}",
                length=length,
                reason=limits.reasons.get("text_length", f"{limit} at most"),
            )
        )
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise Refused(
            say(
                "The post takes more than {limit} bytes, though it is short enough in characters.",
                limit=MAX_TEXT_BYTES,
            )
        )
    if len(outgoing.media) > (limits.media_count or 4):
        raise Refused(limits.reasons.get("media_count", "Too many pictures for one post."))
    return text


def send(xrpc: Xrpc, outgoing: Outgoing, limits: Limits) -> Receipt:
    """Post it, as an answer where `in_reply_to` says so. Sending again what was sent returns the same receipt."""
    text = compose_text(outgoing, limits)
    files = [(*pictures.prepare(media), media.alt_text) for media in outgoing.media]
    own = xrpc.session().did
    rkey = record_key(outgoing.idempotency_key)
    record: dict[str, Any] = {
        "$type": reading.POST,
        "text": text,
        "createdAt": now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if found := richtext.facets(text, lambda handle: _did_of(xrpc, handle, outgoing)):
        record["facets"] = found
    if outgoing.language:
        record["langs"] = [outgoing.language]
    if outgoing.in_reply_to:
        record["reply"] = _reply(xrpc, outgoing.in_reply_to)
    if outgoing.content_warning:
        values = [{"val": outgoing.content_warning}]
        record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": values}
    if files:
        record["embed"] = {
            "$type": "app.bsky.embed.images",
            "images": [_image(xrpc, content, kind, size, alt) for content, kind, size, alt in files],
        }
    body = {"repo": own, "collection": reading.POST, "rkey": rkey, "record": record}
    try:
        said = xrpc.post("com.atproto.repo.createRecord", body)
    except (XrpcRefused, OutcomeUnknown):
        # A key that is taken is answered with a refusal by some services and with an error 500 by others.
        if (before := find_sent(xrpc, outgoing)).receipt:
            return before.receipt
        raise
    if not isinstance(said.get("uri"), str):
        raise BadPayload(say("The service took the post, but did not say where it is."))
    return _receipt(xrpc, said, record)


def find_sent(xrpc: Xrpc, outgoing: Outgoing) -> FoundSent:
    """Whether the record is there. Exact: the record's key is known, and the service itself is asked."""
    try:
        receipt = _stored(xrpc, xrpc.session().did, record_key(outgoing.idempotency_key))
    except (RetryLater, BadPayload, Refused):
        return FoundSent("unknown")
    return FoundSent("sent", receipt) if receipt else FoundSent("not_sent")


def delete(xrpc: Xrpc, external_id: str) -> None:
    """Delete a post of ours; deleting what is already gone succeeds."""
    parts = external_id.removeprefix("at://").split("/")
    if len(parts) != 3 or parts[0] != xrpc.session().did:
        raise Refused(say("Only posts of this account can be deleted."))
    xrpc.post(
        "com.atproto.repo.deleteRecord",
        {"repo": parts[0], "collection": parts[1], "rkey": parts[2]},
    )


# --- inner parts ----------------------------------------------------------------------------------------------------


def _did_of(xrpc: Xrpc, handle: str, outgoing: Outgoing) -> str:
    for one in outgoing.to:
        if one.handle.removeprefix("@").lower() == handle.lower() and one.external_id.startswith("did:"):
            return one.external_id
    try:
        return str(
            xrpc.get("com.atproto.identity.resolveHandle", {"handle": handle.lower()}).get("did") or ""
        )
    except XrpcRefused:
        return ""


def _reply(xrpc: Xrpc, parent_uri: str) -> dict[str, Any]:
    view = reading.posts(xrpc, [parent_uri]).get(parent_uri)
    if view is None:
        # The service that gathers posts may not know it yet (our own of a second ago); its home does.
        view = _record(xrpc, parent_uri)
    if view is None:
        raise Refused(say("The post that this answers is gone."))
    if (view.get("viewer") or {}).get("replyDisabled"):
        raise Refused(
            say("The author lets nobody but some answer this post, and this account is not among them.")
        )
    parent = {"uri": parent_uri, "cid": view.get("cid")}
    record = view.get("record") or view.get("value") or {}
    root = (record.get("reply") or {}).get("root") if isinstance(record, dict) else None
    return {"root": root if isinstance(root, dict) else parent, "parent": parent}


def _record(xrpc: Xrpc, uri: str) -> dict[str, Any] | None:
    repo, _, rest = uri.removeprefix("at://").partition("/")
    collection, _, rkey = rest.partition("/")
    try:
        return xrpc.get("com.atproto.repo.getRecord", {"repo": repo, "collection": collection, "rkey": rkey})
    except XrpcRefused:
        return None


def _stored(xrpc: Xrpc, own: str, rkey: str) -> Receipt | None:
    params = {"repo": own, "collection": reading.POST, "rkey": rkey}
    try:
        said = xrpc.get("com.atproto.repo.getRecord", params)
    except XrpcRefused as error:
        if error.means_gone:
            return None
        raise
    record = said.get("value")
    if not isinstance(record, dict) or not isinstance(said.get("uri"), str):
        raise BadPayload(say("The service answered with something that is no record."))
    return _receipt(xrpc, said, record)


def _receipt(xrpc: Xrpc, said: Mapping[str, Any], record: Mapping[str, Any]) -> Receipt:
    uri = str(said["uri"])
    root = ((record.get("reply") or {}).get("root") or {}).get("uri") or uri
    try:
        at: datetime = moment(record.get("createdAt"))
    except ValueError:
        at = now()
    raw = json.dumps({**said, "value": record}, ensure_ascii=False).encode("utf-8", "replace")
    url = events.web_url(uri)
    return Receipt(external_id=uri, at=at, url=url, thread_key=str(root), budget=xrpc.budget, raw=raw)


def _image(xrpc: Xrpc, content: bytes, kind: str, size: tuple[int, int], alt: str) -> dict[str, Any]:
    said = xrpc.post("com.atproto.repo.uploadBlob", content=content, content_type=kind, writes=False)
    if not isinstance(said.get("blob"), dict):
        raise BadPayload(say("The service took a picture, but did not say where it is."))
    return {"image": said["blob"], "alt": alt, "aspectRatio": {"width": size[0], "height": size[1]}}
