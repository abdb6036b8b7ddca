"""What the tests against real servers share."""

from __future__ import annotations

from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import Event, OwnIdentity, RawItem, Setup
from kith.connectors.mastodon.connector import Connector


def setup_for(address: str, token: str, own: OwnIdentity | None = None, **secrets: str) -> Setup:
    return Setup(
        settings={"server": address},
        secrets={"access_token": token, **secrets},
        http=loopback_http(timeout=20),
        guard=loopback_guard,
        own=own,
    )


class Channel:
    """A connected account that is polled, as the core does it: cursor kept, every item parsed once."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address, token
        self.own = Connector(setup_for(address, token)).check()
        self.cursor = ""
        self.items: dict[str, RawItem] = {}
        self.repeats: list[str] = []
        self.events: list[Event] = []

    @property
    def connector(self) -> Connector:
        return Connector(setup_for(self.address, self.token, self.own))

    def poll(self, limit: int = 3) -> list[Event]:
        """What is new."""
        found: list[Event] = []
        more = True
        while more:
            page = self.connector.fetch(self.cursor, limit=limit)
            assert len(page.items) <= limit
            for item in page.items:
                if item.external_id in self.items:
                    self.repeats.append(item.external_id)
                self.items[item.external_id] = item
                found += self.connector.parse(item)
            self.cursor, more = page.cursor, page.more
        self.events += found
        return found
