"""CPU time of this process, its children and the database's backend: wall time is noise on shared machines."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

TICK = os.sysconf("SC_CLK_TCK")


def backend_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def process_seconds(pid: int) -> float:
    """CPU seconds of another process: from schedstat (nanoseconds) where the kernel has it, else from ticks of 10 ms."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK


def own_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of CPU a call (median): of us and of the database; `p95` of both together; `queries` a call."""

    ours: float
    database: float
    p95: float
    queries: float = 0.0

    @property
    def total(self) -> float:
        return self.ours + self.database


def measure(
    sides: dict[str, Callable[[int], Any]], *, times: int = 30, warm: int = 3, per: int = 1
) -> dict[str, Cost]:
    """Run the sides in turn, `times` each; each gets the number of its turn. Figures are divided by `per`."""
    pid = backend_pid()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    asked = dict.fromkeys(sides, 0)
    for turn in range(times + warm):
        for name, call in sides.items():
            if turn == 0:  # the first, unmeasured turn counts the statements
                asked[name] = _statements(lambda call=call: call(0))  # type: ignore[misc]
                continue
            ours, theirs = own_seconds(), process_seconds(pid)
            call(turn)
            both = (own_seconds() - ours, process_seconds(pid) - theirs)
            if turn >= warm:
                taken[name].append(both)
    if backend_pid() != pid:
        raise RuntimeError("the connection was replaced while it was measured")
    costs = {}
    for name, rows in taken.items():
        totals = sorted((a + b) * 1000 / per for a, b in rows)
        costs[name] = Cost(
            statistics.median(a for a, _ in rows) * 1000 / per,
            statistics.median(b for _, b in rows) * 1000 / per,
            totals[min(len(totals) - 1, int(len(totals) * 0.95))],
            asked[name] / per,
        )
    return costs


def _statements(call: Callable[[], Any]) -> int:
    count = 0

    def counting(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        nonlocal count
        count += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counting):
        call()
    return count
