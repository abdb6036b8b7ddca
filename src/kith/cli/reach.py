"""Looks of `kith doctor` from the outside: does the public address lead here, does the issuer answer, is the clock right."""

from __future__ import annotations

import ctypes
import ipaddress
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from kith.base import http
from kith.base.clock import now
from kith.base.sayings import said
from kith.cli.examine import Finding

# The operator's own addresses, which may well lie inside; nobody else can make `kith doctor` ask.
EVERYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
OFF_BAD, OFF_SLIGHTLY = 60, 10  # seconds; codes of authenticator apps hold 30, signatures of webhooks 300
NOT_SYNCHRONISED = 5  # adjtimex's TIME_ERROR


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, or why there was none (`problem`: "name", "certificate" or "silence")."""

    status: int = 0
    body: bytes = b""
    date: datetime | None = None
    problem: str = ""
    words: str = ""


Fetch = Callable[[str], Told]


def fetch(address: str) -> Told:
    """GET, without following anywhere else."""
    try:
        with http.client(allowed=EVERYWHERE) as client, client.stream("GET", address, timeout=8.0) as answer:
            body = http.read_capped(answer, 256 * 1024)
            return Told(answer.status_code, body, _date(answer.headers.get("Date", "")))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        text = f"{error} {error.__cause__ or ''}".lower()
        unknown = ("name or service", "nodename", "no address", "temporary failure in name", "not known")
        if isinstance(error.__cause__, ssl.SSLError) or "certificate" in text or "ssl" in text:
            return Told(problem="certificate", words=str(error))
        return Told(problem="name" if any(part in text for part in unknown) else "silence", words=str(error))


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC)


def address(environment: Any, ask: Fetch | None = fetch) -> Iterator[Finding]:
    """The public address, as a browser of a customer comes by it; `ask` None: without going there."""
    from kith.core.company import public_url

    url = public_url()
    if not url:
        yield Finding(
            "address", "warning",
            said("There is no public address, so chat on your site, one-click links and webhooks do not work."),
            said("Set KITH_PUBLIC_URL, or the address under Settings, Company."),
        )  # fmt: skip
        return
    if not url.startswith("https://"):
        yield Finding(
            "address", "warning", said("{url} is not encrypted.", url=url),
            said("Put Caddy or nginx in front (docs/howto/behind-a-proxy.md) and set the https address."),
        )  # fmt: skip
    if ask is None:
        return
    told, name = ask(f"{url}/health/live/"), urlsplit(url).hostname
    if told.problem == "name":
        yield Finding(
            "address", "problem", said("The DNS knows no {name}.", name=name),
            said("Add an A (and AAAA) record for {name} that names the machine of your proxy.", name=name),
        )  # fmt: skip
    elif told.problem == "certificate":
        yield Finding(
            "address", "problem", said("Browsers do not trust the certificate of {name}: {words}", name=name, words=told.words),
            said("Renew it, or let Caddy get one (docs/howto/behind-a-proxy.md)."),
        )  # fmt: skip
    elif told.problem:
        yield Finding(
            "address", "problem", said("Nobody answers at {url}: {words}", url=url, words=told.words),
            said("Start the proxy, and open its port in the firewall."),
        )  # fmt: skip
    elif (told.status, told.body.strip()) != (200, b"ok"):
        yield Finding(
            "address", "problem", said("{url} does not lead to Kith (it answers {status}).", url=url, status=told.status),
            said("Let the proxy pass on to port {port} of this machine, with the Host header as it came.", port=environment.port),
        )  # fmt: skip
    else:
        yield Finding("address", "ok", said("{url} leads here.", url=url))
        if ask(f"{url}/live/health").status not in (200, 503):
            yield Finding(
                "address", "problem", said("{url}/live/ does not lead to the live events; screens do not follow by themselves.", url=url),
                said("Let the proxy pass /live/ on to port {port}, unbuffered.", port=environment.live_address_port),
            )  # fmt: skip


def single_sign_on(environment: Any, ask: Fetch = fetch) -> Iterator[Finding]:
    """Whether the issuer of KITH_OIDC_URL describes itself."""
    url = environment.oidc_url
    if not url:
        return
    if not environment.oidc_client_id or not environment.oidc_client_secret:
        yield Finding(
            "single sign-on", "problem", said("KITH_OIDC_URL is set without a client."),
            said("Register Kith at the issuer and set KITH_OIDC_CLIENT_ID and KITH_OIDC_CLIENT_SECRET."),
        )  # fmt: skip
    if url.startswith("http://") and not http.is_local(urlsplit(url).hostname or ""):
        yield Finding(
            "single sign-on", "problem", said("{url} is not encrypted: whoever listens can sign in as anybody.", url=url),
            said("Use the issuer's https address."),
        )  # fmt: skip
    told = ask(url if "/.well-known/" in url else f"{url}/.well-known/openid-configuration")
    try:
        found = json.loads(told.body) if told.status == 200 else {}
    except ValueError:
        found = {}
    issuer = str(found.get("issuer", "")) if isinstance(found, dict) else ""
    if not issuer:
        why = told.words or said("it answers {status}", status=told.status)
        yield Finding(
            "single sign-on", "problem", said("{url} does not describe itself: {why}", url=url, why=why),
            said("KITH_OIDC_URL must be the issuer's address, to which /.well-known/openid-configuration is added."),
        )  # fmt: skip
    elif "/.well-known/" not in url and issuer.rstrip("/") != url.rstrip("/"):
        yield Finding(
            "single sign-on",
            "problem",
            said("The issuer calls itself {issuer}.", issuer=issuer),
            said("Set {setting}", setting=f"KITH_OIDC_URL={issuer}"),
        )
    else:
        yield Finding("single sign-on", "ok", said("{issuer} answers.", issuer=issuer))
    if told.date is not None:
        yield from _compared(said("the issuer's clock"), told.date)


def clock(synchronised: Callable[[], bool | None] | None = None) -> Iterator[Finding]:
    """This machine's clock against the database's and the kernel's own word. Wrong clocks break app codes and webhooks."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp(), (SELECT max(at) FROM core_auditevent)")
        theirs, newest = cursor.fetchone()
    off = list(_compared(said("the database's clock"), theirs))
    if newest is not None and (newest - now()).total_seconds() > OFF_BAD:
        off.append(
            Finding(
                "clock",
                "problem",
                said(
                    "Something was done here at {time} UTC, which is yet to come.",
                    time=f"{newest:%Y-%m-%d %H:%M}",
                ),
                said(
                    "The clock was wrong then or is now: switch time synchronisation on (timedatectl set-ntp true)."
                ),
            )
        )
    if (synchronised or kernel_says)() is False:
        off.append(
            Finding(
                "clock",
                "warning",
                said("This machine's clock is not synchronised."),
                said("Switch it on: timedatectl set-ntp true (in a container: on its host)."),
            )
        )
    yield from off or [Finding("clock", "ok", said("The clock is right."))]


def _compared(whose: str, theirs: datetime) -> Iterator[Finding]:
    seconds = abs((now() - theirs).total_seconds())
    if seconds >= OFF_SLIGHTLY:
        yield Finding(
            "clock", "problem" if seconds >= OFF_BAD else "warning",
            said("This machine's clock and {whose} differ by {seconds} seconds; codes of authenticator apps fail.", whose=whose, seconds=f"{seconds:.0f}"),
            said("Synchronise both: timedatectl set-ntp true."),
        )  # fmt: skip


def kernel_says() -> bool | None:
    """Whether the kernel's clock is kept right by somebody; None where it can't tell."""
    try:
        return bool(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) != NOT_SYNCHRONISED)
    except (AttributeError, OSError):
        return None
