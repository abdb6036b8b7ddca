"""XRPC over the guarded client, with the session of an app password.

Creating sessions is limited to some hundreds a day, fewer than there are polls, so that one process keeps a session
for all connectors of one account (in memory, never on disk) and one thread at a time renews it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kith.connectors import answers
from kith.connectors.contract import BadPayload, Budget, ReconnectNeeded, Refused, Setup
from kith.connectors.words import say

DEFAULT_SERVICE = "https://bsky.social"
_EXPIRED = ("ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired")


_GONE = ("RecordNotFound", "RepoNotFound", "RepoTakendown", "RepoDeactivated", "AccountTakedown", "NotFound")


class XrpcRefused(Refused):
    """The service's own refusal; `name` is the error's name in its lexicon ("RecordNotFound")."""

    def __init__(self, message: str, *, name: str, field: str = "") -> None:
        super().__init__(message, field=field)
        self.name = name

    @property
    def means_gone(self) -> bool:
        """Whether what was asked for is not there (and not merely hidden, or asked for wrongly)."""
        return self.name in _GONE or "could not locate" in str(self).lower()


@dataclass(slots=True)
class Session:
    did: str
    handle: str
    access: str = field(repr=False)
    renewal: str = field(repr=False)


_sessions: dict[str, Session] = {}
_locks: dict[str, threading.Lock] = {}
_guard = threading.Lock()


class Xrpc:
    """Calls of one account; `budget` is what the last answer said is left of the rate limit."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._service = (setup.settings.get("service") or DEFAULT_SERVICE).strip().rstrip("/")
        self._handle = setup.settings.get("handle", "").strip().removeprefix("@")
        self.budget = Budget()
        secret = setup.secrets.get("app_password", "")
        key = f"{self._service}\0{self._handle}\0{secret}".encode()
        self._key = hashlib.sha256(key).hexdigest()

    # --- session

    def log_in(self) -> Session:
        """A new session by the app password; raises ReconnectNeeded when it does not hold."""
        body = {"identifier": self._handle, "password": self._setup.secrets.get("app_password", "")}
        status, said = self._ask("POST", "com.atproto.server.createSession", json=body)
        if status in (400, 401):
            raise ReconnectNeeded(
                say("The log-in was refused: {words}", words=_words(said)), field="app_password"
            )
        return self._keep(said)

    def renew(self, stale: str = "") -> Session:
        """Another access token than `stale`; by the renewal token if that still holds, else by the app password."""
        with _guard:
            lock = _locks.setdefault(self._key, threading.Lock())
        with lock:
            known = self._known()
            if known and stale and known.access != stale:
                return known  # another thread was quicker
            if known and known.renewal:
                headers = {"Authorization": f"Bearer {known.renewal}"}
                status, said = self._ask("POST", "com.atproto.server.refreshSession", headers=headers)
                if status == 200:
                    return self._keep(said)
            return self.log_in()

    def session(self) -> Session:
        return self._known() or self.renew()

    def _known(self) -> Session | None:
        if found := _sessions.get(self._key):
            return found
        secrets, own = self._setup.secrets, self._setup.own
        if own and secrets.get("access_jwt"):
            return Session(own.external_id, own.handle, secrets["access_jwt"], secrets.get("refresh_jwt", ""))
        return None

    def _keep(self, said: Mapping[str, Any]) -> Session:
        try:
            session = Session(said["did"], said["handle"], said["accessJwt"], said["refreshJwt"])
        except (KeyError, TypeError) as error:
            raise BadPayload(say("The service answered a log-in with something else.")) from error
        _sessions[self._key] = session
        return session

    # --- calls

    def get(self, nsid: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._call("GET", nsid, params=params)

    def post(
        self,
        nsid: str,
        body: Mapping[str, Any] | None = None,
        *,
        content: bytes | None = None,
        content_type: str = "",
        writes: bool = True,
    ) -> dict[str, Any]:
        """`writes`: somebody could see the effect, so that no answer means OutcomeUnknown."""
        headers = {"Content-Type": content_type} if content_type else {}
        return self._call("POST", nsid, json=body, content=content, headers=headers, writes=writes)

    def _call(
        self, method: str, nsid: str, *, headers: Mapping[str, str] | None = None, **rest: Any
    ) -> dict[str, Any]:
        session = self.session()
        for attempt in range(2):
            sent = {"Authorization": f"Bearer {session.access}", **(headers or {})}
            status, said = self._ask(method, nsid, headers=sent, **rest)
            name = str(said.get("error") or "")
            if status == 401 or (status == 400 and name in _EXPIRED):
                if attempt == 0:
                    session = self.renew(session.access)
                    continue
                raise ReconnectNeeded(
                    say("The session was refused: {words}", words=_words(said)), field="app_password"
                )
            if status >= 400:
                raise XrpcRefused(
                    say("{service} refuses: {words}", service=self._service, words=_words(said)), name=name
                )
            return said
        raise ReconnectNeeded(say("The session was refused twice."), field="app_password")

    def _ask(
        self, method: str, nsid: str, *, writes: bool = False, **request: Any
    ) -> tuple[int, dict[str, Any]]:
        request = {key: value for key, value in request.items() if value is not None}
        with self._setup.http() as client:
            response = answers.ask(
                client,
                method,
                f"{self._service}/xrpc/{nsid}",
                writes=writes,
                address_field="service",
                credential_field="app_password",
                passes=frozenset((400, 401)),
                **request,
            )
        self.budget = answers.budget(response.headers)
        if response.status_code != 200:
            try:
                said = answers.json_of(response)
            except BadPayload:
                said = {}
        else:
            said = answers.json_of(response, writes=writes) if response.content else {}
        if not isinstance(said, dict):
            raise BadPayload(
                say("{nsid} was answered with a {problem}.", nsid=nsid, problem=type(said).__name__)
            )
        return response.status_code, said


def _words(said: Mapping[str, Any]) -> str:
    return (
        answers.clean(said.get("message"), 200) or answers.clean(said.get("error"), 200) or "no reason given"
    )
