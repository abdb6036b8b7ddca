"""Plays a network: items are put in by our own screens, answers are noted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from kith.base import clock
from kith.connectors.contract import (
    Event,
    FoundSent,
    OutcomeUnknown,
    Outgoing,
    OwnIdentity,
    Party,
    RawItem,
    Receipt,
    ReconnectNeeded,
    Refused,
    RetryLater,
    Setup,
)
from kith.connectors.manifest import Manifest, of
from kith.connectors.plain import Reader
from kith.connectors.words import say


class Connector:
    manifest: ClassVar[Manifest] = of(__file__)

    def __init__(self, setup: Setup) -> None:
        self._settings = setup.settings

    def check(self) -> OwnIdentity:
        handle = self._settings.get("handle", "") or "us"
        title = self._settings.get("network_title", "") or self.manifest.title
        return OwnIdentity(
            external_id=handle, handle=handle, display_name=title, realm=self._settings.get("realm", "")
        )

    def parse(self, item: RawItem) -> Sequence[Event]:
        public = self._settings.get("public", "").lower() in ("1", "true", "yes", "on")
        reader = Reader(
            realm=self._settings.get("realm", ""), trusted=True, visibility="public" if public else "private"
        )
        return reader.events(item)

    def send(self, outgoing: Outgoing) -> Receipt:
        """The answer's id follows from the idempotency key. Each call is a line in the outbox, if there is one."""
        self._misbehave()
        receipt = _receipt(outgoing)
        self._note("send", outgoing, receipt.external_id)
        if self._settings.get("behaviour") == "is uncertain":
            raise OutcomeUnknown(say("The simulated network gave no answer."))
        return receipt

    def find(self, handle: str) -> Party:
        """Everybody exists here but those whose handle begins with "nobody"."""
        if handle.removeprefix("@").startswith("nobody"):
            raise Refused(say("Nobody goes by {handle}.", handle=handle), field="to")
        return Party(
            external_id=handle.removeprefix("@"),
            handle=handle,
            realm=self._settings.get("realm", ""),
            role="to",
            verified="network",
        )

    def external_id_for(self, outgoing: Outgoing) -> str:
        return _receipt(outgoing).external_id

    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent:
        """From the outbox. Without one our own record is the delivery, and a second try would be the same answer."""
        receipt = _receipt(outgoing)
        outbox = self._outbox()
        if outbox is None:
            return FoundSent("sent", receipt)
        try:
            lines = outbox.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return FoundSent("not_sent")
        except OSError:
            return FoundSent("unknown")
        needle = json.dumps(receipt.external_id)
        return FoundSent("sent", receipt) if any(needle in line for line in lines) else FoundSent("not_sent")

    def edit(self, external_id: str, outgoing: Outgoing) -> Receipt:
        self._misbehave()
        self._note("edit", outgoing, external_id)
        return Receipt(external_id, clock.now(), thread_key=outgoing.thread_key)

    def delete(self, external_id: str) -> None:
        self._misbehave()
        self._note("delete", None, external_id)

    def _misbehave(self) -> None:
        match self._settings.get("behaviour", ""):
            case "is refused":
                raise Refused(say("The simulated network refuses this message."))
            case "has to wait":
                raise RetryLater(say("The simulated network asks to wait."), after=60.0)
            case "needs a new log-in":
                raise ReconnectNeeded(say("The simulated network wants a new log-in."), field="behaviour")

    def _outbox(self) -> Path | None:
        path = self._settings.get("outbox", "")
        return Path(path) if path else None

    def _note(self, what: str, outgoing: Outgoing | None, external_id: str) -> None:
        outbox = self._outbox()
        if outbox is None:
            return
        line: dict[str, object] = {"what": what, "id": external_id, "at": clock.now().isoformat()}
        if outgoing is not None:
            line |= {
                "idempotency_key": outgoing.idempotency_key,
                "text": outgoing.text,
                "to": [party.external_id for party in outgoing.to],
                "subject": outgoing.subject,
                "thread": outgoing.thread_key,
                "in_reply_to": outgoing.in_reply_to,
                "visibility": outgoing.visibility,
            }
        # one write with O_APPEND: lines of several processes never mix
        handle = os.open(outbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, (json.dumps(line, ensure_ascii=True) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def _receipt(outgoing: Outgoing) -> Receipt:
    external_id = "sent-" + hashlib.sha256(outgoing.idempotency_key.encode()).hexdigest()[:24]
    return Receipt(external_id, clock.now(), thread_key=outgoing.thread_key)
