"""Who goes by a handle: asked of our server, which asks the other one where it does not know them yet."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from kith.connectors.contract import BadPayload, OwnIdentity, Party, Refused
from kith.connectors.mastodon.api import Server
from kith.connectors.mastodon.ids import full_acct, party
from kith.connectors.words import say


def find(server: Server, handle: str, *, own: OwnIdentity | None) -> Party:
    """`handle` as `@ada@example.social`, or `@ada` for somebody on our own server; raises Refused for nobody.

    A search also finds names that only look alike, so that nobody counts whose handle is not the very one.
    """
    name = handle.strip().lstrip("@")
    if name.lower().endswith(f"@{server.domain}"):
        name = name.partition("@")[0]
    wanted = (name if "@" in name else f"{name}@{server.domain}").lower()
    for account in _asked(server, name):
        if isinstance(account, dict) and full_acct(account, server.domain).lower() == wanted:
            try:
                return party(account, role="to", domain=server.domain, own=own)
            except BadPayload:
                continue
    raise Refused(say("Nobody goes by {handle}.", handle=f"@{wanted}"), field="to")


def _asked(server: Server, name: str) -> Iterator[object]:
    """Those whom our server knows by that name; then, if need be, those whom it finds elsewhere."""
    yield server.exists(f"/api/v1/accounts/lookup?{urlencode({'acct': name})}")
    found = server.get(
        "/api/v2/search", {"q": f"@{name}", "type": "accounts", "resolve": "true", "limit": "10"}
    )
    accounts = found.get("accounts") if isinstance(found, dict) else None
    yield from accounts if isinstance(accounts, list) else []
