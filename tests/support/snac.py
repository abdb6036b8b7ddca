"""A real snac2 server (Mastodon's API and ActivityPub) on localhost:80, in a folder of its own.

snac2 delivers no mention when its host has a port, so it must be port 80; one test process at a time holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

T = TypeVar("T")
ADDRESS = "http://localhost"


@dataclass(frozen=True)
class Snac:
    folder: Path
    passwords: Mapping[str, str]

    def log_in(self, page: str, user: str) -> str:
        """What a person does on the server's log-in page; the code that the browser brings back."""
        with httpx.Client(headers={"Connection": "close"}, follow_redirects=False) as client:
            form = client.get(page)
            fields = dict(re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', form.text))
            fields |= {"login": user, "passwd": self.passwords[user]}
            found = re.search(r'action="([^"]+)"', form.text)
            assert found, form.text[:500]
            back = client.post(found.group(1), data=fields)
        return parse_qs(urlsplit(back.headers["location"]).query)["code"][0]


def _free() -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 80))
        except OSError:
            return False
    return True


def _password(program: str, folder: Path, user: str) -> str:
    made = subprocess.run([program, "adduser", str(folder), user], capture_output=True, text=True, check=True)
    found = re.search(r"password is (\S+)", made.stdout + made.stderr)
    assert found, made.stdout + made.stderr
    return found.group(1)


def _folder(program: str, root: Path, users: tuple[str, ...]) -> Snac:
    folder = root / "data"
    asked = "127.0.0.1\n80\nlocalhost\n\n\n"
    subprocess.run([program, "init", str(folder)], input=asked, capture_output=True, text=True, check=True)
    settings = folder / "server.json"
    said = json.loads(settings.read_text())
    said |= {"host": "localhost", "address": "127.0.0.1", "port": 80, "protocol": "http", "num_threads": 16}
    settings.write_text(json.dumps(said))
    return Snac(folder, {user: _password(program, folder, user) for user in users})


@contextlib.contextmanager
def running(*users: str) -> Iterator[Snac]:
    """A server with these users; skips where the program is missing or port 80 can't be had."""
    program = os.environ.get("KITH_SNAC") or shutil.which("snac")
    if not program:
        pytest.skip("snac2 is not installed (Debian: bookworm-backports; or name the program in KITH_SNAC)")
    with open(Path(tempfile.gettempdir()) / "kith-tests-port-80.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _free():
            pytest.skip("snac2 needs port 80 of localhost, which is taken or not allowed here")
        with tempfile.TemporaryDirectory(prefix="kith-snac-") as root:
            snac = _folder(program, Path(root), users)
            with open(Path(root) / "log", "wb") as log:
                process = subprocess.Popen([program, "httpd", str(snac.folder)], stdout=log, stderr=log)
            try:
                until(lambda: not _free(), "snac2 to listen")
                yield snac
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)


def until(call: Callable[[], T], what: str, *, seconds: float = 30.0) -> T:
    """The first true answer of `call`, asked again until there is one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := call():
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
