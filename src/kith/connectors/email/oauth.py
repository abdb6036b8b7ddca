"""OAuth 2 for mailboxes: the consent page, the exchange of its code, and new access tokens."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from kith.connectors.contract import BadPayload, ReconnectNeeded, Refused, RetryLater, Setup
from kith.connectors.words import say

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Provider:
    authorize: str
    token: str
    scope: str
    more: tuple[tuple[str, str], ...] = ()


_PROVIDERS = {
    "google": Provider(
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        "https://mail.google.com/",
        (("access_type", "offline"), ("prompt", "consent")),
    ),
    "microsoft": Provider(
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "offline_access https://outlook.office.com/IMAP.AccessAsUser.All"
        " https://outlook.office.com/POP.AccessAsUser.All https://outlook.office.com/SMTP.Send",
        (("response_mode", "query"), ("prompt", "select_account")),
    ),
}


def _provider(setup: Setup) -> Provider:
    name = setup.settings.get("provider", "").strip().lower() or "google"
    if name in _PROVIDERS:
        return _PROVIDERS[name]
    token = setup.settings.get("oauth_token_url", "").strip()
    if name != "other" or not token:
        raise Refused(say("The address of tokens is missing."), field="oauth_token_url")
    authorize = setup.settings.get("oauth_authorize_url", "").strip()
    return Provider(authorize, token, setup.settings.get("oauth_scope", "").strip())


def _client(setup: Setup) -> dict[str, str]:
    client_id = setup.settings.get("client_id", "").strip()
    if not client_id:
        raise Refused(say("The OAuth client id is missing."), field="client_id")
    secret = setup.secrets.get("client_secret", "")
    return {"client_id": client_id, **({"client_secret": secret} if secret else {})}


def authorize_url(setup: Setup, *, redirect_uri: str, state: str) -> str:
    """The provider's page on which a person allows Kith to read and send."""
    provider = _provider(setup)
    if not provider.authorize:
        raise Refused(say("The address where one signs in is missing."), field="oauth_authorize_url")
    query = {
        "response_type": "code",
        "client_id": _client(setup)["client_id"],
        "redirect_uri": redirect_uri,
        "scope": provider.scope,
        "state": state,
        **dict(provider.more),
    }
    if address := setup.settings.get("address", "").strip():
        query["login_hint"] = address
    return f"{provider.authorize}{'&' if '?' in provider.authorize else '?'}{urlencode(query)}"


def exchange(setup: Setup, *, code: str, redirect_uri: str) -> Mapping[str, str]:
    """New secrets for the code that came back."""
    return _ask(setup, {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri})


def refresh(setup: Setup) -> Mapping[str, str]:
    """New secrets from the refresh token; raises ReconnectNeeded when it is no longer accepted."""
    token = setup.secrets.get("refresh_token", "")
    if not token:
        raise ReconnectNeeded(
            say("There is no refresh token; sign in with the provider again."), field="auth"
        )
    return _ask(setup, {"grant_type": "refresh_token", "refresh_token": token})


def _ask(setup: Setup, form: dict[str, str]) -> Mapping[str, str]:
    import httpx  # not for the parsing child, which needs none of it

    provider = _provider(setup)
    with setup.http(headers={"Accept": "application/json"}) as client:
        try:
            response = client.post(provider.token, data={**_client(setup), **form})
        except httpx.HTTPError as error:
            raise RetryLater(
                say("The provider can't be reached ({problem}).", problem=type(error).__name__)
            ) from error
    if response.status_code in (429, 500, 502, 503, 504):
        raise RetryLater(
            say("The provider answered {status_code}.", status_code=response.status_code),
            after=_after(response),
        )
    try:
        answer = response.json()
    except ValueError as error:
        raise BadPayload(say("The provider's answer is not JSON.")) from error
    if not isinstance(answer, dict):
        raise BadPayload(say("The provider's answer is not what was expected."))
    if response.status_code != 200 or "access_token" not in answer:
        reason = str(answer.get("error", response.status_code))[:100]
        if reason in ("invalid_client", "unauthorized_client"):
            raise Refused(
                say("The provider does not accept the OAuth client ({reason}).", reason=reason),
                field="client_id",
            )
        raise ReconnectNeeded(
            say("The provider refused ({reason}); sign in again.", reason=reason), field="auth"
        )
    try:
        seconds = float(answer.get("expires_in", 3600))
    except (TypeError, ValueError):
        seconds = 3600.0
    found = {
        "access_token": str(answer["access_token"]),
        "expires_at": str(int(time.time() + max(0.0, seconds - 60))),
    }
    if answer.get("refresh_token"):
        found["refresh_token"] = str(answer["refresh_token"])
    return found


def _after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return min(3600.0, float(value)) if value.isascii() and value.isdigit() else 60.0


def xoauth2(user: str, token: str) -> str:
    """The SASL XOAUTH2 answer, before base64."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"
