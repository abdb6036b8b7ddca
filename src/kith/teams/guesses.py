"""How many passwords may be guessed, and by whom: an attacker elsewhere must not lock out who signs in at their own desk.

A browser in which somebody has signed in keeps a cookie that says so, for their address alone. Its wrong passwords are
counted for it, and nobody else's are. Everybody else is counted by network address, by network address and login, and,
slowly, by login over the whole world: the last is what holds against many machines, and what they can use up.
"""

from __future__ import annotations

import secrets
from typing import Any

from allauth.core.internal import ratelimit
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from kith.base import address as addresses

KNOWN = "5/5m/key"
NETWORK = "10/m/ip"
NETWORK_AND_LOGIN = "5/5m/key,15/h/key"
LOGIN = "60/h/key"
KEPT = 365 * 86400  # seconds that a browser is known
_SALT = "kith.teams.known_browser"
_APP, _ACTION = "kith.teams", "sign_in"


def consume(request: HttpRequest, login: str) -> ratelimit.RateLimitUsage | None:
    """Count an attempt to sign in; None when there were too many. To be rolled back when it was no guess."""
    if browser := known_browser(request, login):
        return _count(request, KNOWN, f"browser:{login}:{browser}")
    used = ratelimit.RateLimitUsage(usage=[])
    for rates, key in (
        (NETWORK, ""),
        (NETWORK_AND_LOGIN, f"network:{_network(request)}:{login}"),
        (LOGIN, f"login:{login}"),
    ):
        more = _count(request, rates, key)
        if more is None:
            return None  # what was counted so far stays, as an attempt it was
        used.usage += more.usage
    return used


def forget(request: HttpRequest, login: str) -> None:
    """After a new password by mail: the login, and this browser, begin anew."""
    keys = [(LOGIN, f"login:{login}"), (NETWORK_AND_LOGIN, f"network:{_network(request)}:{login}")]
    if browser := known_browser(request, login):
        keys.append((KNOWN, f"browser:{login}:{browser}"))
    for rates, key in keys:
        ratelimit.clear(request, app=_APP, action=_ACTION, config={_ACTION: rates}, key=key)


def _network(request: HttpRequest) -> str:
    return addresses.counted(str(request.META.get("REMOTE_ADDR", "")))


def _count(request: HttpRequest, rates: str, key: str) -> ratelimit.RateLimitUsage | None:
    found: ratelimit.RateLimitUsage | None = ratelimit.consume(
        request, app=_APP, action=_ACTION, config={_ACTION: rates}, key=key
    )
    return found


def _cookie(login: str) -> str:
    """One for each login, as colleagues may share a browser; says nothing of who they are."""
    return f"kith_known_{salted_hmac(_SALT, login).hexdigest()[:12]}"


def known_browser(request: HttpRequest, login: str) -> str:
    """The random name of the browser, if this login signed in there; "" otherwise."""
    said = request.COOKIES.get(_cookie(login), "")
    if not said or not login:
        return ""
    try:
        signed: Any = signing.loads(said, salt=f"{_SALT}:{login}", max_age=KEPT)
    except signing.BadSignature:
        return ""
    return str(signed)


def remember(request: HttpRequest, response: HttpResponseBase, login: str) -> None:
    """This login has just signed in in this browser."""
    browser = known_browser(request, login) or secrets.token_urlsafe(12)
    response.set_cookie(
        _cookie(login),
        signing.dumps(browser, salt=f"{_SALT}:{login}"),
        max_age=KEPT,
        path="/accounts/",
        httponly=True,
        samesite="Lax",
    )
