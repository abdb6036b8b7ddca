"""Any server that speaks Mastodon's API; README.md tells what differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote

from kith.connectors.contract import (
    Asks,
    Event,
    Existence,
    Existences,
    FoundSent,
    Outgoing,
    OwnIdentity,
    Page,
    Party,
    RawItem,
    Receipt,
    ReconnectNeeded,
    Refused,
    Setup,
)
from kith.connectors.manifest import Manifest, of
from kith.connectors.mastodon import oauth, stream
from kith.connectors.mastodon.api import Server
from kith.connectors.mastodon.find import find
from kith.connectors.mastodon.ids import actor, full_acct, id_of
from kith.connectors.mastodon.parse import Reader
from kith.connectors.mastodon.poll import Poller
from kith.connectors.mastodon.send import Sender


class Connector:
    manifest: ClassVar[Manifest] = of(__file__)
    asks: ClassVar[Asks] = Asks()

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._server = Server(setup)
        self._own = setup.own

    def check(self) -> OwnIdentity:
        """Logs in. `details` keep what later calls need: account_id, domain, max_characters, streaming."""
        try:
            account = self._server.get_object("/api/v1/accounts/verify_credentials")
        except Refused as error:
            if error.field:
                raise
            # snac2 answers 422 to a token that it does not know
            raise ReconnectNeeded(str(error), field="access_token") from None
        said = self._server.instance()
        domain = said.get("domain") or self._server.domain
        return OwnIdentity(
            external_id=actor(account, {}, domain),
            handle="@" + full_acct(account, domain),
            display_name=str(account.get("display_name") or account.get("username") or ""),
            details={**said, "account_id": id_of(account, "the account"), "domain": domain},
        )

    def _ours(self) -> OwnIdentity:
        if self._own is None or not self._own.details.get("account_id"):
            self._own = self.check()
        return self._own

    # --- logging in ---

    def register(self, *, redirect_uri: str) -> Mapping[str, str]:
        """Makes us known to the server: `client_id` and `client_secret`, to be committed before `authorize_url`."""
        return oauth.register(self._server, redirect_uri)

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        return oauth.authorize_url(self._server, self._setup.secrets, redirect_uri, state)

    def exchange(self, *, code: str, redirect_uri: str) -> Mapping[str, str]:
        return oauth.exchange(self._server, self._setup.secrets, code, redirect_uri)

    def refresh(self) -> Mapping[str, str]:
        return oauth.refresh(self._server, self._setup.secrets)

    # --- in ---

    def fetch(self, cursor: str, *, limit: int) -> Page:
        return self._poller().fetch(cursor, limit=limit)

    def stream(self, cursor: str) -> Iterator[RawItem]:
        own = self._ours()
        told = own.details.get("streaming", "")
        token = self._setup.secrets.get("access_token", "").strip()
        return stream.stream(
            self._setup,
            addresses=tuple(dict.fromkeys(one for one in (told, self._server.url("")) if one)),
            token=token,
            poller=self._poller(),
            cursor=cursor,
            acct=own.handle,
            domain=own.details.get("domain", ""),
        )

    def parse(self, item: RawItem) -> Sequence[Event]:
        return Reader(self._setup.own, self._server.domain).events(item)

    def _poller(self) -> Poller:
        own = self._ours()
        since = self._setup.history_since
        return Poller(self._server, account_id=own.details["account_id"], acct=own.handle, since=since)

    # --- out ---

    def send(self, outgoing: Outgoing) -> Receipt:
        return self._sender().send(outgoing)

    def find(self, handle: str) -> Party:
        return find(self._server, handle, own=self._own)

    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent:
        own = self._ours()
        return self._sender().find_sent(outgoing, account_id=own.details["account_id"], since=since)

    def edit(self, external_id: str, outgoing: Outgoing) -> Receipt:
        return self._sender().edit(external_id, outgoing)

    def delete(self, external_id: str) -> None:
        self._sender().delete(external_id)

    def existence(self, external_ids: Sequence[str], *, urls: Mapping[str, str] | None = None) -> Existences:
        """A server answers 404 for what is gone and for what it does not show us (any more); 410 is certain, 403 says nothing."""
        meanings: dict[int, Existence] = {404: "missing", 410: "gone"}
        found: dict[str, Existence] = {}
        for external_id in external_ids:
            path = f"/api/v1/statuses/{quote(external_id, safe='')}"
            status = self._server.answer("GET", path, passes=frozenset({403, 404, 410})).status_code
            if status != 403:
                found[external_id] = meanings.get(status, "there")
        return Existences(found, self._server.budget)

    def _sender(self) -> Sender:
        return Sender(self._server, self._own, self.manifest.limits)
