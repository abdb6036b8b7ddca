"""Jobs: Procrastinate on Django's own connection, so that a job is enqueued in the transaction that wants it.

A room writes `jobs.py`; it is imported when Django is ready, in the worker as anywhere else:

    from kith.core.jobs import defer, job

    @job("conversations.wake_snoozed", every="* * * * *")
    def wake_snoozed() -> None: ...

    @job("channels.parse_batch", tries=8)
    def parse_batch(*, ids: list[str]) -> None: ...

    defer(parse_batch, ids=[...])                                    # in a service, inside its transaction
    defer(parse_batch, ids=[...], key="parse:ACCOUNT", after=30)     # at most one that waits; in 30 seconds

The name is stable, for it stands in waiting rows. Arguments are JSON. One job is a batch, not a message. A job runs
outside a transaction and opens its own; it may run twice (its worker died after the work and before the receipt), so it
is idempotent. A failure is tried again after 2, 4, 8 ... seconds, at most an hour apart; a job whose worker died is put
back by the others within half a minute, `MAX_DEATHS` times at most. Where a person waits for a job, `given_up` tells them
that it will not come.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

import procrastinate
from django.db import close_old_connections, connection, transaction
from procrastinate import exceptions
from procrastinate.contrib.django import app
from procrastinate.contrib.django.db_cleanup import DjangoApp
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from kith.base.clock import now

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
Task = procrastinate.tasks.Task[Any, Any, Any]

HEARTBEAT, STALLED_AFTER, LOOK_FOR_STALLED = 5.0, 30.0, 10.0  # seconds
MAX_DEATHS, LONGEST_PAUSE, KEEP_FAILED_DAYS = 10, 3600, 30
_given_up: dict[str, Callable[..., None]] = {}


class _Patience(procrastinate.BaseRetryStrategy):
    """2, 4, 8 ... seconds, at most an hour; `tries` in all."""

    def __init__(self, tries: int) -> None:
        self.tries = tries

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        if job.attempts + 1 >= self.tries:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": min(2 ** (job.attempts + 1), LONGEST_PAUSE)})


def on_app_ready(_: Any) -> None:
    """Called by Procrastinate once every room's `jobs` module has been imported."""


def job(
    name: str,
    *,
    every: str = "",
    queue: str = "default",
    lock: str | None = None,
    tries: int = 6,
    given_up: Callable[..., None] | None = None,
) -> Callable[[Callable[..., Any]], Task]:
    """Make a function a job.

    `every` is a crontab line in UTC; such a job takes no arguments, runs on one worker, and never waits twice. Jobs with
    the same `lock` run one at a time. `tries` counts the first one. `given_up(error, **arguments)` is called when it will not be
    tried again; `error` is None when its workers died over it.
    """

    def wrap(function: Callable[..., Any]) -> Task:
        if not every and given_up is not None:
            _given_up[name] = given_up
            run_to_end = _to_its_end(name, function, tries)
            return app.task(name=name, queue=queue, lock=lock, retry=_Patience(tries), pass_context=True)(
                run_to_end
            )
        if not every:
            return app.task(name=name, queue=queue, lock=lock, retry=_Patience(tries))(function)

        def run(timestamp: int = 0) -> None:
            function()

        run.__doc__ = function.__doc__
        task: Task = app.task(name=name, queue=queue, lock=lock or name, queueing_lock=name, retry=False)(run)
        return app.periodic(cron=every)(task)

    return wrap


def _to_its_end(name: str, function: Callable[..., Any], tries: int) -> Callable[..., Any]:
    """What the worker calls with the context of the job, and anybody else without."""

    @functools.wraps(function)
    def run(*context: procrastinate.JobContext, **arguments: Any) -> Any:
        try:
            return function(**arguments)
        except Exception as error:
            if context and context[0].job.attempts + 1 >= tries:
                if not connection.in_atomic_block:
                    close_old_connections()  # one that the failure broke
                _tell_given_up(name, error, arguments)
            raise

    return run


def _tell_given_up(name: str, error: Exception | None, arguments: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            _given_up[name](error, **arguments)
    except Exception:
        log.exception("nobody could be told that %s is given up", name)


def defer(
    task: Task, *, key: str | None = None, after: float = 0, priority: int = 0, **arguments: Any
) -> int | None:
    """Enqueue a job in the running transaction; returns its id, or None when one with the same `key` waits already."""
    options: dict[str, Any] = {"priority": priority}
    if key is not None:
        options["queueing_lock"] = key
    if after:
        options["schedule_at"] = now() + timedelta(seconds=after)
    try:
        with transaction.atomic() if key is not None else contextlib.nullcontext():
            number: int = task.configure(**options).defer(**arguments)
            return number
    except exceptions.AlreadyEnqueued:
        return None


def retry_stalled() -> int:
    """Put back the jobs whose worker died, and fail those that keep killing theirs; returns how many were found.

    Workers' own rows are left to Procrastinate: deleting them here, with jobs locked, would deadlock with its pruning.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, attempts, task_name, queueing_lock, args::text FROM procrastinate_jobs WHERE status = 'doing' AND (worker_id IS NULL "
            "OR worker_id IN (SELECT id FROM procrastinate_workers WHERE last_heartbeat < now() - make_interval(secs => %s))) "
            "FOR UPDATE SKIP LOCKED",
            [STALLED_AFTER],
        )
        rows = cursor.fetchall()
        for number, attempts, name, key, arguments in rows:
            if attempts >= MAX_DEATHS:
                log.error("job %s (%s) has lost its worker %s times and is given up", number, name, attempts)
                cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", [number])
                if name in _given_up:
                    _tell_given_up(name, None, json.loads(arguments))
            elif key and _waits(cursor, key):
                # Two may not wait under one key: the one that does will do the work of both.
                log.warning("job %s (%s) lost its worker; another waits in its place", number, name)
                cursor.execute("UPDATE procrastinate_jobs SET status = 'cancelled' WHERE id = %s", [number])
            else:
                log.warning("job %s (%s) lost its worker and is put back", number, name)
                cursor.execute("SELECT procrastinate_retry_job_v1(%s, now(), NULL, NULL, NULL)", [number])
    return len(rows)


def _waits(cursor: Any, key: str) -> bool:
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = %s)", [key]
    )
    return bool(cursor.fetchone()[0])


@job("core.nightly_backup", every="7 * * * *")
def nightly_backup() -> None:
    """Make the nightly backup when its hour has come, late rather than never; an alarm when it fails."""
    from kith.core.backup import nightly

    nightly.run_if_due()


@job("core.sweep_blobs", every="52 3 * * *")
def sweep_blobs() -> None:
    """Remove files that nobody names any more, a day after that was noticed."""
    from kith.core.sweep import sweep

    sweep()


@job("core.remove_failed_jobs", every="40 2 * * *")
def remove_failed_jobs() -> None:
    """Forget jobs that failed long ago; `kith doctor` has shown them every day until then."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs j WHERE status IN ('failed', 'cancelled', 'aborted') AND NOT EXISTS (SELECT 1 "
            "FROM procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - make_interval(days => %s))",
            [KEEP_FAILED_DAYS],
        )


def work(*, concurrency: int = 4, queues: list[str] | None = None) -> None:
    """Be a worker until SIGTERM or SIGINT; running jobs are finished first. Raises when the database goes away."""
    stop = threading.Event()
    with _stalled_jobs_watched(stop):
        asyncio.run(_work(concurrency, queues))


async def _work(concurrency: int, queues: list[str] | None) -> None:
    """An app of its own fetches jobs by its own connections; the jobs themselves, and what they enqueue, use Django's."""
    worker_app = DjangoApp(
        connector=PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4, timeout=30.0),
        periodic_defaults={"max_delay": 3600.0},
    )
    worker_app.tasks, worker_app.periodic_registry = app.tasks, app.periodic_registry
    async with worker_app.open_async():
        await worker_app.run_worker_async(
            concurrency=concurrency,
            delete_jobs="successful",
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=STALLED_AFTER,
            shutdown_graceful_timeout=15.0,
            install_signal_handlers=True,
            queues=queues,  # type: ignore[arg-type]  # None is every queue
        )


@contextlib.contextmanager
def _stalled_jobs_watched(stop: threading.Event) -> Iterator[None]:
    def watch() -> None:
        while not stop.is_set():
            try:
                close_old_connections()
                retry_stalled()
            except Exception:
                log.exception("could not look for stalled jobs")
                connection.close()
            stop.wait(LOOK_FOR_STALLED)
        connection.close()

    thread = threading.Thread(target=watch, name="stalled-jobs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5.0)


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT (main thread only)."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
