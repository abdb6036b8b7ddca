"""Meta's `signed_request`: base64url(signature) "." base64url(JSON), signed with the app's secret over the second part."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from kith.connectors.contract import BadPayload, Forged
from kith.connectors.words import say

MAX_BODY = 16 * 1024
OLDEST = timedelta(days=7)  # who was down for a weekend is still asked; a copy from long ago is not believed
AHEAD = timedelta(minutes=10)
_ALPHABET = re.compile(rb"[A-Za-z0-9_-]+={0,2}\Z")
_USER = re.compile(r"[0-9]{1,32}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signed:
    user_id: str
    issued_at: datetime


def field_of(body: bytes) -> bytes:
    """The one `signed_request` of a form; raises BadPayload where there is none, or more than one."""
    if len(body) > MAX_BODY:
        raise BadPayload(say("The request is too long."))
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
        found = [value.encode("ascii") for name, value in fields if name == "signed_request"]
    except ValueError:
        raise BadPayload(say("This is no form with a signed_request.")) from None
    if len(found) != 1:
        raise BadPayload(say("There must be one signed_request."))
    return found[0]


def read(body: bytes, secret: str, *, now: datetime) -> Signed:
    """Raises Forged before anything in it is read, unless the signature holds and it is fresh; BadPayload for the rest."""
    signature, dot, payload = field_of(body).partition(b".")
    if not dot or not _ALPHABET.match(signature) or not _ALPHABET.match(payload):
        raise BadPayload(say("The signed_request is not of two parts in base64url."))
    expected = hmac.new(secret.encode(), payload, hashlib.sha256).digest()
    if not secret or not hmac.compare_digest(expected, _decoded(signature)):
        raise Forged(say("The signature of the signed_request does not hold."))
    try:
        said = json.loads(_decoded(payload))
    except (ValueError, RecursionError):
        raise BadPayload(say("The signed_request holds no JSON.")) from None
    if not isinstance(said, dict):
        raise BadPayload(say("The signed_request holds no JSON."))
    if str(said.get("algorithm", "")).upper() != "HMAC-SHA256":
        raise Forged(say("The signed_request is signed in another way than HMAC-SHA256."))
    issued, user = said.get("issued_at"), said.get("user_id")
    if isinstance(issued, bool) or not isinstance(issued, int) or not 0 < issued < 10**11:
        raise BadPayload(say("The signed_request does not say when it was made."))
    if not isinstance(user, str) or not _USER.match(user):
        raise BadPayload(say("The signed_request names no user."))
    at = datetime.fromtimestamp(issued, UTC)
    if at > now + AHEAD or at < now - OLDEST:
        raise Forged(say("The signed_request is older than seven days, or from the future."))
    return Signed(user, at)


def _decoded(text: bytes) -> bytes:
    """b"" where it is no base64url, which no signature equals."""
    text = text.rstrip(b"=")
    try:
        return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
