"""Addresses that make us connect: whatever they are written like, nothing inside our own network hears of it."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kith.base import http
from kith.base.http import AddressRefused, address_is_public, client
from tests.support.shared import shared_data

INSIDE = [
    *(
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
    ),
    *(
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.0.9",
        "198.18.0.1",
        "168.63.129.16",
    ),
    *("192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "203.0.113.1"),
    *("::", "::1", "::127.0.0.1", "::a9fe:a9fe", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1"),
    *("::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::"),
    *(
        "2002:a9fe:a9fe::1",
        "2001:0:7f00:1::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "fe80::1",
        "fe80::1%lo",
    ),
    *(
        "fec0::1",
        "fc00::1",
        "fd00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "100::1",
    ),
    *("", "localhost", "127.1", "0x7f.1", "2130706433", "not an address"),
]
OUTSIDE = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.215.14",
    "2606:4700::1111",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


class Listener:
    """Real sockets on loopback, IPv4 and IPv6, on one port; counts who connects and what they say."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret"
        first = socket.create_server(("127.0.0.1", 0))
        self.port: int = first.getsockname()[1]
        self.sockets = [first]
        try:
            self.sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        except OSError:  # no IPv6 on this machine
            self.v6 = False
        else:
            self.v6 = True
        for one in self.sockets:
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    self.said.append(connection.recv(4096))
                    connection.sendall(self.answer)
                except OSError:
                    continue

    def close(self) -> None:
        for one in self.sockets:
            one.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not address_is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_internet_is(address: str) -> None:
    assert address_is_public(address)


def test_what_the_operator_names_is_allowed_however_it_is_written() -> None:
    import ipaddress

    allowed = [ipaddress.ip_network("10.1.0.0/16")]
    assert address_is_public("10.1.2.3", allowed)
    assert address_is_public("::ffff:10.1.2.3", allowed)
    assert not address_is_public("10.2.2.3", allowed)


def _notations(port: int) -> list[str]:
    """The corpus as it is, and again with the listener's port behind each host."""
    urls: list[str] = json.loads((shared_data("security") / "ssrf_urls.json").read_text("utf-8"))
    more = [
        *(
            "http://127.0.0.1.nip.io",
            "http://localhost.",
            "http://LOCALHOST",
            "http://0x7f.0x0.0x0.0x1",
            "http://017700000001",
        ),
        *(
            "http://[::127.0.0.1]",
            "http://[::ffff:0:127.0.0.1]",
            "http://[0:0:0:0:0:0:0:1]",
            "http://127.000.000.001",
        ),
        *("http://[::ffff:7f00:0001]", "http://127.0.1", "http://127.127.127.127", "http://ip6-localhost"),
    ]
    found = [*urls, *more]
    host = re.compile(r"^((?:ht\n?tp:)?/*(?:[\w.]+@|example\.com\\@)?)(\[[^\]]+\]|[^/\\#@:\s]+)")
    return [*found, *(host.sub(rf"\g<1>\g<2>:{port}", url, count=1) for url in found)]


def test_no_notation_reaches_loopback(listener: Listener) -> None:
    reached, urls = [], _notations(listener.port)
    with client(follow_redirects=True) as guarded:
        for url in urls:
            try:
                guarded.get(url, timeout=2)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError):
                continue
            reached.append(url)
    assert len(urls) >= 90
    assert reached == []
    assert listener.said == []


def test_without_the_guard_they_would(listener: Listener) -> None:
    """The same notations by a plain client: this test's listener can be reached."""
    with httpx.Client(trust_env=False) as plain:
        for url in _notations(listener.port):
            if f":{listener.port}" not in url or not re.match(
                r"http://(127|\[?::|0|localhost|2130706433)", url
            ):
                continue
            try:
                plain.get(url, timeout=2)
            except Exception:  # noqa: BLE001  (also pytest-socket's refusals)
                continue
    assert len(listener.said) >= 5


def test_urls_of_the_web_platform_tests_reach_nothing(listener: Listener) -> None:
    """Every parseable absolute URL of that corpus, its host sent to loopback by the resolver."""
    found = list((shared_data("security") / "url_wpt").rglob("urltestdata.json"))
    assert found
    cases = json.loads(found[0].read_text("utf-8"))
    inputs = [case["input"] for case in cases if isinstance(case, dict)]
    tried = 0
    with pytest.MonkeyPatch.context() as patch, client(follow_redirects=True) as guarded:
        patch.setattr(
            socket, "getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", ("127.0.0.1", listener.port))]
        )
        for text in inputs:
            try:
                guarded.get(text, timeout=2)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError):
                tried += 1
                continue
            raise AssertionError(text)
    assert tried == len(inputs) >= 500
    assert listener.said == []


def _answers(patch: pytest.MonkeyPatch, answers: dict[str, list[list[str]]]) -> None:
    """A resolver of our own: a name's answers in turn, the last one for ever; the rest as always."""
    real = socket.getaddrinfo

    def fake(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in answers:
            return real(host, port, *args, **kwargs)
        turn = answers[host]
        addresses = turn.pop(0) if len(turn) > 1 else turn[0]
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in addresses
        ]

    patch.setattr(socket, "getaddrinfo", fake)


def test_a_name_that_changes_its_address_is_asked_once(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when checked, loopback a moment later. What was checked is what is connected to."""
    connected: list[str] = []

    def connect(self: Any, address: str, *rest: Any) -> Any:
        connected.append(address)
        raise http.httpcore.ConnectError("nobody there")

    monkeypatch.setattr(http.httpcore.SyncBackend, "connect_tcp", connect)
    _answers(monkeypatch, {"rebind.example": [["93.184.215.14"], ["127.0.0.1"]]})
    with client() as guarded, pytest.raises(httpx.ConnectError):
        guarded.get(f"http://rebind.example:{listener.port}/")
    assert connected == ["93.184.215.14"]
    with client() as guarded, pytest.raises(httpx.ConnectError):
        guarded.get(f"http://rebind.example:{listener.port}/")
    assert connected == ["93.184.215.14"]
    assert listener.said == []


def test_a_name_with_one_address_inside_is_refused_whole(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(monkeypatch, {"both.example": [["93.184.215.14", "127.0.0.1"]]})
    with client() as guarded, pytest.raises(httpx.ConnectError):
        guarded.get(f"http://both.example:{listener.port}/")
    assert listener.said == []


def test_the_connected_socket_is_checked_too(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something between us and the internet may lead a public address to our own machine: not a byte is sent."""
    real = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda address, *a, **k: real(("127.0.0.1", listener.port), *a, **k)
    )
    with client() as guarded, pytest.raises(httpx.ConnectError):
        guarded.get("http://93.184.215.14/")
    listener.close()
    assert all(said == b"" for said in listener.said)


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/x", "http://2130706433:{port}/"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere_inside(status: int, target: str, listener: Listener) -> None:
    import ipaddress

    public = Listener()  # stands for a server of the internet: allowed by name
    if not public.v6:
        pytest.skip("by design: this machine has no IPv6 loopback to stand for the internet")
    public.answer = (
        f"HTTP/1.1 {status} Go\r\nLocation: {target.format(port=listener.port)}\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    try:
        with (
            client(allowed=[ipaddress.ip_network("::1/128")], follow_redirects=True) as guarded,
            pytest.raises(httpx.ConnectError),
        ):
            guarded.get(f"http://[::1]:{public.port}/")
    finally:
        public.close()
    assert len(public.said) == 1
    assert listener.said == []


def test_proxies_of_the_environment_and_unix_sockets_are_not_used(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    _answers(monkeypatch, {"far.example": [["127.0.0.1"]]})
    with client() as guarded, pytest.raises(httpx.ConnectError):
        guarded.get("http://far.example/")
    with pytest.raises(AddressRefused):
        http._GuardedBackend(()).connect_unix_socket("/tmp/x")
    assert listener.said == []


def _answering(listener: Listener, head: str, body: bytes) -> httpx.Client:
    import ipaddress

    listener.answer = (
        f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    )
    return client(allowed=[ipaddress.ip_network("127.0.0.0/8")])


@pytest.mark.parametrize(
    "packed", ["gzip, gzip", "gzip, gzip, gzip", "zstd", "br", "gzip,deflate", "GZIP, identity"]
)
def test_an_answer_is_packed_once_and_as_we_asked(packed: str, listener: Listener) -> None:
    """64 KB of gzip in gzip in gzip are tens of gigabytes, before anybody can count them."""
    body = gzip.compress(gzip.compress(b"x" * 1000))
    with (
        _answering(listener, f"Content-Encoding: {packed}\r\n", body) as guarded,
        pytest.raises(httpx.DecodingError),
    ):
        guarded.get(f"http://127.0.0.1:{listener.port}/")
    assert b"accept-encoding: gzip, deflate\r\n" in listener.said[0].lower()


@pytest.mark.parametrize(
    ("packed", "body"),
    [
        ("gzip", gzip.compress(b"well")),
        ("x-gzip", b"well"),
        ("deflate", zlib.compress(b"well")),
        ("identity", b"well"),
    ],
)
def test_what_we_asked_for_is_read(packed: str, body: bytes, listener: Listener) -> None:
    with _answering(listener, f"Content-Encoding: {packed}\r\n", body) as guarded:
        assert guarded.get(f"http://127.0.0.1:{listener.port}/").content == b"well"


def test_an_answer_that_drips_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the whole never."""
    clock = iter(range(0, 10_000, 15))
    monkeypatch.setattr(http.time, "monotonic", lambda: float(next(clock)))
    drips = 0

    def endless() -> Iterator[bytes]:
        nonlocal drips
        while drips < 500:
            drips += 1
            yield b"x"

    with pytest.raises(httpx.ReadTimeout):
        http.read_capped(httpx.Response(200, content=endless()))
    assert drips <= 22
