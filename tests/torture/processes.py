"""Starts the processes of `listener`, forks more of them from one that is loaded already, and kills them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(database_url: str, home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KITH_", "DJANGO_"))}
    return {
        **kept,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
        "KITH_ENV": "test",
        "KITH_HOME": str(home),
        "KITH_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "kith.config.settings",
        **more,
    }


@contextlib.contextmanager
def listening(environ: dict[str, str], what: str = "all") -> Iterator[subprocess.Popen[bytes]]:
    """The listening process in the block, ended by SIGKILL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.torture.listener", what], env=environ, cwd=ROOT, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Nursery:
    """Forks processes that do `what`, ready at once."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self._log = log.open("ab")
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.listener", "zygote"],
            env=environ, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            start_new_session=True,
        )  # fmt: skip

    def fork(self, what: str) -> int:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write(f"{what}\n")
        self._zygote.stdin.flush()
        return int(self._zygote.stdout.readline())

    def kill(self, child: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._zygote.pid, signal.SIGKILL)
        self._zygote.wait()
        self._log.close()


def owner_of(port: int, candidates: Sequence[int]) -> int | None:
    """Which of these processes has the connection from `port` of this machine."""
    with Path("/proc/net/tcp").open() as lines:
        next(lines)
        fields = [line.split() for line in lines]
    sockets = {f"socket:[{f[9]}]" for f in fields if int(f[1].rpartition(":")[2], 16) == port}
    for process in candidates:
        with contextlib.suppress(OSError):
            for entry in os.scandir(f"/proc/{process}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(entry.path) in sockets:
                        return process
    return None
