"""Jobs: enqueued in the transaction, one that waits for each key, put back when their worker dies, tried again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app

from kith.core import jobs
from tests.support.kithprocess import ROOT, wait_for

PROBE = """
import os, sys, time
from pathlib import Path
import django
django.setup()
from django.db import transaction
from kith.core import jobs
from kith.core.company import set_value

@jobs.job("tests.probe")
def probe(folder):
    with open(Path(folder) / "runs", "a") as file:
        file.write(f"{os.getpid()}\\n")
    if len((Path(folder) / "runs").read_text().split()) == 1:
        time.sleep(60)
    with transaction.atomic():
        set_value("probed", True)
        jobs.defer(after, folder=folder)

@jobs.job("tests.after")
def after(folder):
    (Path(folder) / "after").touch()

@jobs.job("tests.fails", tries=3)
def fails(folder):
    with open(Path(folder) / "failures", "a") as file:
        file.write("x")
    raise ValueError("on purpose")

jobs.HEARTBEAT, jobs.STALLED_AFTER, jobs.LOOK_FOR_STALLED = 0.2, 1.0, 0.2
if sys.argv[1] == "work":
    jobs.work(concurrency=2)
else:
    jobs.defer({"probe": probe, "fails": fails}[sys.argv[1]], folder=sys.argv[2])
"""


@pytest.fixture
def task() -> Any:
    name = f"tests.nothing_{time.monotonic_ns()}"

    @jobs.job(name)
    def nothing(*, number: int) -> None: ...

    yield nothing
    app.tasks.pop(name)


def waiting(name: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args, queueing_lock, scheduled_at > now() FROM procrastinate_jobs WHERE task_name = %s",
            [name],
        )
        return [
            {"args": json.loads(args), "key": key, "later": later} for args, key, later in cursor.fetchall()
        ]


@pytest.mark.django_db(transaction=True)
def test_a_job_goes_with_its_transaction(task: Any) -> None:
    with transaction.atomic():
        jobs.defer(task, number=1)
        assert len(waiting(task.name)) == 1
        transaction.set_rollback(True)
    assert waiting(task.name) == []
    with transaction.atomic():
        jobs.defer(task, number=2)
    assert [job["args"] for job in waiting(task.name)] == [{"number": 2}]


@pytest.mark.django_db
def test_one_waits_for_each_key_and_the_transaction_lives_on(task: Any) -> None:
    assert jobs.defer(task, key="a", number=1) is not None
    assert jobs.defer(task, key="a", number=2) is None
    assert jobs.defer(task, key="b", after=60, number=3) is not None
    assert [(job["args"]["number"], job["later"]) for job in waiting(task.name)] == [(1, None), (3, True)]


@pytest.mark.django_db
def test_a_job_that_keeps_killing_its_workers_is_given_up(task: Any) -> None:
    number = jobs.defer(task, number=1)
    with connection.cursor() as cursor:
        for _ in range(jobs.MAX_DEATHS):
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [number])
            assert jobs.retry_stalled() == 1
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [number])
        jobs.retry_stalled()
        cursor.execute("SELECT status, attempts FROM procrastinate_jobs WHERE id = %s", [number])
        assert cursor.fetchone() == ("failed", jobs.MAX_DEATHS)


@pytest.mark.django_db
def test_the_jobs_of_a_dead_worker_make_way_for_one_that_waits_under_their_key(task: Any) -> None:
    """Two may not wait under one key; that must not keep the others from being put back, nor the key from its work."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")  # what other tests left
        other = jobs.defer(task, number=1)
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        for number in (2, 3):  # two that died, and one that waits
            jobs.defer(task, key="a", number=number)
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo'")
        waits = jobs.defer(task, key="a", number=4)
        assert jobs.retry_stalled() == 3
        assert jobs.retry_stalled() == 0
        cursor.execute("SELECT id FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        assert [row[0] for row in cursor.fetchall()] == [other, waits]


@pytest.mark.django_db
def test_of_two_that_died_under_one_key_one_is_put_back(task: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        for number in (1, 2):
            jobs.defer(task, key="a", number=number)
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo'")
        assert jobs.retry_stalled() == 2
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
        assert cursor.fetchone()[0] == 1


class Workers:
    """Worker processes on the test's database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.script, self.folder = folder / "probe.py", folder
        self.script.write_text(PROBE)
        self.env = {
            **os.environ, "DATABASE_URL": url, "KITH_ENV": "test", "PYTHONPATH": str(ROOT / "src"),
            "DJANGO_SETTINGS_MODULE": "kith.config.settings",
        }  # fmt: skip
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            self.running.append(
                subprocess.Popen([sys.executable, self.script, "work"], env=self.env, stdout=log, stderr=log)
            )
        return self.running[-1]

    def defer(self, name: str) -> None:
        subprocess.run([sys.executable, self.script, name, self.folder], env=self.env, check=True, timeout=60)

    def words(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture
def workers(transactional_db: None, database_url: str, tmp_path: Path) -> Any:
    found = Workers(database_url, tmp_path)
    yield found
    for process in found.running:
        process.kill()
        process.wait()


def test_the_job_of_a_killed_worker_is_done_by_another(workers: Workers, tmp_path: Path) -> None:
    workers.defer("probe")
    first = workers.start()
    wait_for(lambda: (tmp_path / "runs").exists(), 30, workers.words)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = workers.start()
    wait_for(lambda: (tmp_path / "after").exists(), 40, workers.words)
    assert (tmp_path / "runs").read_text().split() == [str(first.pid), str(second.pid)]
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0, workers.words()


def test_a_job_that_fails_is_tried_again_and_then_kept_as_failed(workers: Workers, tmp_path: Path) -> None:
    workers.defer("fails")
    workers.start()
    wait_for(
        lambda: (tmp_path / "failures").exists() and (tmp_path / "failures").read_text() == "xxx",
        40,
        workers.words,
    )

    def status() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT status FROM procrastinate_jobs WHERE task_name = 'tests.fails'")
            return str(cursor.fetchone()[0])

    wait_for(lambda: status() == "failed", 10, workers.words)
