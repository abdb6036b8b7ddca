"""Headers that every page carries, and the check of the host."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils.translation import gettext as _

from kith.base import address as addresses
from kith.base.http import is_local
from kith.core import company
from kith.web.live.address import live_origin, split_host

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; media-src 'self' blob:; frame-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'; object-src 'none'"
)


HSTS_SECONDS = 365 * 86400
HEALTH = "/health/"  # asked by number or by a container's name; says one word and reads no company value


def _public_url(request: HttpRequest) -> str:
    """Asked for once a request at most."""
    if not hasattr(request, "kith_public_url"):
        host = str(request.META.get("HTTP_HOST") or "")[:260].lower()
        request.kith_public_url = company.public_url_for(host)  # type: ignore[attr-defined]
    found: str = request.kith_public_url  # type: ignore[attr-defined]
    return found


class _WithoutNul(WSGIRequest):
    def _load_post_and_files(self) -> None:
        super()._load_post_and_files()
        self._post = _without_nul(self.POST)


def _without_nul(sent: QueryDict) -> QueryDict:
    if not any("\0" in text for name, texts in sent.lists() for text in (name, *texts)):
        return sent
    found = QueryDict(mutable=True, encoding=sent.encoding)
    for name, texts in sent.lists():
        found.setlist(name.replace("\0", ""), [text.replace("\0", "") for text in texts])
    found._mutable = False
    return found


class NoNul:
    """No field of a form and no part of an address holds a NUL: no person types it, and PostgreSQL takes none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if type(request) is WSGIRequest:
            request.__class__ = _WithoutNul
            if "%00" in request.META.get("QUERY_STRING", ""):
                request.GET = _without_nul(request.GET)  # type: ignore[assignment]
        return self.get_response(request)


class ClientAddress:
    """REMOTE_ADDR as our own proxies tell it; what anybody else says in X-Forwarded-* is thrown away.

    A socket for both kinds of addresses calls 192.0.2.1 "::ffff:192.0.2.1"; here it has one name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.proxies = [ipaddress.ip_network(text, strict=False) for text in settings.KITH.trusted_proxies]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.META["REMOTE_ADDR"] = addresses.plain(request.META.get("REMOTE_ADDR") or "")
        if not self._ours(request.META["REMOTE_ADDR"]):
            for name in ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"):
                request.META.pop(name, None)
        else:
            for told in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
                address = addresses.plain(told.strip())
                if not self._is_address(address):
                    break
                request.META["REMOTE_ADDR"] = address
                if not self._ours(address):
                    break
        return self.get_response(request)

    def _ours(self, address: str) -> bool:
        return self._is_address(address) and any(ipaddress.ip_address(address) in p for p in self.proxies)

    @staticmethod
    def _is_address(text: str) -> bool:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return False
        return True


class KnownHost:
    """Answers only to names that are ours, so that no forged Host ends up in a link and no name that is pointed at this
    machine (DNS rebinding) makes a visitor's browser talk to it.

    Ours are the public address, this machine's name, `localhost`, and numbers: who asks for a number asks for it itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        environment = settings.KITH
        machine = socket.gethostname().lower()
        self.names = {"localhost", environment.host.lower(), environment.public_host.lower(), machine}
        self.names |= {f"{machine}.local"} if "." not in machine else set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = str(request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME") or "")
        if request.path.startswith(HEALTH) or self.known(host, lambda: _public_url(request)):
            return self.get_response(request)
        text = _(
            "Kith does not answer to this name. If it is yours, set it as KITH_PUBLIC_URL, or under Settings, Company."
        )
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")

    def known(self, host: str, public_url: Callable[[], str]) -> bool:
        place = split_host(host)
        if place is None:
            return False
        name = place[0].strip("[]").removesuffix(".")
        if name and (name in self.names or name.endswith(".localhost") or name in settings.ALLOWED_HOSTS):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return bool(name) and name == urlsplit(public_url()).hostname
        return True


class Encrypted:
    """Everything that depends on encryption follows the public address, without a restart.

    A proxy takes the encryption off, and may not say so (or may not be named in KITH_TRUSTED_PROXIES). Who asks for the
    host of a public https address is behind it: such a request counts as encrypted, so that forms are taken from that
    origin, cookies are for https only, and browsers are told to come by https alone from now on (HSTS).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        at_home = self._by_public_address(request)
        if at_home:
            request.META["wsgi.url_scheme"] = "https"
            request.META["HTTP_HOST"] = urlsplit(_public_url(request)).netloc  # some proxies add ":443"
        response = self.get_response(request)
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        if at_home:
            response.headers.setdefault("Strict-Transport-Security", f"max-age={HSTS_SECONDS}")
        return response

    @staticmethod
    def _by_public_address(request: HttpRequest) -> bool:
        place = split_host(str(request.META.get("HTTP_HOST") or ""), secure=True)
        if place is None or is_local(place[0]) or request.path.startswith(HEALTH):
            return False  # asks the database for nothing
        public = urlsplit(_public_url(request))
        return public.scheme == "https" and place == (public.hostname, public.port or 443)


class SecurityHeaders:
    """Content-Security-Policy (no inline script or style, no eval) unless a view has set a stricter one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if "Content-Security-Policy" not in response.headers:
            live = live_origin(request)  # its own port, where no proxy joins the two
            policy = POLICY.replace("connect-src 'self'", f"connect-src 'self' {live}") if live else POLICY
            response.headers["Content-Security-Policy"] = policy
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response
