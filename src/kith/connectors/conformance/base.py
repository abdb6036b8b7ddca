"""What the tests of the suite share: making setups, skipping, and comparing."""

from __future__ import annotations

import inspect
import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import httpx

from kith.base import http
from kith.connectors.contract import Connector, ConnectorError, HttpFactory, Outgoing, OwnIdentity, Setup
from kith.connectors.manifest import Manifest

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def loopback_http(*, timeout: float = 10.0) -> HttpFactory:
    """The guarded client, allowed to reach loopback, and quick to give up."""

    def factory(*, headers: dict[str, str] | None = None, follow_redirects: bool = False) -> httpx.Client:
        client = http.client(allowed=LOOPBACK, headers=headers, follow_redirects=follow_redirects)
        client.timeout = httpx.Timeout(timeout)
        return client

    return factory


def loopback_guard(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


Test = TypeVar("Test", bound=Callable[..., None])


class Crash(Exception):
    """The process died here (in a test)."""


def crashing_http(inner: HttpFactory, *, at: int) -> HttpFactory:
    """As `inner`, but request number `at` (from 1, over all clients) kills the caller."""
    seen = 0

    def hook(request: httpx.Request) -> None:
        nonlocal seen
        seen += 1
        if seen == at:
            raise Crash(f"request {at}")

    def factory(*, headers: dict[str, str] | None = None, follow_redirects: bool = False) -> httpx.Client:
        client = inner(headers=headers, follow_redirects=follow_redirects)
        client.event_hooks = {"request": [hook], "response": []}
        return client

    return factory


def check(truth: object, message: str) -> None:
    if not truth:
        raise AssertionError(message)


def same(found: Any, expected: Any, message: str) -> None:
    if found != expected:
        raise AssertionError(f"{message}\n   found: {found!r}\nexpected: {expected!r}")


def raised(call: Callable[[], Any]) -> BaseException | None:
    """What a call raised, or None."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  (the suite judges every kind of error)
        return error
    return None


def outcome(call: Callable[..., Any], *args: Any, **rest: Any) -> tuple[Any, BaseException | None]:
    """What a call returned, or raised."""
    try:
        return call(*args, **rest), None
    except Exception as error:  # noqa: BLE001  (the suite judges every kind of error)
        return None, error


def applies(
    *capabilities: str, http: bool = False, unless: str = "", method: str = ""
) -> Callable[[Test], Test]:
    """A test that only makes sense with these capabilities, this method, over HTTP, or unless the class gives a reason in
    `unless`."""

    def mark(test: Test) -> Test:
        test.__dict__["applies"] = (capabilities, http, unless, method)
        return test

    return mark


class SuiteBase:
    connector: ClassVar[type[Connector]]
    settings: ClassVar[Mapping[str, str]] = {}
    secrets: ClassVar[Mapping[str, str]] = {}
    own: ClassVar[OwnIdentity | None] = None
    outgoing: ClassVar[Outgoing | None] = None
    #: why the connector never makes an HTTP request, if it never does
    no_http: ClassVar[str] = ""
    #: the tests that don't apply, each with its reason; they are not collected
    not_applicable: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        if "connector" not in cls.__dict__:
            return
        cls.not_applicable = dict(cls.not_applicable)
        for name in dir(cls):
            capabilities, over_http, unless, method = getattr(
                getattr(cls, name), "applies", ((), False, "", "")
            )
            missing = [item for item in capabilities if item not in cls.connector.manifest.capabilities]
            reason = f"{cls.connector.manifest.name} does not claim {', '.join(missing)}" if missing else ""
            if method and not hasattr(cls.connector, method):
                reason = f"{cls.connector.manifest.name} has no `{method}`"
            reason = reason or (cls.no_http if over_http else "") or (getattr(cls, unless) if unless else "")
            if reason:
                cls.not_applicable[name] = reason
                setattr(cls, name, None)

    @property
    def manifest(self) -> Manifest:
        return self.connector.manifest

    @property
    def folder(self) -> Path:
        return Path(inspect.getfile(self.connector)).resolve().parent

    def setup(self, *, http: HttpFactory | None = None, settings: Mapping[str, str] | None = None) -> Setup:
        """The setup that the tests use: the class's values, with a way out that reaches loopback only."""
        return Setup(
            settings={**self.defaults(), **self.settings, **(settings or {})},
            secrets=dict(self.secrets),
            http=http or loopback_http(),
            guard=loopback_guard,
            own=self.own,
        )

    def defaults(self) -> dict[str, str]:
        return {item.name: item.default for item in self.manifest.fields if not item.secret}

    def at_address(self, address: str, *, timeout: float = 10.0) -> Setup:
        """The setup for a server at `address`: put into every setting of kind "url"; override it where that is wrong."""
        urls = {item.name: address for item in self.manifest.fields if item.kind == "url" and not item.secret}
        return self.setup(http=loopback_http(timeout=timeout), settings=urls)

    def healthy(self) -> Mapping[str, Any]:
        """Paths that a misbehaving server answers well all the same (log-in, instance), with their JSON."""
        return {}

    def make(self, setup: Setup | None = None) -> Any:
        # Any: a connector has the methods that its manifest claims, and the suite asks before it calls them
        return self.connector(setup or self.setup())

    def has(self, capability: str) -> bool:
        return capability in self.manifest.capabilities

    @contextmanager
    def no_secret_in_logs(self) -> Iterator[list[str]]:
        """Collects everything logged in the body; after it, none of the secrets may be there."""
        lines: list[str] = []

        class Keep(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(record.getMessage() + (str(record.exc_info[1]) if record.exc_info else ""))

        root, handler = logging.getLogger(), Keep(level=logging.DEBUG)
        before = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            yield lines
        finally:
            root.removeHandler(handler)
            root.setLevel(before)
        for line in lines:
            self.holds_no_secret(line, "a log line")

    def holds_no_secret(self, text: str, where: str) -> None:
        for name, value in self.secrets.items():
            if len(value) >= 6:
                check(value not in text, f"the secret {name!r} stands in {where}: {text[:300]}")

    def is_named(
        self, error: BaseException | None, kinds: tuple[type[ConnectorError], ...], what: str
    ) -> None:
        if not kinds:
            if error is not None:
                raise AssertionError(f"{what}: expected no error, got {error!r}") from error
            return
        names = " or ".join(kind.__name__ for kind in kinds)
        if not isinstance(error, kinds):
            raise AssertionError(f"{what}: expected {names}, got {error!r}") from error
        self.holds_no_secret(f"{error!r} {error}", f"the error of {what}")


def with_http(setup: Setup, factory: HttpFactory) -> Setup:
    return replace(setup, http=factory)
