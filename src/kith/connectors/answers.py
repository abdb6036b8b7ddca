"""HTTP for connectors: one request, and a named error for everything that may go wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from kith.base import clock, http
from kith.connectors.contract import (
    BadPayload,
    Budget,
    ConnectorError,
    OutcomeUnknown,
    ReconnectNeeded,
    Refused,
    RetryLater,
)
from kith.connectors.words import say

MAX_BODY = 8 * 1024 * 1024
LONGEST_WAIT = 6 * 3600.0


def ask(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    writes: bool = False,
    address_field: str = "",
    credential_field: str = "",
    passes: frozenset[int] = frozenset(),
    limit: int = MAX_BODY,
    **request: Any,
) -> httpx.Response:
    """Ask once and read the whole answer (at most `limit` bytes). Statuses in `passes` are returned as they are.

    `writes` says that the request changes something over there: once it has left, no answer means OutcomeUnknown.
    Raises Refused, ReconnectNeeded, RetryLater and OutcomeUnknown; none of them holds the address's query.
    """
    try:
        with client.stream(method, url, **request) as response:
            response._content = http.read_capped(response, limit)
    except http.AddressRefused as error:
        raise Refused(str(error), field=address_field) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise RetryLater(
            say(
                "{host} could not be reached ({error}).", host=_host(url), error=error or type(error).__name__
            )
        ) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
        raise Refused(
            say("{host} is no address that can be asked.", host=_host(url)), field=address_field
        ) from None
    except (httpx.HTTPError, httpx.StreamError) as error:
        reason = say("{host} did not answer ({problem}).", host=_host(url), problem=type(error).__name__)
        if writes:
            raise OutcomeUnknown(reason) from None
        raise RetryLater(reason) from None
    if response.is_success or response.status_code in passes:
        return response
    raise error_of(response, writes=writes, credential_field=credential_field, address_field=address_field)


def error_of(
    response: httpx.Response, *, writes: bool = False, credential_field: str = "", address_field: str = ""
) -> ConnectorError:
    """The named error for an answer that is no success."""
    status, said = (
        response.status_code,
        say("{host} answered {words}", host=response.request.url.host, words=_said(response)),
    )
    if status == 429:
        return RetryLater(said, after=retry_after(response.headers))
    if status == 401:
        return ReconnectNeeded(said, field=credential_field)
    if status == 403 and not writes:
        return ReconnectNeeded(said, field=credential_field)
    if status >= 500 or status in (408, 425):
        return OutcomeUnknown(said) if writes else RetryLater(said, after=retry_after(response.headers))
    if 300 <= status < 400:
        return Refused(
            say(
                "{host} answered {words}: the address has moved",
                host=response.request.url.host,
                words=_said(response),
            ),
            field=address_field,
        )
    return Refused(said)


def retry_after(headers: Mapping[str, str], default: float = 60.0) -> float:
    """Seconds until the server wants to be asked again: Retry-After (seconds or a date), or X-RateLimit-Reset."""
    said = headers.get("retry-after", "").strip()
    if said:
        try:
            seconds = float(said)
        except ValueError:
            seconds = _until(said, default)
        if not 0 <= seconds < float("inf"):
            return default
        return min(seconds, LONGEST_WAIT)
    resets = resets_at(headers)
    return min(max((resets - clock.now()).total_seconds(), 1.0), LONGEST_WAIT) if resets else default


def _until(date: str, default: float) -> float:
    try:
        at = parsedate_to_datetime(date)
    except (TypeError, ValueError, OverflowError):
        return default
    return max((at.replace(tzinfo=at.tzinfo or UTC) - clock.now()).total_seconds(), 0.0)


def resets_at(headers: Mapping[str, str]) -> datetime | None:
    said = headers.get("x-ratelimit-reset", "") or headers.get("ratelimit-reset", "")
    try:
        return (
            datetime.fromtimestamp(float(said), UTC) if said.replace(".", "", 1).isdigit() else moment(said)
        )
    except (ValueError, OverflowError, OSError):
        return None


def budget(headers: Mapping[str, str]) -> Budget:
    """What the rate limit's headers say is left."""
    left = headers.get("x-ratelimit-remaining", "") or headers.get("ratelimit-remaining", "")
    return Budget(remaining=int(left) if left.isdigit() else None, resets_at=resets_at(headers))


def json_of(response: httpx.Response, *, writes: bool = False) -> Any:
    """The JSON of an answer; raises BadPayload, or OutcomeUnknown where something was to be written."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        kind = response.headers.get("content-type", "something unnamed").split(";")[0]
        reason = say("{host} answered with {kind} that is no JSON", host=response.request.url.host, kind=kind)
        raise (OutcomeUnknown(reason) if writes else BadPayload(reason)) from None


def payload(body: bytes) -> dict[str, Any]:
    """The JSON object of an item's bytes; raises BadPayload."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadPayload(say("not JSON: {problem}", problem=type(error).__name__)) from None
    if not isinstance(found, dict):
        raise BadPayload(say("JSON, but {problem} where an object belongs", problem=type(found).__name__))
    return found


def moment(text: object) -> datetime:
    """An aware time from ISO 8601 (without a zone: UTC), in UTC; raises ValueError."""
    if not isinstance(text, str) or not text:
        raise ValueError("no time")
    at = datetime.fromisoformat(text)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time outside the calendar") from error


def clean(text: object, limit: int = 0) -> str:
    """Text that every later part can hold: no NUL, no lone surrogates; cut to `limit` characters (0: whole)."""
    if not isinstance(text, str):
        return ""
    found = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return found[:limit] if limit else found


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host or "The address"
    except (httpx.InvalidURL, TypeError, ValueError):
        return "The address"


def _said(response: httpx.Response) -> str:
    """Status and, where a JSON error says more, its words (short: some servers answer with pages)."""
    words = ""
    try:
        found = json.loads(response.content)
        if isinstance(found, dict):
            value = found.get("error_description") or found.get("message") or found.get("error")
            words = clean(value, 200)
    except (ValueError, RecursionError, httpx.ResponseNotRead):
        pass
    return f"{response.status_code}" + (f": {words}" if words else "")
