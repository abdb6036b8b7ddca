"""`kith up` with real processes: what is killed comes back, what is stopped goes, nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.kithprocess import (
    ROOT,
    Kith,
    alive,
    command_of,
    descendants,
    kith,
    proportional_memory,
    wait_for,
)

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="by design: reads /proc")
MEMORY = 1_000_000_000


@pytest.fixture(scope="module")
def house() -> Iterator[Kith]:
    with kith() as running:
        yield running.up()


def test_each_part_that_is_killed_comes_back(house: Kith) -> None:
    before = house.parts()
    assert len(before) >= 2
    for pid in before:
        below = [child for child in house.tree() if child in _family(pid)]
        os.kill(pid, signal.SIGKILL)
        wait_for(
            lambda pid=pid: pid not in house.parts() and len(house.parts()) == len(before),
            15,
            house.log.read_text,
        )
        wait_for(lambda below=below: not any(alive(child) for child in below), 5)
    wait_for(house.answers, 20, house.log.read_text)
    assert "ended with signal 9; it starts again" in house.log.read_text()


def test_postgresql_that_is_killed_comes_back(house: Kith) -> None:
    server = int((house.home / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])
    os.kill(server, signal.SIGKILL)
    pid_file = house.home / "postgres" / "data" / "postmaster.pid"
    wait_for(
        lambda: pid_file.exists() and int(pid_file.read_text().split("\n")[0]) != server,
        20,
        house.log.read_text,
    )
    assert (
        house.python("from kith.core.models import CompanyValue; print(CompanyValue.objects.count())")
        .strip()
        .isdigit()
    )
    wait_for(house.answers, 20, house.log.read_text)


def test_the_tree_fits_into_a_gigabyte(house: Kith) -> None:
    for _ in range(200):
        house.answers()
    used = proportional_memory([house.process.pid, *house.tree()])  # type: ignore[union-attr]
    print(f"memory of the whole tree: {used / 1e6:.0f} MB")
    assert used < MEMORY


def test_a_second_house_is_refused(house: Kith) -> None:
    refused = house.run("up", ok=False)
    assert refused.returncode == 1
    assert "running already" in refused.stderr


def test_a_command_beside_the_house_leaves_its_database_running(house: Kith) -> None:
    server = int((house.home / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])
    assert house.python("print(2 + 2)").strip() == "4"
    assert house.python("print(2 + 3)").strip() == "5"
    assert alive(server)
    assert house.answers()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(number: signal.Signals) -> None:
    with kith(ready=True) as house:
        house.up()
        below = house.tree()
        assert any("postgres" in command_of(pid) for pid in below)
        assert house.stop(number) == 0
        assert not [command_of(pid) for pid in below if alive(pid)]
        assert not (house.home / "postgres" / "data" / "postmaster.pid").exists()
        assert "Stopped" in house.log.read_text()
        log = (house.home / "postgres" / "server.log").read_text()
        assert "was not properly shut down" not in log


def test_nothing_outlives_a_killed_supervisor() -> None:
    """Not even for as long as a worker would wait for a database: here it notices only when PostgreSQL is gone already."""
    with kith(ready=True) as house:
        house.up()
        with psycopg.connect(f"postgresql://kith@/kith?host={house.home / 'postgres' / 'run'}") as database:
            database.autocommit = True
            wait_for(lambda: database.execute("SELECT 1 FROM procrastinate_workers").fetchone(), 40)
        below, worker = house.tree(), house.parts()[2]
        postgres = [pid for pid in below if "postgres" in command_of(pid)]
        os.kill(worker, signal.SIGSTOP)
        assert house.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_for(lambda: not any(alive(pid) for pid in postgres), 20)
        os.kill(worker, signal.SIGCONT)
        wait_for(
            lambda: not [pid for pid in below if alive(pid)],
            20,
            lambda: str([command_of(p) for p in below if alive(p)]),
        )
        house.up()
        assert house.stop() == 0


def test_a_port_in_use_is_said_in_words() -> None:
    with kith(ready=True) as first, kith() as second:
        first.up()
        second.env["KITH_PORT"] = str(first.port)
        refused = second.run("up", ok=False)
        assert refused.returncode == 1
        assert "KITH_PORT" in refused.stderr


def test_a_wrong_setting_stops_the_start_with_a_sentence() -> None:
    with kith(env={"KITH_WEB_THREADS": "many"}) as house:
        refused = house.run("up", ok=False)
    assert refused.returncode == 2
    assert "KITH_WEB_THREADS" in refused.stderr
    assert "Traceback" not in refused.stderr


def _python_of_everyone() -> tuple[str, str]:
    """A Python that another user can run, with its PYTHONPATH; skips where there is none."""
    version, packages = f"{sys.version_info.major}.{sys.version_info.minor}", Path(pytest.__file__).parents[1]
    for program in (sys.executable, f"/usr/bin/python{version}"):
        with contextlib.suppress(OSError):
            if not subprocess.run(
                [program, "-c", "import django"],
                user="nobody",
                check=False,
                cwd="/",
                env={"PYTHONPATH": str(packages)},
            ).returncode:
                return program, f"{ROOT / 'src'}:{packages}"
    pytest.skip("by design: no Python with our packages can be run by another user here")


@pytest.mark.skipif(os.geteuid() != 0, reason="by design: only root can become somebody else")
def test_it_runs_as_a_normal_user_too() -> None:
    python, path = _python_of_everyone()
    nobody = pwd.getpwnam("nobody")
    with kith() as house:
        os.chown(house.home, nobody.pw_uid, nobody.pw_gid)
        with house.log.open("a") as log:
            house.process = subprocess.Popen(
                [python, "-m", "kith.cli.main", "up"],
                env={**house.env, "HOME": "/nonexistent", "PYTHONPATH": path},
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", text=True, start_new_session=True,
                user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[],
            )  # fmt: skip
        wait_for(lambda: house.answers() or house._fail_if_ended(), 60, house.log.read_text)
        assert {os.stat(f"/proc/{pid}").st_uid for pid in house.tree()} == {nobody.pw_uid}
        assert (house.home / "keys").stat().st_mode & 0o077 == 0
        assert house.stop() == 0


def _family(pid: int) -> set[int]:
    return {pid, *descendants(pid)}


def test_parts_run_elsewhere_on_one_database() -> None:
    """`--only`: a second process tree on the same database, by DATABASE_URL, beside the whole house."""
    with kith(ready=True) as house:
        house.up()
        url = f"postgresql://kith@/kith?host={house.home / 'postgres' / 'run'}"
        with kith(env={"DATABASE_URL": url}) as other:
            with other.log.open("a") as log:
                other.process = subprocess.Popen(
                    [sys.executable, "-m", "kith.cli.main", "up", "--only", "worker"],
                    env=other.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, text=True,
                )  # fmt: skip
            wait_for(lambda: "Running: worker" in other.log.read_text(), 40, other.log.read_text)
            count = "from django.db import connection as c; k = c.cursor(); k.execute('SELECT count(*) FROM procrastinate_workers'); print(k.fetchone()[0])"
            wait_for(lambda: house.python(count).strip() == "2", 40, other.log.read_text)
            assert not other.answers()
            assert other.stop() == 0
        assert house.answers()
