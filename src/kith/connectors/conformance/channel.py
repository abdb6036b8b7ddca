"""How a connector behaves: against a server that fails, after a crash, with a text too long, with a forged webhook."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from kith.base import clock
from kith.connectors.conformance.base import (
    Crash,
    SuiteBase,
    applies,
    check,
    crashing_http,
    outcome,
    raised,
    same,
    with_http,
)
from kith.connectors.conformance.faults import FAULTS, RETRY_AFTER, Fault, always, serving
from kith.connectors.contract import (
    BadPayload,
    ConnectorError,
    Forged,
    OutcomeUnknown,
    Page,
    ReconnectNeeded,
    Refused,
    RetryLater,
    Setup,
    WebhookRequest,
)

Errors = Mapping[Fault, tuple[type[ConnectorError], ...]]

READING: Errors = {
    "timeout": (RetryLater,),
    "dropped": (RetryLater,),
    "unauthorized": (ReconnectNeeded,),
    "rate_limited": (RetryLater,),
    "server_error": (RetryLater,),
    "html": (BadPayload, RetryLater),
    "truncated": (BadPayload, RetryLater),
}
#: once a request that writes has left, an answer that says nothing means that nobody knows
WRITING: Errors = {
    "timeout": (OutcomeUnknown,),
    "dropped": (OutcomeUnknown,),
    "unauthorized": (ReconnectNeeded,),
    "rate_limited": (RetryLater,),
    "server_error": (OutcomeUnknown,),
    "html": (OutcomeUnknown,),
    "truncated": (OutcomeUnknown,),
}
BACKLOG = 7


class ChannelConformance(SuiteBase):
    #: seconds that the connector is given before a silent server counts as a timeout
    patience: ClassVar[float] = 0.4
    #: why `check` has nothing to reach, if it has not
    check_is_local: ClassVar[str] = ""
    #: why a webhook carries no time that could be checked, if it carries none
    no_replay_window: ClassVar[str] = ""
    #: a page size for the resume tests
    page_size: ClassVar[int] = 2
    reading: ClassVar[Errors] = READING
    writing: ClassVar[Errors] = WRITING

    def backlog(self, count: int) -> AbstractContextManager[Setup] | None:
        """A fake server that has `count` items waiting, as the setup to reach it. None: the connector does not poll."""
        return None

    def signed_request(self, now: datetime) -> WebhookRequest | None:
        """A webhook that the network would send at `now`, well signed with the class's secrets."""
        return None

    # --- servers that fail ---

    def _against_faults(self, call: Callable[[Any], Any], errors: Errors, what: str) -> None:
        for fault in FAULTS:
            with serving(always(fault, self.healthy())) as server, self.no_secret_in_logs():
                made = self.make(self.at_address(server.address, timeout=self.patience))
                _, error = outcome(call, made)
                check(server.asked, f"{what} asked nothing of the server; was the address used?")
            self.is_named(error, errors[fault], f"{what} against {fault!r}")
            if fault == "rate_limited":
                same(
                    getattr(error, "after", None), float(RETRY_AFTER), f"{what}: Retry-After was not honoured"
                )

    @applies(http=True, unless="check_is_local")
    def test_check_names_errors(self) -> None:
        self._against_faults(lambda made: made.check(), self.reading, "check")

    @applies("polls", http=True)
    def test_fetch_names_errors(self) -> None:
        self._against_faults(lambda made: made.fetch("", limit=5), self.reading, "fetch")

    @applies("sends", http=True)
    def test_send_names_errors(self) -> None:
        check(self.outgoing, "give `outgoing`, a message to send")
        self._against_faults(lambda made: made.send(self.outgoing), self.writing, "send")

    @applies("sends", http=True)
    def test_find_sent_is_honest_when_the_server_fails(self) -> None:
        for fault in FAULTS:
            with serving(always(fault, self.healthy())) as server:
                made = self.make(self.at_address(server.address, timeout=self.patience))
                since = clock.now() - timedelta(hours=1)
                found, error = outcome(made.find_sent, self.outgoing, since=since)
            if error is not None:
                self.is_named(error, (RetryLater, ReconnectNeeded), f"find_sent against {fault!r}")
            else:
                same(found.state, "unknown", f"find_sent against {fault!r} pretends to know")

    @applies(http=True)
    def test_nobody_there(self) -> None:
        """A closed port: nothing was done, so even sending may be tried again."""
        with serving(always("dropped")) as server:
            address = server.address
        made = self.make(self.at_address(address, timeout=self.patience))
        calls: dict[str, Callable[[], Any]] = {}
        if self.has("polls"):
            calls["fetch"] = lambda: made.fetch("", limit=5)
        if self.has("sends"):
            calls["send"] = lambda: made.send(self.outgoing)
        if not self.check_is_local:
            calls["check"] = made.check
        for what, call in calls.items():
            self.is_named(raised(call), (RetryLater,), f"{what} with nobody at the address")

    @applies(http=True)
    def test_addresses_of_our_own_network_are_refused(self) -> None:
        """The guard's refusal is final and named, whoever the connector asks."""
        from kith.base import http

        with serving(always("html")) as server:
            made = self.make(with_http(self.at_address(server.address), http.client))
            calls = {"check": made.check} if not self.check_is_local else {}
            if self.has("polls"):
                calls["fetch"] = lambda: made.fetch("", limit=5)
            if self.has("sends"):
                calls["send"] = lambda: made.send(self.outgoing)
            for what, call in calls.items():
                self.is_named(raised(call), (Refused,), f"{what} to an address inside")
            same(server.asked, [], "something was sent to an address inside our own network")

    # --- secrets ---

    def test_no_secret_in_a_repr(self) -> None:
        check(
            self.secrets or not any(item.secret and item.required for item in self.manifest.fields),
            "give `secrets`: the manifest asks for some",
        )
        setup = self.setup()
        made = self.make(setup)
        for what in (setup, made, vars(made) if hasattr(made, "__dict__") else ""):
            self.holds_no_secret(repr(what), "a repr")

    # --- crashes ---

    def _drain(self, setup: Setup, cursor: str, known: list[str]) -> str:
        for _ in range(BACKLOG * 20):
            page: Page = self.make(setup).fetch(cursor, limit=self.page_size)
            check(isinstance(page.cursor, str), "a cursor is text")
            check(
                len(page.items) <= self.page_size, f"a page of {len(page.items)} for limit={self.page_size}"
            )
            known.extend(item.external_id for item in page.items)
            cursor = page.cursor
            if not page.more:
                return cursor
        raise AssertionError("fetch never came to an end: `more` stays true")

    @applies("polls")
    def test_fetching_twice_repeats_nothing(self) -> None:
        with self._some_backlog() as setup:
            known: list[str] = []
            cursor = self._drain(setup, "", known)
            same(len(known), len(set(known)), f"items came twice: {known}")
            same(len(known), BACKLOG, f"not all came: {known}")
            again: list[str] = []
            self._drain(setup, cursor, again)
            same(again, [], "items came again after the cursor")

    @applies("polls")
    def test_a_crash_between_pages_loses_and_repeats_nothing(self) -> None:
        """A page was handed over, and the process died before its cursor was kept: the same page comes again."""
        with self._some_backlog() as setup:
            everything: list[str] = []
            self._drain(setup, "", everything)
            for crash_after in itertools.count():
                kept: list[str] = []
                cursor, more = "", True
                for _ in range(crash_after):
                    if not more:
                        break
                    page = self.make(setup).fetch(cursor, limit=self.page_size)
                    kept.extend(item.external_id for item in page.items)
                    cursor, more = page.cursor, page.more
                if not more:
                    return
                lost = self.make(setup).fetch(cursor, limit=self.page_size)
                self._drain(setup, cursor, kept)
                same(sorted(kept), sorted(everything), f"crash after page {crash_after}: lost or repeated")
                check(
                    {item.external_id for item in lost.items} <= set(kept), "an item of the lost page is gone"
                )

    @applies("polls", http=True)
    def test_a_crash_in_the_middle_of_fetch_loses_and_repeats_nothing(self) -> None:
        """The process dies at its n-th request, for every n."""
        with self._some_backlog() as setup:
            everything: list[str] = []
            self._drain(setup, "", everything)
            for at in range(1, 200):
                dying = with_http(setup, crashing_http(setup.http, at=at))
                kept: list[str] = []
                cursor, more, crashed = "", True, False
                while more:
                    try:
                        page = self.make(dying).fetch(cursor, limit=self.page_size)
                    except Crash:
                        crashed = True
                        break
                    kept.extend(item.external_id for item in page.items)
                    cursor, more = page.cursor, page.more
                self._drain(setup, cursor, kept)
                same(sorted(kept), sorted(everything), f"crash at request {at}: lost or repeated")
                if not crashed:
                    return
        raise AssertionError("more than 200 requests for a handful of items")

    def _some_backlog(self) -> AbstractContextManager[Setup]:
        found = self.backlog(BACKLOG)
        if found is None:
            raise AssertionError("the manifest claims 'polls': give `backlog`, a fake server with items")
        return found

    # --- going out ---

    @applies("sends")
    def test_text_over_the_limit_is_refused(self) -> None:
        limit = self.manifest.limits.text_length
        if limit is None:
            return
        check(self.outgoing, "give `outgoing`, a message to send")
        long = replace(self.outgoing, text="x" * (limit + 1)) if self.outgoing else None
        if self.no_http:
            self.is_named(raised(lambda: self.make().send(long)), (Refused,), "send over the limit")
            return
        with serving(always("html", self.healthy())) as server:
            made = self.make(self.at_address(server.address, timeout=self.patience))
            self.is_named(raised(lambda: made.send(long)), (Refused,), "send over the limit")
            body = [asked for asked in server.asked if b"xxxxxxxx" in asked.body]
            same(body, [], "a text over the limit left the house")

    # --- webhooks ---

    @applies("webhooks")
    def test_webhooks_that_are_signed_pass(self) -> None:
        request = self._signed()
        made = self.make()
        made.verify(request, now=clock.now())
        check(made.items(request), "a signed request holds no items")
        same(
            [item.external_id for item in made.items(request)],
            [item.external_id for item in made.items(request)],
            "a webhook that comes twice has other ids",
        )

    @applies("webhooks")
    def test_webhooks_that_were_changed_are_forged(self) -> None:
        request = self._signed()
        made, now = self.make(), clock.now()
        self._is_forged(made, replace(request, body=request.body + b" "), now, "bytes added")
        self._is_forged(made, replace(request, body=b"\xff" + request.body[1:]), now, "bytes changed")
        self._is_forged(made, replace(request, headers={}), now, "no headers")
        for name, value in request.headers.items():
            if name.startswith(("content-", "host", "user-agent", "accept")):
                continue
            self._is_forged(
                made, replace(request, headers={**request.headers, name: ""}), now, f"{name} empty"
            )
            other = {**request.headers, name: "x" + value[1:]}
            self._is_forged(made, replace(request, headers=other), now, f"{name} changed")
        stranger = dict.fromkeys(self.secrets, "d2hzZWNfYW5vdGhlci1zZWNyZXQtYWx0b2dldGhlcg==")
        other_house = self.make(replace(self.setup(), secrets=stranger))
        self._is_forged(other_house, request, now, "another secret")

    @applies("webhooks", unless="no_replay_window")
    def test_webhooks_that_are_old_are_forged(self) -> None:
        request = self._signed()
        self._is_forged(self.make(), request, clock.now() + timedelta(hours=2), "two hours late")
        self._is_forged(self.make(), request, clock.now() - timedelta(hours=2), "two hours early")

    def _signed(self) -> WebhookRequest:
        request = self.signed_request(clock.now())
        if request is None:
            raise AssertionError("the manifest claims 'webhooks': give `signed_request`")
        return request

    def _is_forged(self, made: Any, request: WebhookRequest, now: datetime, what: str) -> None:
        self.is_named(raised(lambda: made.verify(request, now=now)), (Forged,), f"a webhook with {what}")
