"""The only way out by HTTP: a client that checks the address of the socket it really connected to.

A name may resolve to another address between a check and the connection (rebinding), and a redirect may point
anywhere; so the check stands where the socket is, for every connection, after it is made and before a byte is sent.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import httpcore
import httpx

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_BODY = 25 * 1024 * 1024
TRIES = 3  # addresses of one name
TIMEOUT = httpx.Timeout(20.0, connect=8.0)
LONGEST = 300.0  # seconds for one answer, however steadily it drips
# One layer of compression that we ask for makes 64 KB at most 64 MB; several, or those of others, have no such bound.
ENCODINGS = ("gzip", "deflate")


class AddressRefused(httpx.ConnectError):
    """The host is an address inside our own network; nothing was sent to it."""


# IPv6 that is in nobody's use on the internet is refused as a whole: what stands outside 2000::/3 is local, old
# (site-local, IPv4-compatible) or a translator's.
_IPV6_INTERNET = ipaddress.IPv6Network("2000::/3")
_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments; one cloud keeps its metadata there
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16/32",  # a cloud's own services, seen from its machines only
        "3fff::/20",  # documentation
    )
)
_TRANSLATED = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96"))


def is_local(name: str) -> bool:
    """Whether a host's name is this machine itself, so that what is said to it leaves no machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _inside(ip: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for, in any of the ways there are."""
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in network for network in _TRANSLATED):
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [address for address in found if address is not None]


def address_is_public(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether `address` (text of an IPv4 or IPv6 address) is on the public internet or in `allowed`."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    allowed = tuple(allowed)
    if any(ip.version == network.version and ip in network for network in allowed):
        return True
    if any(ip.version == network.version and ip in network for network in _NEVER):
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _inside(ip)
        if not all(address_is_public(str(one), allowed) for one in inner):
            return False
        if ip.ipv4_mapped or ip in _TRANSLATED[0]:
            return True
        if ip not in _IPV6_INTERNET:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_unspecified


class _GuardedBackend(httpcore.SyncBackend):
    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host}: {error}") from error
        addresses = [str(item[4][0]) for item in found]
        refused = [a for a in addresses if not address_is_public(a, self._allowed)]
        if refused or not addresses:
            raise AddressRefused(
                f"{host} is {', '.join(refused) or 'nowhere'}, which is not on the public internet"
            )
        stream = self._first(
            list(dict.fromkeys(addresses))[:TRIES], port, timeout, local_address, socket_options
        )
        peer = stream.get_extra_info("socket").getpeername()[0]
        if not address_is_public(str(peer), self._allowed):
            stream.close()
            raise AddressRefused(f"{host} answered from {peer}, which is not on the public internet")
        return stream

    def _first(self, addresses: Sequence[str], *rest: Any) -> httpcore.NetworkStream:
        """The first of the checked addresses that answers; a name may have one that this machine has no way to."""
        last: Exception | None = None
        for address in addresses:
            try:
                return super().connect_tcp(address, *rest)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError("no address")

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        raise AddressRefused("sockets of this machine are not reached by HTTP")


@cache
def _tls() -> ssl.SSLContext:
    """One context for all: reading the certificates takes 20 ms, longer than many a request."""
    return ssl.create_default_context()


class GuardedTransport(httpx.HTTPTransport):
    """An httpx transport whose every connection goes through the address check; proxies are not used."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        super().__init__(verify=_tls(), trust_env=False, retries=0)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=20,
            keepalive_expiry=5.0,
            network_backend=_GuardedBackend(tuple(allowed)),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("", "identity", "x-gzip", *ENCODINGS):
            response.close()
            raise httpx.DecodingError(
                f"the answer is packed in a way that we did not ask for: {packed[:80]}", request=request
            )
        return response


def client(
    *, allowed: Sequence[Network] = (), headers: dict[str, str] | None = None, follow_redirects: bool = False
) -> httpx.Client:
    """A guarded client. `allowed` are networks of our own that this caller may reach (from the settings)."""
    return httpx.Client(
        transport=GuardedTransport(allowed),
        timeout=TIMEOUT,
        headers={
            "User-Agent": "Kith/0.1 (+https://kith.example)",
            "Accept-Encoding": ", ".join(ENCODINGS),
            **(headers or {}),
        },
        follow_redirects=follow_redirects,
        max_redirects=5,
        trust_env=False,
    )


class BodyTooLarge(httpx.HTTPError):
    """The answer is longer than the caller was ready to read."""


def read_capped(response: httpx.Response, limit: int = MAX_BODY, *, seconds: float = LONGEST) -> bytes:
    """Read a streamed response (`client.stream`), up to `limit` decoded bytes and for `seconds` at most."""
    body, end = bytearray(), time.monotonic() + seconds
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(f"more than {limit} bytes")
        if time.monotonic() > end:
            raise httpx.ReadTimeout(f"not done after {seconds:.0f} seconds")
    return bytes(body)
