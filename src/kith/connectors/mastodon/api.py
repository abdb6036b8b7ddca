"""One server of the network: its addresses, our token, and named errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from kith.connectors import answers
from kith.connectors.contract import (
    BadPayload,
    Budget,
    ConnectorError,
    OutcomeUnknown,
    ReconnectNeeded,
    Refused,
    Setup,
)
from kith.connectors.mastodon.ids import host_of
from kith.connectors.words import say


class Server:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self.budget = Budget()
        said = setup.settings.get("server", "").strip().rstrip("/")
        if said and "://" not in said:
            said = f"https://{said}"
        self.address = said
        own = setup.own
        self.domain = (own.details.get("domain", "") if own else "") or host_of(said)

    def __repr__(self) -> str:
        return f"Server({self.address!r})"

    @contextmanager
    def _client(self, *, token: bool = True) -> Iterator[httpx.Client]:
        # snac2 drops connections that are kept alive, and a dropped POST is an unknown outcome
        headers = {"Connection": "close", "Accept": "application/json"}
        if token:
            secret = self._setup.secrets.get("access_token", "").strip()
            if not secret:
                raise ReconnectNeeded(
                    say("There is no access token; connect the account."), field="access_token"
                )
            if not (secret.isascii() and secret.isprintable()):
                raise ReconnectNeeded(
                    say("The access token holds characters that no token has."), field="access_token"
                )
            headers["Authorization"] = f"Bearer {secret}"
        with self._setup.http(headers=headers) as client:
            yield client

    def url(self, path: str) -> str:
        if not self.address.startswith(("https://", "http://")):
            raise Refused(say("The address of the server is missing or no address."), field="server")
        return self.address + path

    def answer(
        self,
        method: str,
        path: str,
        *,
        writes: bool = False,
        token: bool = True,
        passes: frozenset[int] = frozenset(),
        **request: Any,
    ) -> httpx.Response:
        with self._client(token=token) as client:
            found = answers.ask(
                client,
                method,
                self.url(path),
                writes=writes,
                passes=passes,
                address_field="server",
                credential_field="access_token",
                **request,
            )
        left = answers.budget(found.headers)
        if left.remaining is not None:
            self.budget = left
        return found

    def get(self, path: str, params: Mapping[str, str] | None = None, *, token: bool = True) -> Any:
        return answers.json_of(self.answer("GET", path, params=dict(params or {}), token=token))

    def get_list(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """A list of objects; raises BadPayload for anything else."""
        found = self.get(path, params)
        if not isinstance(found, list):
            raise BadPayload(say("{path} answered with no list", path=path))
        return [one for one in found if isinstance(one, dict)]

    def get_object(self, path: str, *, token: bool = True) -> dict[str, Any]:
        found = self.get(path, token=token)
        if not isinstance(found, dict):
            raise BadPayload(say("{path} answered with no object", path=path))
        return found

    def write(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> dict[str, Any]:
        """A request that changes something; no answer, or one that says nothing, raises OutcomeUnknown."""
        answer = self.answer(method, path, writes=True, headers=dict(headers or {}), **request)
        found = answers.json_of(answer, writes=True)
        if not isinstance(found, dict):
            raise OutcomeUnknown(say("{path} answered with no object", path=path))
        return found

    def exists(self, path: str) -> dict[str, Any] | None:
        """The object, or None where the server says that it is gone."""
        answer = self.answer("GET", path, passes=frozenset({404, 410}))
        if answer.status_code in (404, 410):
            return None
        found = answers.json_of(answer)
        if not isinstance(found, dict):
            raise BadPayload(say("{path} answered with no object", path=path))
        return found

    def instance(self) -> dict[str, str]:
        """`domain`, `max_characters`, `streaming` and `version`, as far as the server says; never fails."""
        for path in ("/api/v2/instance", "/api/v1/instance"):
            try:
                found = self.get_object(path)
            except ConnectorError:
                continue
            return _instance(found)
        return {}


def _instance(found: dict[str, Any]) -> dict[str, str]:
    said: dict[str, str] = {}
    domain = answers.clean(found.get("domain") or found.get("uri"), 300).strip().lower()
    if domain:
        said["domain"] = host_of(domain) if "://" in domain else domain
    configuration = _part(found, "configuration")
    most = _part(configuration, "statuses").get("max_characters") or found.get("max_toot_chars")
    if isinstance(most, int) and not isinstance(most, bool) and 0 < most < 10**9:
        said["max_characters"] = str(most)
    streaming = _part(configuration, "urls").get("streaming") or _part(found, "urls").get("streaming_api")
    text = answers.clean(streaming, 500)
    if text.startswith(("wss://", "ws://", "https://", "http://")):
        said["streaming"] = "http" + text.removeprefix("http").removeprefix("ws").rstrip("/")
    said["version"] = answers.clean(found.get("version"), 100)
    return said


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}
