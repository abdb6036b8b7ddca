"""Caddy and nginx in front of a house, set up as docs/howto/behind-a-proxy.md says: with ports and a certificate of the test's."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.kithprocess import ROOT, Kith, free_ports, wait_for
from tests.support.mailservers import certificate_for

HOST = "kith.example.org"
PAGE = ROOT / "docs" / "howto" / "behind-a-proxy.md"


def documented(title: str) -> str:
    """The configuration that the page shows under a heading."""
    part = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = part.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("    "))
    end = next(
        (n for n in range(begin, len(lines)) if lines[n] and not lines[n].startswith("    ")), len(lines)
    )
    return "\n".join(line[4:] for line in lines[begin:end])


@dataclass
class Proxy:
    """A running proxy; `client` speaks to it as to https://kith.example.org, from an address of one's own."""

    http: int
    https: int
    certificate: Path
    log: Path

    def client(self, address: str = "127.0.0.9") -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.certificate))
        transport = httpx.HTTPTransport(verify=context, local_address=address)
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.https}",
            transport=transport,
            headers={"Host": HOST, "Origin": f"https://{HOST}", "Referer": f"https://{HOST}/"},
            timeout=60,
            event_hooks={"request": [_by_name]},
        )


def _by_name(request: httpx.Request) -> None:
    request.extensions = {**request.extensions, "sni_hostname": HOST}


def _nginx(folder: Path, house: Kith, http: int, https: int) -> list[str]:
    site = documented("nginx")
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{http};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{https} ssl;"),
        (f"/etc/letsencrypt/live/{HOST}/fullchain.pem", str(folder / "cert.pem")),
        (f"/etc/letsencrypt/live/{HOST}/privkey.pem", str(folder / "key.pem")),
        ("127.0.0.1:8001", f"127.0.0.1:{house.port + 1}"),
        ("127.0.0.1:8000", f"127.0.0.1:{house.port}"),
    ):
        assert old in site, old
        site = site.replace(old, new)
    temporary = "\n".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} pid {folder}/nginx.pid; error_log {folder}/log;\nevents {{}}\n"
        f"http {{ access_log off; {temporary}\n{site}\n}}\n"
    )
    return ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")]


def _caddy(folder: Path, house: Kith, http: int, https: int) -> list[str]:
    site = documented("Caddy")
    first = f"{HOST} {{"
    for old, new in (
        (first, f"{HOST} {{\n    tls {folder}/cert.pem {folder}/key.pem\n    bind 127.0.0.1"),
        ("127.0.0.1:8001", f"127.0.0.1:{house.port + 1}"),
        ("127.0.0.1:8000", f"127.0.0.1:{house.port}"),
    ):
        assert old in site, old
        site = site.replace(old, new)
    (folder / "Caddyfile").write_text(
        f"{{\n  admin off\n  http_port {http}\n  https_port {https}\n}}\n{site}\n"
    )
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


KINDS = {"Caddy": _caddy, "nginx": _nginx}


@contextlib.contextmanager
def proxy(kind: str, house: Kith) -> Iterator[Proxy]:
    """The proxy of this heading in front of a house that runs."""
    program = kind.lower()
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if not shutil.which(program, path=path):
        pytest.skip(f"{program} is not installed (Debian package {program})")
    folder = Path(tempfile.mkdtemp(prefix=f"kith-{program}-"))
    try:
        certificate = certificate_for(HOST, folder)
        http, https = free_ports()[:2]
        command = KINDS[kind](folder, house, http, https)
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(
                command,
                env={**os.environ, "PATH": path, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        made = Proxy(http, https, certificate, folder / "out")

        def answers() -> bool:
            assert process.poll() is None, made.log.read_text() + _read(folder / "log")
            with made.client() as client, contextlib.suppress(httpx.HTTPError):
                return client.get("/health/live/").status_code == 200
            return False

        try:
            wait_for(answers, 20, lambda: made.log.read_text() + _read(folder / "log"))
            yield made
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def token_in(page: str) -> str:
    """The token that a form of a page carries."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    return found[1]
