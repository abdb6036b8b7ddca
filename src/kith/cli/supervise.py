"""A small supervisor: forks its parts, starts again what dies, and takes everything down with it.

The parts are forked from a process that has imported what they need, so that they share its memory. They live in process
groups of their own (Ctrl-C reaches the supervisor only), and get SIGTERM from the kernel when the supervisor dies.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from kith.core.postgres.cluster import end_with_parent

PAUSES = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the first, second ... start again
SETTLED = 60.0  # a part that lived this long starts again without delay
GRACE = 30.0  # seconds that a part may take to finish its work
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """`run` is called in a child of its own and returns when it got SIGTERM and has finished its work."""

    name: str
    run: Callable[[], None]


@dataclass(slots=True)
class _Child:
    part: Part
    pid: int = 0
    started: float = 0.0
    deaths: int = 0
    again_at: float = field(default=0.0)


def fork(run: Callable[[], None], name: str) -> int:
    """Run a function in a child that ends with this process; returns the child's process id."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        end_with_parent(signal.SIGTERM)
        if os.getppid() == parent:
            run()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except KeyboardInterrupt:
        code = 0
    except BaseException:
        import logging

        logging.getLogger("kith").exception("%s ended by an error", name)
    finally:
        _flush()
        os._exit(code)


def run_once(run: Callable[[], None], name: str) -> int:
    """Run a function in a child and wait for it; returns its exit code."""
    _, status = os.waitpid(fork(run, name), 0)
    return os.waitstatus_to_exitcode(status)


class Supervisor:
    """Keeps its parts alive until SIGTERM or SIGINT; `tend` is called about once a second."""

    def __init__(
        self, parts: Sequence[Part], *, report: Report, tend: Callable[[], None], grace: float = GRACE
    ) -> None:
        self.children = [_Child(part) for part in parts]
        self.report, self.tend, self.grace = report, tend, grace
        self.stopping = False

    def run(self) -> None:
        """Returns when every part has ended."""
        gc.collect()
        gc.freeze()  # what is there now is shared with the children: the collector need not write to it
        with self._signals() as woken:
            try:
                while not self.stopping:
                    self._reap()
                    self._start_due()
                    self.tend()
                    if select.select([woken], [], [], 1.0)[0]:
                        woken.recv(4096)
            finally:
                self.stop()

    def stop(self) -> None:
        """Ask every part to finish, wait for `grace` seconds, then kill what is left."""
        self.stopping = True
        self._send(signal.SIGTERM)
        end = time.monotonic() + self.grace
        while any(child.pid for child in self.children) and time.monotonic() < end:
            self._reap()
            time.sleep(0.02)
        for child in self.children:
            if child.pid:
                self.report(f"{child.part.name} does not stop and is ended")
        self._send(signal.SIGKILL)
        while any(child.pid for child in self.children):
            self._reap()
            time.sleep(0.02)

    def _send(self, number: signal.Signals) -> None:
        for child in self.children:
            if child.pid:
                with contextlib.suppress(ProcessLookupError):
                    if number == signal.SIGKILL:
                        os.killpg(child.pid, number)
                    else:
                        os.kill(child.pid, number)

    def _start_due(self) -> None:
        for child in self.children:
            if not child.pid and time.monotonic() >= child.again_at:
                child.pid, child.started = fork(child.part.run, child.part.name), time.monotonic()

    def _reap(self) -> None:
        for child in self.children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: _Child, code: int) -> None:
        pid, child.pid = child.pid, 0
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGTERM if self.stopping else signal.SIGKILL)  # what it left behind
        if self.stopping:
            return
        child.deaths = 0 if time.monotonic() - child.started > SETTLED else child.deaths
        pause = PAUSES[min(child.deaths, len(PAUSES) - 1)]
        child.deaths += 1
        child.again_at = time.monotonic() + pause
        how = f"signal {-code}" if code < 0 else f"code {code}"
        self.report(f"{child.part.name} (process {pid}) ended with {how}; it starts again in {pause:g} s")

    @contextlib.contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)

        def stop(*_: object) -> None:
            self.stopping = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with contextlib.suppress(OSError):
            signal.signal(signal.SIGHUP, stop)
        before = signal.set_wakeup_fd(writer.fileno())
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(before)
            reader.close()
            writer.close()


def _flush() -> None:
    import sys

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
