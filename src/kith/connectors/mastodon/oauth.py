"""Logging in at the server (OAuth 2, authorization code)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from kith.connectors import answers
from kith.connectors.answers import clean
from kith.connectors.contract import BadPayload, ReconnectNeeded
from kith.connectors.mastodon.api import Server
from kith.connectors.words import say

SCOPES = "read write:statuses write:media"
NAME = "Kith"


def register(server: Server, redirect_uri: str) -> dict[str, str]:
    """Raises the named errors; asked again it makes another application, which does no harm."""
    fields = {"client_name": NAME, "redirect_uris": redirect_uri, "scopes": SCOPES}
    found = _object(server.answer("POST", "/api/v1/apps", token=False, data=fields))
    return {"client_id": _said(found, "client_id"), "client_secret": _said(found, "client_secret")}


def authorize_url(server: Server, secrets: Mapping[str, str], redirect_uri: str, state: str) -> str:
    if not secrets.get("client_id"):
        raise ReconnectNeeded(say("The server does not know us yet; register first."), field="client_id")
    query = {
        "response_type": "code",
        "client_id": secrets["client_id"],
        "redirect_uri": redirect_uri,
        "scope": SCOPES,
        "state": state,
    }
    return server.url("/oauth/authorize?" + urlencode(query))


def exchange(server: Server, secrets: Mapping[str, str], code: str, redirect_uri: str) -> dict[str, str]:
    """A code is good once: whatever goes wrong here, the person logs in again."""
    return _token(
        server,
        secrets,
        {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "scope": SCOPES},
    )


def refresh(server: Server, secrets: Mapping[str, str]) -> dict[str, str]:
    """Most servers' tokens never end, so one that does not work was withdrawn."""
    known = secrets.get("refresh_token", "")
    if not known:
        raise ReconnectNeeded(say("The access token was withdrawn; log in again."), field="access_token")
    return _token(server, secrets, {"grant_type": "refresh_token", "refresh_token": known})


def _token(server: Server, secrets: Mapping[str, str], fields: dict[str, str]) -> dict[str, str]:
    client = {"client_id": secrets.get("client_id", ""), "client_secret": secrets.get("client_secret", "")}
    refused = frozenset({400, 401, 403, 422})
    answer = server.answer("POST", "/oauth/token", token=False, passes=refused, data={**fields, **client})
    if answer.status_code in refused:
        raise ReconnectNeeded(
            say("The server refused the log-in ({status_code}).", status_code=answer.status_code),
            field="access_token",
        )
    found = _object(answer)
    tokens = {"access_token": _said(found, "access_token")}
    if clean(found.get("refresh_token")):
        tokens["refresh_token"] = clean(found["refresh_token"], 5000)
    return tokens


def _object(answer: Any) -> dict[str, Any]:
    found = answers.json_of(answer)
    if not isinstance(found, dict):
        raise BadPayload(say("The log-in was answered with something that is no object."))
    return found


def _said(found: Mapping[str, Any], name: str) -> str:
    text = clean(found.get(name), 5000)
    if not text:
        raise BadPayload(say("The log-in was answered without {name}.", name=name))
    return text
