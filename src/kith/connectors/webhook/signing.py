"""Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, in base64, marked `v1`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from kith.connectors.contract import Forged
from kith.connectors.words import say

PREFIX = "whsec_"
WINDOW = timedelta(minutes=5)
MAX_SIGNATURES = 20


class BadSecret(ValueError):
    """A secret that can't be used."""


def keys(secrets: str) -> list[bytes]:
    """The keys of one or more secrets with spaces between; raises BadSecret."""
    found = []
    for secret in secrets.split():
        text = secret.removeprefix(PREFIX)
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise BadSecret("A signing secret is base64 after whsec_.") from None
        if len(key) < 16:
            raise BadSecret("A signing secret needs at least 16 bytes.")
        found.append(key)
    if not found:
        raise BadSecret("There is no signing secret.")
    return found


def signature(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One `v1,...` signature."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secret_keys: Sequence[bytes], *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of an outgoing webhook, signed with each key."""
    timestamp = int(at.timestamp())
    signatures = [
        signature(key, message_id=message_id, timestamp=timestamp, body=body) for key in secret_keys
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(secret_keys: Sequence[bytes], given: Mapping[str, str], body: bytes, *, now: datetime) -> str:
    """The webhook's id, if one of its signatures holds for one of the keys and it is fresh; raises Forged."""
    message_id = given.get("webhook-id", "")
    stamp = given.get("webhook-timestamp", "")
    said = given.get("webhook-signature", "")
    if not (message_id and stamp and said):
        raise Forged(
            say("The webhook is not signed: webhook-id, webhook-timestamp or webhook-signature is missing.")
        )
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise Forged(say("webhook-timestamp is no number of seconds."))
    if abs(now.timestamp() - int(stamp)) > WINDOW.total_seconds():
        raise Forged(say("The webhook is older or newer than five minutes; it may be a replay."))
    signatures = [part.encode() for part in said.split()[:MAX_SIGNATURES] if part.startswith("v1,")]
    for key in secret_keys:
        expected = signature(key, message_id=message_id, timestamp=int(stamp), body=body).encode()
        # every one is compared, so that the time taken tells nothing
        if any([hmac.compare_digest(expected, part) for part in signatures]):  # noqa: C419
            return message_id
    raise Forged(say("No signature of the webhook holds."))
