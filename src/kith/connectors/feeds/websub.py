"""WebSub (W3C): asking a hub to push, answering its check, and believing only what carries our signature."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from kith.connectors.contract import Forged, HttpFactory, RetryLater, WebhookAnswer, WebhookRequest
from kith.connectors.words import say

LEASE_SECONDS = 7 * 24 * 3600
_METHODS = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
_PROOF = "kith_topic"


def topic_proof(secret: str, topic: str) -> str:
    """A mark in the callback's address that only we can make: the check is answered for topics we asked for alone."""
    return hmac.new(secret.encode(), b"websub topic\0" + topic.encode(), hashlib.sha256).hexdigest()[:32]


def ask(
    http: HttpFactory, *, hub: str, topic: str, callback: str, secret: str, mode: str = "subscribe"
) -> None:
    """Ask `hub` to push `topic` to `callback`; the hub then checks the callback. Raises RetryLater when it won't."""
    parts = urlsplit(callback)
    query = urlencode([*parse_qsl(parts.query), (_PROOF, topic_proof(secret, topic))])
    form = {
        "hub.mode": mode,
        "hub.topic": topic,
        "hub.callback": urlunsplit(parts._replace(query=query)),
        "hub.secret": secret,
        "hub.lease_seconds": str(LEASE_SECONDS),
    }
    try:
        with http() as client:
            response = client.post(hub, data=form)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RetryLater(say("The hub {hub} can't be reached: {error}", hub=hub, error=error)) from error
    if response.status_code not in (200, 202, 204):
        raise RetryLater(
            say("The hub {hub} answers {status_code}.", hub=hub, status_code=response.status_code),
            after=3600.0,
        )


def challenge(request: WebhookRequest, secret: str) -> WebhookAnswer | None:
    """The answer to a hub's check (GET with hub.mode); None for any other request."""
    mode = request.query.get("hub.mode", "")
    if request.method.upper() != "GET" or not mode:
        return None
    proof = topic_proof(secret, request.query.get("hub.topic", ""))
    if not secret or not hmac.compare_digest(proof.encode(), request.query.get(_PROOF, "").encode()):
        return WebhookAnswer(status=404, body=b"we did not ask for this topic")
    if mode in ("subscribe", "unsubscribe"):
        return WebhookAnswer(body=request.query.get("hub.challenge", "").encode())
    return WebhookAnswer(body=b"")


def verify(request: WebhookRequest, secret: str) -> None:
    """Raise Forged unless X-Hub-Signature holds over the bytes."""
    if not secret:
        raise Forged(say("This feed has no secret, so nothing that is pushed to it can be believed."))
    method, _, given = request.headers.get("x-hub-signature", "").partition("=")
    digest = _METHODS.get(method.strip().lower())
    if digest is None or not given:
        raise Forged(say("The push carries no signature that we know."))
    wanted = hmac.new(secret.encode(), request.body, digest).hexdigest()
    if not hmac.compare_digest(wanted.encode(), given.strip().lower().encode()):
        raise Forged(say("The signature of the push does not hold."))
