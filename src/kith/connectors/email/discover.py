"""Servers found from an address, best guess first, each with where it came from. Nothing is connected to here."""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dns.exception
import dns.resolver
import httpx

from kith.base.http import BodyTooLarge, read_capped
from kith.connectors.contract import HttpFactory
from kith.connectors.email.parse.addresses import normalise, normalise_domain
from kith.connectors.words import say

# (url) -> body, or None when there is none
Get = Callable[[str], bytes | None]
# (name, "SRV" or "MX") -> the records' text, best first
Resolve = Callable[[str, str], list[str]]

MAX_XML = 200_000
_SECURITY = {"SSL": "tls", "STARTTLS": "starttls", "plain": "none"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Values for the settings of the same names. `source` says in words where they come from."""

    host: str
    port: int
    security: str
    smtp_host: str
    smtp_port: int
    smtp_security: str
    source: str
    username: str = ""
    protocol: str = "imap"
    name: str = ""
    auth: str = ""
    provider: str = ""
    guess: bool = False
    authserv_id: str = ""
    sent_copy: str = "append"


def discover(address: str, get: Get, resolve: Resolve) -> list[Candidate]:
    """Ordered candidates for an address; [] when it is none. Never raises: a source that fails is left out."""
    address = normalise(address)
    domain = address.rpartition("@")[2]
    if not domain or domain.startswith("["):
        return []
    found: list[Candidate] = []
    found += _known(lambda provider: domain in provider["domains"], _listed)
    if not found:
        found += _autoconfig(address, domain, get)
        found += _srv(address, domain, resolve)
        hosts = [record.split()[-1].rstrip(".").lower() for record in _safe(resolve, domain, "MX")]
        found += _known(
            lambda provider: any(_ends(host, name) for host in hosts for name in provider.get("mx", ())),
            _exchanged,
        )
        found += _guesses(domain)
    return _unique(found)


def _known(wanted: Callable[[dict[str, Any]], bool], source: Callable[[str], str]) -> list[Candidate]:
    out = []
    for provider in _providers():
        if wanted(provider):
            host, port, security = provider["imap"]
            smtp_host, smtp_port, smtp_security = provider["smtp"]
            out.append(
                Candidate(
                    host, port, security, smtp_host, smtp_port, smtp_security, source(provider["name"]),
                    name=provider["name"], auth="oauth" if provider.get("oauth") else "",
                    provider=provider.get("oauth", ""), authserv_id=provider.get("authserv_id", ""),
                    sent_copy=provider.get("sent_copy", "append"),
                )
            )  # fmt: skip
    return out


def _listed(name: str) -> str:
    return say("Kith's list of providers ({name})", name=name)


def _exchanged(name: str) -> str:
    return say("the mail exchanger of the domain ({name})", name=name)


@cache
def _providers() -> list[dict[str, Any]]:
    text = (Path(__file__).parent / "providers.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["provider"])


def _ends(host: str, name: str) -> bool:
    return host == name or host.endswith("." + name)


def _autoconfig(address: str, domain: str, get: Get) -> list[Candidate]:
    places = (
        (
            f"https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={quote(address)}",
            say("the settings that {domain} publishes", domain=domain),
        ),
        (
            f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
            say("the settings that {domain} publishes", domain=domain),
        ),
        (f"https://autoconfig.thunderbird.net/v1.1/{domain}", say("Thunderbird's database of providers")),
    )
    for url, source in places:
        body = get(url)
        if body and (candidate := read_autoconfig(body, address, source)):
            return [candidate]
    return []


def read_autoconfig(body: bytes, address: str, source: str) -> Candidate | None:
    """The best pair of servers of a Thunderbird configuration; None when it has none or is hostile."""
    if len(body) > MAX_XML or b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return None
    try:
        root = ET.fromstring(body)  # noqa: S314 - no document type, so no entities
    except (ET.ParseError, ValueError, LookupError):
        return None
    incoming = _servers(root, "incomingServer", ("imap", "pop3"))
    outgoing = _servers(root, "outgoingServer", ("smtp",))
    if not incoming or not outgoing:
        return None
    protocol, host, port, security, username = incoming[0]
    _, smtp_host, smtp_port, smtp_security, _ = outgoing[0]
    local, _, domain = address.rpartition("@")
    for mark, value in (("%EMAILADDRESS%", address), ("%EMAILLOCALPART%", local), ("%EMAILDOMAIN%", domain)):
        username = username.replace(mark, value)
    return Candidate(
        host, port, security, smtp_host, smtp_port, smtp_security, source,
        username="" if username == address else username[:300], protocol=protocol,
    )  # fmt: skip


def _servers(root: ET.Element, tag: str, kinds: tuple[str, ...]) -> list[tuple[str, str, int, str, str]]:
    found = []
    for element in root.iter(tag):
        kind = element.get("type", "")
        host = normalise_domain(element.findtext("hostname", "").strip())
        port = element.findtext("port", "").strip()
        security = _SECURITY.get(element.findtext("socketType", "").strip(), "")
        if (
            kind not in kinds
            or not host
            or "." not in host
            or not re.fullmatch(r"[0-9]{1,5}", port)
            or not security
        ):
            continue
        if not 0 < int(port) < 65536 or security == "none":
            continue  # nobody's password goes over the internet in the clear because a file says so
        found.append((kind, host, int(port), security, element.findtext("username", "").strip()))
    return sorted(found, key=lambda one: (kinds.index(one[0]), one[3] != "tls"))


def _srv(address: str, domain: str, resolve: Resolve) -> list[Candidate]:
    incoming = _service(
        domain,
        resolve,
        (("_imaps._tcp", "imap", "tls"), ("_imap._tcp", "imap", "starttls"), ("_pop3s._tcp", "pop3", "tls")),
    )
    outgoing = _service(
        domain, resolve, (("_submissions._tcp", "smtp", "tls"), ("_submission._tcp", "smtp", "starttls"))
    )
    if not incoming or not outgoing:
        return []
    protocol, host, port, security = incoming
    _, smtp_host, smtp_port, smtp_security = outgoing
    source = say("the service records of {domain}", domain=domain)
    return [Candidate(host, port, security, smtp_host, smtp_port, smtp_security, source, protocol=protocol)]


def _service(
    domain: str, resolve: Resolve, services: Iterable[tuple[str, str, str]]
) -> tuple[str, str, int, str] | None:
    for service, protocol, security in services:
        for record in _safe(resolve, f"{service}.{domain}", "SRV"):
            parts = record.split()
            if len(parts) != 4 or not parts[2].isdigit():
                continue
            host = normalise_domain(parts[3].rstrip("."))  # a lone dot says that the service is not offered
            if host and 0 < int(parts[2]) < 65536:
                return protocol, host, int(parts[2]), security
    return None


def _safe(resolve: Resolve, name: str, kind: str) -> list[str]:
    try:
        return resolve(name, kind)
    except (OSError, ValueError, dns.exception.DNSException):
        return []


def _guesses(domain: str) -> list[Candidate]:
    guess = Candidate(
        f"imap.{domain}",
        993,
        "tls",
        f"smtp.{domain}",
        465,
        "tls",
        say("a guess from the name of the domain"),
        guess=True,
    )
    submission = replace(guess, smtp_port=587, smtp_security="starttls")
    mail = replace(guess, host=f"mail.{domain}", smtp_host=f"mail.{domain}")
    return [guess, submission, mail, replace(mail, smtp_port=587, smtp_security="starttls")]


def _unique(found: list[Candidate]) -> list[Candidate]:
    seen: set[tuple[str, int, str, int]] = set()
    out = []
    for one in found:
        key = (one.host, one.port, one.smtp_host, one.smtp_port)
        if key not in seen:
            seen.add(key)
            out.append(one)
    return out


def http_get(http: HttpFactory) -> Get:
    """A `Get` over a guarded client: 6 s and 200 kB a place."""

    def get(url: str) -> bytes | None:
        try:
            with http(follow_redirects=True) as client, client.stream("GET", url, timeout=6.0) as response:
                return read_capped(response, MAX_XML, seconds=15) if response.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, BodyTooLarge, OSError, ValueError):
            return None

    return get


def dns_resolve(name: str, kind: str) -> list[str]:
    """A `Resolve` by the machine's own resolver, sorted by priority."""
    resolver = dns.resolver.Resolver()
    resolver.lifetime = 5.0
    answer = resolver.resolve(name, kind)
    return [record.to_text() for record in sorted(answer, key=_priority)]


def _priority(record: Any) -> tuple[int, int]:
    return (getattr(record, "priority", getattr(record, "preference", 0)), -getattr(record, "weight", 0))
