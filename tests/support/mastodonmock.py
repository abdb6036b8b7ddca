"""The mock server of PyPI's `mastodon-mock`, as a process of its own on a free port."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.snac import until

CONFIG = """
[[seed.accounts]]
username = "shop"
display_name = "The shop"
access_token = "token-of-the-shop"

[[seed.accounts]]
username = "bob"
display_name = "Bob"
access_token = "token-of-bob"

[[seed.accounts]]
username = "shy"
locked = true
bot = true
access_token = "token-of-shy"
"""


@dataclass(frozen=True)
class Mock:
    address: str
    tokens: Mapping[str, str]

    def client(self, user: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=20)


@contextlib.contextmanager
def running() -> Iterator[Mock]:
    if importlib.util.find_spec("mastodon_mock") is None:
        pytest.skip("mastodon-mock is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="kith-mock-") as root:
        config = Path(root) / "mock.toml"
        config.write_text(CONFIG)
        command = [sys.executable, "-m", "mastodon_mock", "serve", "--in-memory", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--config", str(config), "--log-level", "warning"]
        with open(Path(root) / "log", "wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=root, env={**os.environ, "HOME": root}
            )
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: _answers(address, process), "mastodon-mock to answer", seconds=60)
            yield Mock(
                address, {user: f"token-of-{user}" for user in ("bob", "shy")} | {"shop": "token-of-the-shop"}
            )
        finally:
            process.kill()  # it waits for open streams otherwise, and keeps nothing
            process.wait(10)


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "mastodon-mock stopped at once"
    try:
        return httpx.get(f"{address}/api/v1/instance", timeout=2).is_success
    except httpx.HTTPError:
        return False
