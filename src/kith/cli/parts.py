"""The parts of a running house: pages, live events, jobs, listeners. Each runs in a process of its own."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from kith.cli.supervise import Part
from kith.core.postgres.cluster import end_with_parent

NAMES = ("web", "live", "worker", "listeners")
DRAIN = 20  # seconds that a page may take to finish when the house stops
ALONE = 8.0  # seconds for which a part outlives a supervisor that was killed
WORKER_CONCURRENCY = 4
NEEDS = {"live": "kith.web.live", "listeners": "kith.channels.runner"}


def available(name: str) -> bool:
    """Whether the code of a part is there (a slim installation may leave it out)."""
    module = NEEDS.get(name)
    return module is None or importlib.util.find_spec(module) is not None


def preload() -> None:
    """Import once, before forking, what the parts share."""
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018  (imports every view)
    for name in ("granian.server", "kith.core.jobs", "kith.core.events", *NEEDS.values()):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in NEEDS.values():
                raise


def parts(environment: Any, names: tuple[str, ...]) -> list[Part]:
    runs: dict[str, Callable[[], None]] = {
        "web": partial(
            serve,
            "wsgi",
            environment.host,
            environment.port,
            workers=environment.web_workers,
            threads=environment.web_threads,
        ),
        "live": partial(serve, "asgi", environment.host, environment.live_address_port, workers=1, threads=1),
        "worker": work,
        "listeners": listen,
    }
    return [Part(name, runs[name]) for name in names]


def serve(interface: str, host: str, port: int, *, workers: int, threads: int) -> None:
    """Serve pages or live events until SIGTERM."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    wsgi = interface == "wsgi"
    server = Server(
        f"kith.config.{interface}:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI if wsgi else Interfaces.ASGINL,
        workers=workers,
        blocking_threads=threads,
        runtime_threads=1,
        runtime_blocking_threads=threads if wsgi else 2,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
        websockets=False,
        backlog=512,
        log_level=LogLevels.warning,
        respawn_failed_workers=workers > 1,
        workers_kill_timeout=DRAIN,
    )
    server.serve(target_loader=partial(_application, interface), wrap_loader=False)


def _application(interface: str) -> Any:
    """In granian's worker process: end with its parent, then hand over the application."""
    end_with_parent(signal.SIGKILL)
    return importlib.import_module(f"kith.config.{interface}").application


def _end_with_the_house() -> None:
    """End this process soon after its parent was killed, whatever it waits for then: its database went with the parent.

    Who finds no database waits half a minute for one. Nothing is lost: what could not be written is done again.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        time.sleep(ALONE)
        os._exit(1)

    threading.Thread(target=watch, name="house", daemon=True).start()


def work() -> None:
    """Run jobs and hand events to their subscribers until SIGTERM."""
    from kith.core import events, jobs

    _end_with_the_house()
    stop = threading.Event()
    pump = threading.Thread(target=events.pump_forever, args=(stop,), name="events", daemon=True)
    pump.start()
    try:
        jobs.work(concurrency=WORKER_CONCURRENCY)
    finally:
        stop.set()
        pump.join(10.0)


def listen() -> None:
    """Keep the channels' connections open (streams, mailboxes that announce new mail, polls) until SIGTERM."""
    from kith.core.jobs import stop_on_signals

    stop = threading.Event()
    stop_on_signals(stop)
    importlib.import_module(NEEDS["listeners"]).run_forever(stop)
    logging.getLogger("kith").info("listeners have ended")
