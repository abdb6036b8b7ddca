"""The only way out by HTTP: a client that checks the address of the socket it really connected to.

A name may resolve to another address between a check and the connection (rebinding), and a redirect may point
anywhere; so the check stands where the socket is, for every connection, after it is made and before a byte is sent.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import httpcore
import httpx

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_BODY = 25 * 1024 * 1024
TIMEOUT = httpx.Timeout(20.0, connect=8.0)


class AddressRefused(httpx.ConnectError):
    """The host is an address inside our own network; nothing was sent to it."""


def address_is_public(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether `address` (text of an IPv4 or IPv6 address) is on the public internet or in `allowed`."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if any(ip.version == network.version and ip in network for network in allowed):
        return True
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.IPv6Network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None and not address_is_public(str(inner), allowed):
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
        stream = super().connect_tcp(addresses[0], port, timeout, local_address, socket_options)
        peer = stream.get_extra_info("socket").getpeername()[0]
        if not address_is_public(str(peer), self._allowed):
            stream.close()
            raise AddressRefused(f"{host} answered from {peer}, which is not on the public internet")
        return stream

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


def client(
    *, allowed: Sequence[Network] = (), headers: dict[str, str] | None = None, follow_redirects: bool = False
) -> httpx.Client:
    """A guarded client. `allowed` are networks of our own that this caller may reach (from the settings)."""
    return httpx.Client(
        transport=GuardedTransport(allowed),
        timeout=TIMEOUT,
        headers={"User-Agent": "Kith/0.1 (+https://kith.example)", **(headers or {})},
        follow_redirects=follow_redirects,
        max_redirects=5,
        trust_env=False,
    )


class BodyTooLarge(httpx.HTTPError):
    """The answer is longer than the caller was ready to read."""


def read_capped(response: httpx.Response, limit: int = MAX_BODY) -> bytes:
    """Read a streamed response (`client.stream`), up to `limit` decoded bytes."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(f"more than {limit} bytes")
    return bytes(body)
