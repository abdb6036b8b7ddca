"""The connector for Bluesky: one account, by app password, over XRPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from kith.base.clock import now
from kith.connectors import manifest as manifests
from kith.connectors.answers import payload
from kith.connectors.bluesky import events, reading, sending
from kith.connectors.bluesky.xrpc import Xrpc, XrpcRefused
from kith.connectors.contract import (
    Asks,
    BadPayload,
    Event,
    Existences,
    FoundSent,
    Outgoing,
    OwnIdentity,
    Page,
    Party,
    RawItem,
    Receipt,
    Refused,
    Setup,
)
from kith.connectors.manifest import Manifest
from kith.connectors.words import say


class Connector:
    """Settings: `service`, `handle`; secret: `app_password` (and `access_jwt`, `refresh_jwt` if `refresh` was kept)."""

    manifest: ClassVar[Manifest] = manifests.of(__file__)
    asks: ClassVar[Asks] = Asks()

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._xrpc = Xrpc(setup)

    def check(self) -> OwnIdentity:
        """Log in anew with the app password and read our own profile."""
        session = self._xrpc.log_in()
        profile = self._xrpc.get("app.bsky.actor.getProfile", {"actor": session.did})
        return OwnIdentity(
            external_id=session.did,
            handle=f"@{session.handle}",
            display_name=str(profile.get("displayName") or ""),
            details={"followers": str(profile.get("followersCount") or 0)},
        )

    def refresh(self) -> Mapping[str, str]:
        """New tokens, to be committed as secrets before use. Optional: without it each process logs in by itself."""
        session = self._xrpc.renew()
        return {"access_jwt": session.access, "refresh_jwt": session.renewal}

    def fetch(self, cursor: str, *, limit: int) -> Page:
        return reading.notifications(self._xrpc, cursor, limit=limit, since=self._setup.history_since)

    def search(self, query: str, cursor: str, *, limit: int) -> Page:
        return reading.search(self._xrpc, query, cursor, limit=limit, since=self._setup.history_since)

    def parse(self, item: RawItem) -> Sequence[Event]:
        own = str(item.meta.get("own") or (self._setup.own.external_id if self._setup.own else ""))
        try:
            return events.parse(payload(item.body), own=own, seen_at=item.at or now())
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadPayload(say("The item can't be read: {error}", error=repr(error))) from error

    def send(self, outgoing: Outgoing) -> Receipt:
        """Always a public post: what is private for us is refused."""
        if outgoing.visibility == "private":
            raise Refused(self.manifest.limits.reasons["private_messages"])
        return sending.send(self._xrpc, outgoing, self.manifest.limits)

    def find(self, handle: str) -> Party:
        """By handle or DID; what comes back is who the service says has that handle now."""
        try:
            profile = self._xrpc.get("app.bsky.actor.getProfile", {"actor": handle.removeprefix("@").lower()})
        except XrpcRefused as error:
            raise Refused(say("Nobody goes by {handle}.", handle=handle), field="to") from error
        own = self._setup.own.external_id if self._setup.own else ""
        return events.party(profile, own=own, role="to")

    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent:
        return sending.find_sent(self._xrpc, outgoing)

    def delete(self, external_id: str) -> None:
        sending.delete(self._xrpc, external_id)

    def publish(self, outgoing: Outgoing) -> Receipt:
        """A post of its own; `to` and `in_reply_to` have no meaning for it."""
        if outgoing.in_reply_to:
            raise Refused(say("A published post answers nothing; send it as a reply."))
        return sending.send(self._xrpc, outgoing, self.manifest.limits)

    def existence(self, external_ids: Sequence[str], *, urls: Mapping[str, str] | None = None) -> Existences:
        """A view is also missing when its author blocked us; whether the record is there tells that apart."""
        uris = [uri for uri in external_ids if uri.startswith("at://") and uri.count("/") == 4]
        return Existences(reading.existence(self._xrpc, uris), self._xrpc.budget)

    def metrics(self, external_id: str) -> Mapping[str, int]:
        """Likes, reposts, replies and quotes of a post now; raises Refused when it is gone."""
        view = reading.posts(self._xrpc, [external_id]).get(external_id)
        if view is None:
            raise Refused(say("The post is gone."))
        names = {
            "likes": "likeCount",
            "reposts": "repostCount",
            "replies": "replyCount",
            "quotes": "quoteCount",
        }
        return {name: int(view.get(key) or 0) for name, key in names.items()}
