"""The processes that read, apart from those that parse and send: a connector that ends its process ends nothing else.

A keeper without threads or connections forks one reader for all channel accounts. When that reader dies, whoever was
inside a connector at that moment is under suspicion and is read by a process of its own for a while; the rest goes on in
a new one. A process that dies with one account only says who did it: that account waits longer each time, and its page
says why. One that behaves goes back to the others.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.db import connections

from kith.base.clock import now
from kith.connectors.words import say
from kith.core.postgres.cluster import end_with_parent
from kith.networks.models import ChannelHealth

log = logging.getLogger(__name__)
PAUSES = (1.0, 5.0, 30.0, 120.0, 600.0, 900.0)  # before an account that ended its process is read again
PROBATION = 600.0
MOST_ALONE = 12
PLACES = 1024
GRACE = 15.0


class Marks:
    """A set of account ids in memory that a process shares with those it forks. One process writes."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PLACES * 16)
        self._lock = threading.Lock()

    def ids(self) -> set[uuid.UUID]:
        memory = self._memory[:]
        if memory.count(0) == len(memory):
            return set()
        found = (memory[place : place + 16] for place in range(0, len(memory), 16))
        return {uuid.UUID(bytes=text) for text in found if any(text)}

    def put(self, account_id: uuid.UUID) -> int | None:
        """The place it stands in, to be given to `clear`; None when there is none left."""
        with self._lock:
            for place in range(0, PLACES * 16, 16):
                if not any(self._memory[place : place + 16]):
                    self._memory[place : place + 16] = account_id.bytes
                    return place
        return None

    def clear(self, place: int | None) -> None:
        if place is not None:
            self._memory[place : place + 16] = bytes(16)

    def become(self, ids: set[uuid.UUID]) -> None:
        texts = b"".join(one.bytes for one in list(ids)[:PLACES])
        self._memory[:] = texts + bytes(PLACES * 16 - len(texts))


_inside: Marks | None = None
"""Of this process, if it is a reader: the accounts whose connector is running now."""


@contextlib.contextmanager
def calling(account_id: uuid.UUID) -> Iterator[None]:
    """Around everything that a connector may do in a reader."""
    marks = _inside
    place = marks.put(account_id) if marks is not None else None
    try:
        yield
    finally:
        if marks is not None:
            marks.clear(place)


@dataclass(slots=True)
class _Reader:
    account: uuid.UUID | None  # None: all that have no process of their own
    inside: Marks
    begun: float = field(default_factory=time.monotonic)


class Keeper:
    """Forks readers and keeps them alive. `read(stop, wanted)` runs in each, until `stop`."""

    def __init__(self, read: Callable[[threading.Event, Callable[[uuid.UUID], bool]], None]) -> None:
        self._read = read
        self._readers: dict[int, _Reader] = {}
        self._alone = Marks()
        self._deaths: dict[uuid.UUID, int] = {}
        self._due: dict[uuid.UUID | None, float] = {None: 0.0}

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        while not stop.is_set():
            self._bury()
            self._give_back()
            for account in [key for key, at in self._due.items() if at <= time.monotonic()]:
                del self._due[account]
                self._fork(account)
            stop.wait(0.2)
        self._end_all()

    def _bury(self) -> None:
        for pid, reader in list(self._readers.items()):
            with contextlib.suppress(ChildProcessError):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    del self._readers[pid]
                    self._died(reader, os.waitstatus_to_exitcode(status))

    def _died(self, reader: _Reader, code: int) -> None:
        lived = time.monotonic() - reader.begun
        if reader.account is not None:
            if reader.account not in self._alone.ids():
                return  # sent back to the others
            count = self._deaths.get(reader.account, 0) + 1 if lived < PROBATION else 1
            self._deaths[reader.account] = count
            self._due[reader.account] = time.monotonic() + PAUSES[min(count, len(PAUSES)) - 1]
            log.error("the connector of account %s ended its process (%s)", reader.account, code)
            return
        suspects = sorted(reader.inside.ids())[: max(0, MOST_ALONE - len(self._alone.ids()))]
        log.error("a reading process ended (%s) while it read %s accounts", code, len(suspects))
        self._alone.become(self._alone.ids() | set(suspects))
        moment = time.monotonic()
        self._due.update(dict.fromkeys(suspects, moment))
        self._due[None] = moment + (0.0 if lived > 5.0 else 1.0)

    def _give_back(self) -> None:
        for pid, reader in self._readers.items():
            account = reader.account
            if account in self._alone.ids() and time.monotonic() - reader.begun > PROBATION:
                assert account is not None
                self._alone.become(self._alone.ids() - {account})
                self._deaths.pop(account, None)
                os.kill(pid, signal.SIGTERM)

    def _fork(self, account: uuid.UUID | None) -> None:
        reader = _Reader(account, Marks())
        keeper, pid = os.getpid(), os.fork()
        if pid:
            self._readers[pid] = reader
            return
        try:
            end_with_parent(signal.SIGKILL)
            if os.getppid() == keeper:
                self._be(reader)
        except BaseException:
            log.exception("a reading process broke off")
            os._exit(1)
        os._exit(0)

    def _be(self, reader: _Reader) -> None:
        global _inside  # one process, one set of marks
        _inside, stop, account = reader.inside, threading.Event(), reader.account
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if account is None:
            self._read(stop, lambda one: one not in self._alone.ids())
            return
        if self._deaths.get(account):
            ChannelHealth.objects.filter(channel_account_id=account).update(
                last_try_at=now(),
                last_error=say(
                    "The connector of this channel ended its process. It is tried again, by itself."
                ),
                last_error_at=now(),
                failures_in_a_row=self._deaths[account],
            )
            connections.close_all()
        self._read(stop, lambda one: one == account)

    def _end_all(self) -> None:
        for pid in self._readers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + GRACE
        while self._readers and time.monotonic() < until:
            for pid in list(self._readers):
                with contextlib.suppress(ChildProcessError):
                    if os.waitpid(pid, os.WNOHANG)[0]:
                        del self._readers[pid]
            time.sleep(0.05)
        for pid in self._readers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def fork_keeper(read: Callable[[threading.Event, Callable[[uuid.UUID], bool]], None]) -> int:
    """Start the keeper in a child of this process, which must have no threads yet; returns its process id."""
    connections.close_all()
    parent, pid = os.getpid(), os.fork()
    if pid:
        return pid
    try:
        end_with_parent(signal.SIGTERM)
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if os.getppid() == parent:
            Keeper(read).run(stop)
    except BaseException:
        log.exception("the keeper of the reading processes broke off")
        os._exit(1)
    os._exit(0)


def ended(pid: int) -> bool:
    """Whether the keeper is gone, which it should not be."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def end(pid: int, seconds: float = GRACE + 5) -> None:
    """Ask the keeper to end, wait for it, and end it."""
    until = time.monotonic() + seconds
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < until:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
