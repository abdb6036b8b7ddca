"""The listening process (or one that only reads, parses or sends), for tests to kill: `python -m tests.torture.listener WHAT`.

`zygote` loads everything once and then forks such a process for each line on its standard input, so that killing one
two hundred times takes no two hundred starts; it answers with the process's number.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from datetime import timedelta
from typing import Any

import django

from kith.core.postgres.cluster import end_with_parent


def read_from(source: str) -> None:
    """Let the test connector poll a real server over HTTP, as any other does."""
    from kith.connectors.contract import Page, RawItem
    from kith.connectors.hostile import connector as module

    made = module.Connector.__init__

    def keep(self: Any, setup: Any) -> None:
        made(self, setup)
        self.http = setup.http

    def fetch(self: Any, cursor: str, *, limit: int) -> Page:
        with self.http() as client:
            answer = client.get(f"{source}?after={cursor or 0}&limit={limit}").raise_for_status().json()
        items = tuple(RawItem(f"hostile:{n}", json.dumps({"number": n}).encode()) for n in answer["items"])
        return Page(items, str(answer["next"]), more=answer["more"])

    module.Connector.__init__, module.Connector.fetch = keep, fetch  # type: ignore[method-assign]


def work(what: str) -> None:
    from kith.channels import claims, runner

    # As tests kill whole processes, an orphan's sender is surely gone; nobody wants to wait longer for that.
    claims.ORPHAN_AFTER = timedelta(seconds=float(os.environ.get("TORTURE_ORPHAN_AFTER", "30")))
    runner.LONGEST_WAIT = 3.0
    runner.PAGE = int(os.environ.get("TORTURE_PAGE", runner.PAGE))
    if source := os.environ.get("TORTURE_SOURCE"):
        read_from(source)
    if what == "jobs":
        jobs()
        return
    loops = {"read": runner.accounts_loop, "parse": runner.parse_loop, "send": runner.send_loop}
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set() if what == "gentle" else os._exit(0))
    if what in ("all", "gentle"):
        runner.run_forever(stop)
    else:
        runner._guarded(loops[what], stop)


def jobs() -> None:
    """A worker of background jobs, with less patience for the death of another than in a real house."""
    from kith.campaigns.services import send
    from kith.core import jobs as module

    send.PART = int(os.environ.get("TORTURE_PART", send.PART))
    module.HEARTBEAT, module.STALLED_AFTER, module.LOOK_FOR_STALLED = 0.2, 2.0, 0.5
    module.work(concurrency=2)


def zygote() -> None:
    from django.db import connections

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        connections.close_all()
        child = os.fork()
        if child == 0:
            end_with_parent(signal.SIGKILL)  # what a parent asked for itself is not inherited
            sys.stdin.close()
            work(line.strip())
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    end_with_parent(signal.SIGKILL)  # a test that is killed leaves nothing behind
    django.setup()
    import kith.campaigns.jobs
    import kith.channels.runner  # noqa: F401  (before the first fork)

    zygote() if sys.argv[1] == "zygote" else work(sys.argv[1])
