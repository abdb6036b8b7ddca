"""Bringing the database up to date, with a way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    report(f"Bringing the database up to date (steps: {len(todo)})")
    _run("migrate", interactive=False)


def _run(name: str, **options: Any) -> None:
    from django.core.management import call_command

    call_command(name, verbosity=0, **options)
