"""Bringing the database up to date, with a way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


class UpgradeError(Exception):
    """A migration failed; the message says what state the database is in."""


Report = Callable[[str], None]
LOCK = 0x6B697468  # "kith": one migration at a time, whatever machine it runs on


def pending() -> list[str]:
    """The migrations that the code has and the database has not."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def is_empty() -> bool:
    """Whether this database has never been migrated."""
    from django.db import connection

    return "django_migrations" not in connection.introspection.table_names()


def bring_up_to_date(report: Report, *, backup: bool = True) -> list[str]:
    """Migrate; returns what was applied. An existing database is backed up first and put back if a migration fails."""
    from django.db import connection

    from kith.core.secrets import ensure_key

    ensure_key()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            todo = pending()
            if todo:
                _apply(todo, report, backup=backup and not is_empty())
            _run("createcachetable")
        finally:
            if connection.is_usable():
                connection.cursor().execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return todo


def _apply(todo: list[str], report: Report, *, backup: bool) -> None:
    if not backup:
        report(f"Making the tables (steps: {len(todo)})")
        _run("migrate", interactive=False)
        return
    from kith.core.backup import making, nightly

    path = nightly.new_path("kith-before-upgrade-")
    report(f"Backing up to {path}")
    making.make(path)
    report(f"Bringing the database up to date (steps: {len(todo)})")
    try:
        _run("migrate", interactive=False)
    except Exception as error:
        report("That failed; putting the database back as it was")
        _put_back(path)
        raise UpgradeError(
            f"The upgrade failed at: {type(error).__name__}: {error}\nThe database is as it was before (from {path}); "
            "run the version of Kith that you had, and tell its authors."
        ) from error


def _put_back(path: Path) -> None:
    """The tables of a backup just made; attachments and keys have not been touched."""
    from kith.core.backup import making

    making.restore_tables(path)


def _run(name: str, **options: Any) -> None:
    from django.core.management import call_command

    call_command(name, verbosity=0, **options)
