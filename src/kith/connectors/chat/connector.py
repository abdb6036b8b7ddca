"""The chat on a site: our own web endpoint puts items in, our own live events carry the answers out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from kith.base import clock
from kith.connectors import answers
from kith.connectors.contract import (
    BadPayload,
    Event,
    FoundSent,
    Ignored,
    MessageReceived,
    Outgoing,
    OwnIdentity,
    RawItem,
    Receipt,
    Refused,
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
        site = self._settings.get("site", "").rstrip("/")
        if not site.startswith(("https://", "http://")):
            raise Refused(say("The address of your site begins with https:// or http://."), field="site")
        return OwnIdentity(external_id=site, handle=site.partition("://")[2], realm=site)

    def parse(self, item: RawItem) -> Sequence[Event]:
        """One thread for each visitor. What they typed about themselves is in `extra["claims"]` and proves nothing."""
        found: list[Event] = []
        for event in Reader(whole_files=True).events(item):
            if not isinstance(event, MessageReceived):
                # a visitor only ever writes: nobody may delete or edit by way of a chat window
                event = Ignored(item.external_id, event.at, getattr(event, "what", event.kind))
            elif event.parties[0].network:
                raise BadPayload(say('"data.from.id" is missing'))
            else:
                event = self._placed(event, item)
            found.append(event)
        return found

    def _placed(self, event: MessageReceived, item: RawItem) -> MessageReceived:
        data = answers.payload(item.body)["data"]
        visitor = replace(event.parties[0], network="", flags=(), profile_url="", avatar_url="", handle="")
        page = answers.clean(data.get("page"), 2000)
        extra = dict(event.extra)
        if page.startswith(("https://", "http://")):
            extra["page"] = page
        key = f"visitor:{visitor.external_id}"
        return replace(
            event,
            parties=(visitor,),
            thread_keys=(key, *event.thread_keys),
            own_thread_key=key,
            visibility="private",
            html="",
            url=extra.get("page", ""),
            extra=extra,
        )

    def send(self, outgoing: Outgoing) -> Receipt:
        """The core shows the message in the visitor's window: keeping it is sending it."""
        limits = self.manifest.limits
        if len(outgoing.text) > (limits.text_length or 0):
            raise Refused(limits.reasons["text_length"])
        if len(outgoing.media) > (limits.media_count or 0):
            raise Refused(limits.reasons["media_count"])
        if any(media.size > (limits.media_bytes or 0) for media in outgoing.media):
            raise Refused(limits.reasons["media_bytes"])
        if not outgoing.thread_key.startswith("visitor:") and not outgoing.in_reply_to:
            raise Refused(limits.reasons["may_start_conversation"])
        return _receipt(outgoing)

    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent:
        """Our own record is the delivery, and a second try has the same id."""
        return FoundSent("sent", _receipt(outgoing))


def _receipt(outgoing: Outgoing) -> Receipt:
    external_id = "chat-" + hashlib.sha256(outgoing.idempotency_key.encode()).hexdigest()[:24]
    return Receipt(external_id, clock.now(), thread_key=outgoing.thread_key)
