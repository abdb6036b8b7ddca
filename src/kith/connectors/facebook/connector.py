"""Meta's data-deletion callback, and nothing else yet. README.md says what it can do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from kith.base import clock
from kith.connectors.contract import (
    BadPayload,
    DeletionAsked,
    Event,
    Ignored,
    OwnIdentity,
    RawItem,
    ReconnectNeeded,
    Refused,
    Setup,
    WebhookAnswer,
    WebhookRequest,
)
from kith.connectors.facebook import signed
from kith.connectors.manifest import Manifest, of
from kith.connectors.words import say

if TYPE_CHECKING:
    from datetime import datetime

_APP_ID = re.compile(r"[0-9]{5,32}\Z", re.ASCII)
_SECRET = re.compile(r"[0-9A-Za-z]{16,128}\Z", re.ASCII)


class Connector:
    manifest: ClassVar[Manifest] = of(__file__)

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def check(self) -> OwnIdentity:
        """Looks at the form of both values; asks nobody. Meta's first request shows whether the secret is right."""
        app_id = self._setup.settings.get("app_id", "").strip()
        if not _APP_ID.match(app_id):
            raise Refused(say("An app ID is digits only."), field="app_id")
        if not _SECRET.match(self._secret()):
            raise ReconnectNeeded(say("This does not look like an app secret."), field="app_secret")
        return OwnIdentity(external_id=app_id, handle=app_id, display_name=app_id, realm=app_id)

    def deletion_asked(self, request: WebhookRequest, *, now: datetime) -> DeletionAsked:
        found = signed.read(request.body, self._secret(), now=now)
        return DeletionAsked(
            external_id=found.user_id,
            realm=self._setup.settings.get("app_id", "").strip(),
            issued_at=found.issued_at,
        )

    def deletion_answer(self, *, url: str, code: str) -> WebhookAnswer:
        body = json.dumps({"url": url, "confirmation_code": code})
        return WebhookAnswer(200, body.encode(), "application/json")

    def parse(self, item: RawItem) -> Sequence[Event]:
        """Nothing is read from there yet, so whatever is well-formed is of no interest."""
        try:
            said = json.loads(item.body)
        except (ValueError, RecursionError):
            raise BadPayload(say("This is no JSON.")) from None
        if not isinstance(said, dict):
            raise BadPayload(say("This is no JSON object."))
        return [Ignored(item.external_id, item.at or clock.now(), "not read yet")]

    def _secret(self) -> str:
        return self._setup.secrets.get("app_secret", "").strip()
