"""The embedded server's life: made, started, used by several processes at once, stopped by the last of them.

Who uses the server holds a shared lock on `users.lock`; who leaves takes `start.lock`, tries for the exclusive lock, and
stops the server when it gets it. Locks die with their process, so a killed command leaves nothing behind but a server
that the next one uses and stops.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg

from kith.core.postgres import binaries
from kith.core.postgres.errors import ClusterError
from kith.core.postgres.location import Location, make_home

SUPERUSER = "postgres"
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin", "citext")
START_SECONDS, STOP_SECONDS, LOG_BYTES = 120.0, 60.0, 8_000_000
Report = Callable[[str], None]
_PR_SET_PDEATHSIG = 1

# Small on purpose: three users, one machine, 1 GB for everything.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_max_workers": "2",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
    # An error tells what was wrong, never the values of a row: an erasure does not reach the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "4GB"}


def quiet(_: str) -> None:
    """A report that nobody reads."""


def running(place: Location) -> int | None:
    """The process id of the server on this data folder, or None."""
    try:
        pid = int((place.data / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    try:
        return pid if Path(os.readlink(f"/proc/{pid}/cwd")) == place.data.resolve() else None
    except FileNotFoundError:
        return pid if not Path("/proc/self").exists() else None
    except OSError:
        return pid


def ready(place: Location) -> bool:
    """Whether the server takes connections now."""
    return _why_not_ready(place) is None


@contextlib.contextmanager
def use(
    place: Location, *, durable: bool = True, die_with_parent: bool = False, report: Report = quiet
) -> Iterator[Location]:
    """Have the server running inside the block; raises ClusterError. The last user's end stops it."""
    _make_folder(place)
    users = os.open(place.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with start_lock(place):
            fcntl.flock(users, fcntl.LOCK_SH)
            start(place, durable=durable, die_with_parent=die_with_parent, report=report)
        try:
            yield place
        finally:
            with start_lock(place), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                report("Stopping PostgreSQL")
                stop(place)
    finally:
        os.close(users)


@contextlib.contextmanager
def start_lock(place: Location) -> Iterator[None]:
    """One start or stop at a time."""
    descriptor = os.open(place.folder / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def start(
    place: Location, *, durable: bool = True, die_with_parent: bool = False, report: Report = quiet
) -> None:
    """Start the server unless it runs, making its data first where there are none. Hold `start_lock`."""
    if running(place) is None:
        if not (place.data / "PG_VERSION").exists():
            report("Making the database (the first time only)")
            _initialise(place, durable=durable)
        _check_version(place)
        (place.data / "postmaster.pid").unlink(missing_ok=True)
        make_socket_folder(place)
        report("Starting PostgreSQL")
        _launch(place, durable=durable, die_with_parent=die_with_parent)
    _wait_until_ready(place)
    _make_database(place)


def stop(place: Location, *, seconds: float = STOP_SECONDS) -> None:
    """Stop the server, ending its connections; returns when it is gone. Raises ClusterError if it does not go."""
    pid = running(place)
    if pid is None:
        return
    for number, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            _reap(pid)
            if running(place) is None:
                return
            time.sleep(0.02)
    raise ClusterError(f"PostgreSQL (process {pid}) does not stop. See {place.log}.")


def superuser_connection(place: Location, database: str = "postgres") -> psycopg.Connection:
    """A connection that may do everything; for making databases, never for the application."""
    return psycopg.connect(
        host=str(place.socket_folder),
        port=place.port,
        user=SUPERUSER,
        dbname=database,
        autocommit=True,
        connect_timeout=10,
    )


def run_program(place: Location, arguments: Sequence[str | Path], *, what: str) -> str:
    """Run one of the server's programs as its owner; returns its output, raises ClusterError with its last words."""
    owner = place.owner
    folder = binaries.folder_for(owner)
    switch = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner.switch else {}
    done = subprocess.run(
        [str(folder / arguments[0]), *map(str, arguments[1:])],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_environment(),
        **switch,  # type: ignore[call-overload]
    )
    if done.returncode:
        raise ClusterError(f"{what} failed: {(done.stderr or done.stdout).strip()[-600:]}")
    return str(done.stdout)


def make_socket_folder(place: Location) -> None:
    """The socket's folder, 0700 and the server's; refuses one that somebody else put there."""
    folder, owner = place.socket_folder, place.owner
    if folder.parent.parent == _system():
        _make_system_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if owner.switch:
            os.chown(folder, owner.uid, owner.gid)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (owner.uid, os.geteuid()):
        raise ClusterError(
            f"{folder} belongs to another user; nothing is trusted there. Remove it and start again."
        )
    if owner.switch and status.st_uid != owner.uid:
        os.chown(folder, owner.uid, owner.gid)
    folder.chmod(0o700)


def _system() -> Path:
    from kith.core.postgres import location

    return location.SYSTEM_FOLDER


def _make_system_folder(folder: Path) -> None:
    for path in (folder.parent, folder):
        path.mkdir(mode=0o711, exist_ok=True)
        if path.lstat().st_uid != os.geteuid():
            raise ClusterError(f"{path} belongs to another user; PostgreSQL's data can't lie there.")
        path.chmod(0o711)


def _make_folder(place: Location) -> None:
    make_home(place.folder.parent)
    if not place.folder.exists():
        place.folder.mkdir(parents=True, exist_ok=True)
        place.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _initialise(place: Location, *, durable: bool) -> None:
    """initdb into a folder beside the data, renamed when complete: a killed start leaves no half cluster."""
    owner = place.owner
    inside = place.data.parent == place.folder
    if not inside:
        _make_system_folder(place.data.parent)
    if place.data.exists() and any(place.data.iterdir()):
        raise ClusterError(f"{place.data} is not empty and is no database. Move it away and start again.")
    draft = place.data.with_name(f"{place.data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if owner.switch:
        os.chown(draft, owner.uid, owner.gid)
    arguments: list[str | Path] = [
        "initdb",
        "-D",
        draft,
        "-U",
        SUPERUSER,
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]
    run_program(place, [*arguments, *([] if durable else ["--no-sync"])], what="Making the database")
    if place.data.exists():
        place.data.rmdir()
    draft.rename(place.data)
    if not inside:
        place.place_file.write_text(f"{place.data}\n", encoding="utf-8")


def _check_version(place: Location) -> None:
    found = (place.data / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != str(binaries.major()):
        raise ClusterError(
            f"The data in {place.data} were written by PostgreSQL {found}; this Kith brings {binaries.major()}. "
            "Back them up with the Kith that wrote them (kith backup) and restore that file with this one (kith restore)."
        )
    if place.data.parent != place.folder and not place.place_file.exists():
        raise ClusterError(
            f"{place.data} holds the database of an earlier KITH_HOME at {place.folder.parent}. Remove that folder if it "
            f"is not needed any more, or write its path into {place.place_file} to use it."
        )


def _launch(place: Location, *, durable: bool, die_with_parent: bool) -> None:
    owner = place.owner
    settings = {**SETTINGS, **({} if durable else NOT_DURABLE)}
    settings |= {"unix_socket_directories": str(place.socket_folder), "port": str(place.port)}
    command = [str(binaries.folder_for(owner) / "postgres"), "-D", str(place.data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    if place.log.exists() and place.log.stat().st_size > LOG_BYTES:
        place.log.replace(place.log.with_suffix(".log.old"))
    switch = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner.switch else {}
    log = os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        _children.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                preexec_fn=end_with_parent if die_with_parent else None,
                **switch,  # type: ignore[call-overload]
            )
        )
    finally:
        os.close(log)


_children: list[subprocess.Popen[bytes]] = []


def end_with_parent(number: int = signal.SIGINT) -> None:
    """In a new child on Linux: get `number` when the parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def _reap(pid: int) -> None:
    for child in _children:
        if child.pid == pid:
            child.poll()


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": "/", "TZ": "UTC"}


def _why_not_ready(place: Location) -> str | None:
    try:
        superuser_connection(place).close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return None


def _wait_until_ready(place: Location) -> None:
    end, pause = time.monotonic() + START_SECONDS, 0.02
    while (why := _why_not_ready(place)) is not None:
        for child in _children:
            child.poll()
        ended = bool(_children) and _children[-1].returncode is not None and running(place) is None
        if ended or time.monotonic() > end:
            raise ClusterError(f"PostgreSQL did not start. {_last_words(place) or why} (log: {place.log})")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def _last_words(place: Location) -> str:
    """Why the server says it ended: its last fatal line, else its last line at all."""
    try:
        lines = place.log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-20:]
    except OSError:
        return ""
    grave = [line for line in lines if "FATAL" in line or "PANIC" in line or "could not" in line]
    return (grave or lines or [""])[-1][-400:]


def _make_database(place: Location) -> None:
    with superuser_connection(place) as connection:
        row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [place.database]).fetchone()
        if row is not None:
            return
    with superuser_connection(place, "template1") as template:
        for name in EXTENSIONS:
            template.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
        template.execute("DROP ROLE IF EXISTS kith")
        template.execute("CREATE ROLE kith LOGIN CREATEDB")
    with superuser_connection(place) as connection:
        connection.execute(f'CREATE DATABASE "{place.database}" OWNER kith')
