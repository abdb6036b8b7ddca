"""The settings of a mailbox, read once and checked, with the field to blame in each error."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal, cast

from kith.connectors.contract import ReconnectNeeded, Refused, Setup
from kith.connectors.email.parse.addresses import normalise
from kith.connectors.words import say

Security = Literal["tls", "starttls", "none"]

_PORTS = {
    ("imap", "tls"): 993, ("imap", "starttls"): 143, ("imap", "none"): 143,
    ("pop3", "tls"): 995, ("pop3", "starttls"): 110, ("pop3", "none"): 110,
    ("smtp", "tls"): 465, ("smtp", "starttls"): 587, ("smtp", "none"): 25,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """`prefix` is put before host, port and security in the names of the settings ("" or "smtp_")."""

    protocol: str
    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    token: str = field(repr=False, default="")
    prefix: str = ""
    blame: str = "password"


@dataclass(frozen=True, slots=True)
class Options:
    address: str
    protocol: Literal["imap", "pop3"]
    incoming: Server
    outgoing: Server
    folders: tuple[str, ...]
    sent_copy: Literal["append", "server", "none"]
    max_bytes: int


def _choice(setup: Setup, name: str, allowed: tuple[str, ...]) -> str:
    value = setup.settings.get(name, "").strip().lower() or allowed[0]
    if value not in allowed:
        raise Refused(
            say("{value} is none of {words}.", value=repr(value), words=", ".join(allowed)), field=name
        )
    return value


def _server(setup: Setup, protocol: str, prefix: str, token: str) -> Server:
    get = setup.settings.get
    security = _choice(setup, f"{prefix}security", ("tls", "starttls", "none"))
    port_text = get(f"{prefix}port", "").strip() or str(_PORTS[protocol, security])
    if not (port_text.isascii() and port_text.isdigit() and 0 < int(port_text) < 65536):
        raise Refused(
            say("{port} is no port; it is a number from 1 to 65535.", port=repr(port_text)),
            field=f"{prefix}port",
        )
    username = get("username", "").strip() or get("address", "").strip()
    password = setup.secrets.get("password", "")
    blame = "password"
    if prefix:
        username = get("smtp_username", "").strip() or username
        if setup.secrets.get("smtp_password"):
            password, blame = setup.secrets["smtp_password"], "smtp_password"
    return Server(
        protocol=protocol,
        host=get(f"{prefix}host", "").strip().rstrip("."),
        port=int(port_text),
        security=cast(Security, security),
        username="" if username == "-" else username,
        password=password,
        token=token,
        prefix=prefix,
        blame=blame,
    )


def own_addresses(setup: Setup) -> frozenset[str]:
    """All addresses that are ours. Never raises: a mail is read also where nothing is connected (from a file)."""
    own = {normalise(setup.settings.get("address", ""))}
    own |= {normalise(a) for a in _words(setup.settings.get("aliases", ""))}
    own.add(normalise(setup.settings.get("dropbox", "")))
    if setup.own is not None:
        own.add(normalise(setup.own.external_id))
    return frozenset(own - {""})


def read(setup: Setup) -> Options:
    """The options; raises Refused or ReconnectNeeded with the field to blame."""
    address = normalise(setup.settings.get("address", ""))
    if not address:
        raise Refused(say("That is not an e-mail address."), field="address")
    token = ""
    if _choice(setup, "auth", ("password", "oauth")) == "oauth":
        token = setup.secrets.get("access_token", "")
    protocol = _choice(setup, "protocol", ("imap", "pop3"))
    size = setup.settings.get("max_megabytes", "").strip() or "40"
    if not (size.isascii() and size.isdigit() and 0 < int(size) <= 500):
        raise Refused(say("The largest mail is a number of megabytes, from 1 to 500."), field="max_megabytes")
    return Options(
        address=address,
        protocol=cast(Literal["imap", "pop3"], protocol),
        incoming=_server(setup, protocol, "", token),
        outgoing=_server(setup, "smtp", "smtp_", token),
        folders=tuple(
            dict.fromkeys(
                line.strip() for line in setup.settings.get("folders", "").splitlines() if line.strip()
            )
        ),
        sent_copy=cast(
            Literal["append", "server", "none"], _choice(setup, "sent_copy", ("append", "server", "none"))
        ),
        max_bytes=int(size) * 1024 * 1024,
    )


def _words(text: str) -> list[str]:
    return [word for word in text.replace(",", " ").replace(";", " ").split() if word]


def require_token(setup: Setup) -> None:
    """Raise when OAuth is chosen and there is no token that could still be good."""
    if setup.settings.get("auth", "").strip().lower() != "oauth":
        return
    if not setup.secrets.get("access_token"):
        raise ReconnectNeeded(say("Sign in with the provider first."), field="auth")
    expires = setup.secrets.get("expires_at", "")
    if expires and float(expires) < time.time():
        raise ReconnectNeeded(say("The access token has expired; it has to be renewed."), field="auth")
