"""Signed webhooks in, signed callbacks out. The shape of both is told in README.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from kith.base import clock
from kith.connectors import answers, plain
from kith.connectors.contract import (
    Event,
    FoundSent,
    NotSupported,
    Outgoing,
    OwnIdentity,
    RawItem,
    Receipt,
    ReconnectNeeded,
    Refused,
    Setup,
    WebhookAnswer,
    WebhookRequest,
)
from kith.connectors.manifest import Manifest, of
from kith.connectors.webhook import signing
from kith.connectors.words import say


class Connector:
    manifest: ClassVar[Manifest] = of(__file__)

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def check(self) -> OwnIdentity:
        """Checks the secrets and that the address for answers can be reached (any answer will do)."""
        self._keys("signing_secret")
        address = self._setup.settings.get("callback_url", "")
        if address:
            self._out_keys()
            with self._setup.http() as client:
                client.headers["Connection"] = "close"
                # a receiver of POSTs may well refuse HEAD, which proves as much as an answer
                fine = frozenset({400, 403, 404, 405, 406, 411, 415, 422, 501})
                answers.ask(
                    client,
                    "HEAD",
                    address,
                    passes=fine,
                    address_field="callback_url",
                    credential_field="callback_secret",
                )
        source = self._setup.settings.get("source", "") or "webhook"
        return OwnIdentity(external_id=source, handle=source, display_name=source, realm=source)

    # --- in ---

    def challenge(self, request: WebhookRequest) -> WebhookAnswer | None:
        return None

    def verify(self, request: WebhookRequest, *, now: datetime) -> None:
        signing.verify(self._keys("signing_secret"), request.headers, request.body, now=now)

    def items(self, request: WebhookRequest) -> Sequence[RawItem]:
        """One item, whose id is the webhook's: sent again, it is the same item."""
        message_id = request.headers.get("webhook-id", "")
        stamp = request.headers.get("webhook-timestamp", "")
        at = datetime.fromtimestamp(int(stamp), UTC) if stamp.isdigit() and len(stamp) <= 10 else None
        return [RawItem(external_id=message_id, body=request.body, at=at)]

    def parse(self, item: RawItem) -> Sequence[Event]:
        return plain.Reader(realm=self._setup.settings.get("source", "")).events(item)

    # --- out ---

    def send(self, outgoing: Outgoing) -> Receipt:
        """POST to the callback. The webhook-id is made from the idempotency key: a receiver can tell a second try."""
        limit = self.manifest.limits.text_length or 0
        if len(outgoing.text) > limit:
            raise Refused(
                say(
                    "The text has {count} characters; webhooks carry {limit}.",
                    count=len(outgoing.text),
                    limit=limit,
                )
            )
        if outgoing.media:
            raise Refused(say("Webhooks carry no files; give a link."))
        address = self._setup.settings.get("callback_url", "")
        if not address:
            raise NotSupported(say("This channel has no address for answers."))
        at = clock.now()
        message_id = f"kith_{outgoing.idempotency_key}"
        body = json.dumps(_as_json(outgoing, message_id, at), ensure_ascii=False).encode("utf-8", "replace")
        headers = {
            **signing.headers(self._out_keys(), message_id=message_id, at=at, body=body),
            "content-type": "application/json",
            "idempotency-key": outgoing.idempotency_key,
        }
        with self._setup.http() as client:
            client.headers["Connection"] = "close"
            answer = answers.ask(
                client,
                "POST",
                address,
                writes=True,
                content=body,
                headers=headers,
                address_field="callback_url",
                credential_field="callback_secret",
            )
        found = _receipt_of(answer)
        return Receipt(
            external_id=str(found.get("id") or message_id),
            at=at,
            thread_key=outgoing.thread_key,
            budget=answers.budget(answer.headers),
            raw=answer.content,
        )

    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent:
        """Nobody can be asked what a webhook's receiver got."""
        return FoundSent("unknown")

    # --- secrets ---

    def _keys(self, name: str) -> list[bytes]:
        try:
            return signing.keys(self._setup.secrets.get(name, ""))
        except signing.BadSecret as error:
            raise ReconnectNeeded(str(error), field=name) from None

    def _out_keys(self) -> list[bytes]:
        name = "callback_secret" if self._setup.secrets.get("callback_secret") else "signing_secret"
        return self._keys(name)


def _as_json(outgoing: Outgoing, message_id: str, at: datetime) -> dict[str, Any]:
    return {
        "type": "message.sent",
        "timestamp": at.isoformat(),
        "data": {
            "id": message_id,
            "idempotency_key": outgoing.idempotency_key,
            "text": outgoing.text,
            "html": outgoing.html,
            "subject": outgoing.subject,
            "thread": outgoing.thread_key,
            "in_reply_to": outgoing.in_reply_to,
            "visibility": outgoing.visibility,
            "automatic": outgoing.automatic,
            "to": [
                {"id": party.external_id, "handle": party.handle, "name": party.display_name}
                for party in outgoing.to
            ],
        },
    }


def _receipt_of(answer: Any) -> dict[str, Any]:
    """What a receiver says about its own id. An empty answer or plain "ok" is fine; a page of HTML is no receiver."""
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "text/html" or kind.endswith("json"):
        found = answers.json_of(answer, writes=True)
        return found if isinstance(found, dict) else {}
    return {}
