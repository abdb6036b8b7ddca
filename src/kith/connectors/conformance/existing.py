"""What a connector says of messages that may be gone: never that one is, for no better reason than trouble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from kith.base import http
from kith.connectors.conformance.base import SuiteBase, applies, check, outcome, same, with_http
from kith.connectors.conformance.faults import FAULTS, Answer, Asked, Fault, always, serving
from kith.connectors.contract import Asks, ConnectorError, Existence, Existences

Kept = Mapping[str, tuple[Existence | None, str]]


class ExistenceConformance(SuiteBase):
    patience: ClassVar[float]

    def kept(self, address: str) -> Kept:
        """Messages that were received once from the network at `address`: by external id, what became of them (None: the network
        says nothing of it), and their page ("" for none). One at least is there, one is gone or missing, one is not known."""
        return {}

    def network(self, asked: Asked) -> Answer | Fault:
        """What the network of `kept` answers."""
        return "dropped"

    def _asked(self, address: str, *, inside: bool = False) -> tuple[Mapping[str, Existence], Kept]:
        kept = self.kept(address)
        setup = self.at_address(address, timeout=self.patience)
        made = self.make(with_http(setup, http.client) if inside else setup)
        urls = {key: url for key, (_said, url) in kept.items() if url}
        with self.no_secret_in_logs():
            said, error = outcome(lambda: made.existence(list(kept), urls=urls))
        if error is not None:
            self.is_named(error, (ConnectorError,), "existence")
            return {}, kept
        check(isinstance(said, Existences), f"existence gave {said!r}")
        found: Mapping[str, Existence] = said.found
        check(set(found) <= set(kept), f"existence speaks of what it was not asked: {sorted(found)}")
        return found, kept

    @applies(method="existence")
    def test_existence_is_told(self) -> None:
        asks: Asks = self.make().asks
        check(0 < asks.at_once <= asks.an_hour and asks.days >= 0, f"nobody can be asked by {asks!r}")
        with serving(self.network) as server:
            found, kept = self._asked(server.address)
        expected = {key: said for key, (said, _url) in kept.items() if said}
        check(
            "there" in expected.values() and {"gone", "missing"} & set(expected.values()),
            "give `kept` and `network`: a message that is there, and one that is not",
        )
        check(len(expected) < len(kept), "give a message in `kept` of which the network says nothing")
        same(dict(found), expected, "existence of what was kept")

    @applies(method="existence", http=True)
    def test_trouble_is_no_deletion(self) -> None:
        """The network is down, refuses us, wants to be left alone, or somebody else answers in its place."""
        for fault in FAULTS:
            with serving(always(fault, self.healthy())) as server:
                found, _kept = self._asked(server.address)
                check(server.asked, "existence asked nothing of the server; was the address used?")
            lost = {key for key, said in found.items() if said != "there"}
            same(lost, set(), f"messages were given up because of {fault!r}")
        with serving(always("dropped")) as server:
            address = server.address
        same(dict(self._asked(address)[0]), {}, "with nobody at the address")

    @applies(method="existence", http=True)
    def test_trouble_midway_is_no_deletion(self) -> None:
        """The same after the first, second, ... answer: what was said by then may count, and nothing else."""
        for fault in FAULTS:
            for healthy in range(1, 40):
                left = [healthy]

                def respond(asked: Asked, fault: Fault = fault, left: list[int] = left) -> Answer | Fault:
                    left[0] -= 1
                    return self.network(asked) if left[0] >= 0 else fault

                with serving(respond) as server:
                    found, kept = self._asked(server.address)
                wrong = {key: said for key, said in found.items() if said not in ("there", kept[key][0])}
                same(wrong, {}, f"after {healthy} answers, {fault!r} was taken for a deletion")
                if left[0] >= 0:
                    break

    @applies(method="existence", http=True)
    def test_existence_asks_nothing_inside_our_network(self) -> None:
        with serving(self.network) as server:
            found, _kept = self._asked(server.address, inside=True)
            same(server.asked, [], "something was asked of an address inside our own network")
        same(dict(found), {}, "existence of what could not be asked for")
