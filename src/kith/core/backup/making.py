"""Making a backup, and putting one back."""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from kith.base.clock import now
from kith.core import blobs
from kith.core.backup import keys, tables
from kith.core.backup.archive import Reader, Writer
from kith.core.backup.errors import BackupError

Report = Callable[[str], None]
SUFFIX = ".kithbackup"
WITHOUT_KEYS = (
    "The keys are not in this backup, because no passphrase was given. Keep a copy of {folder} elsewhere: without it the "
    "passwords of your channels and the list of people never to contact can't be read after a restore."
)
_restored: list[Callable[[datetime], None]] = []
_settled: list[Callable[[Report], None]] = []


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup holds."""

    path: Path
    rows: int
    blobs: int
    size: int
    with_keys: bool


def on_restored(callback: Callable[[datetime], None]) -> None:
    """Register what a room does after a restore, with the time of the backup: whatever was under way then may have been
    finished since, and must not be done again unasked."""
    _restored.append(callback)


def on_settled(callback: Callable[[Report], None]) -> None:
    """Register what a room does after a restore once every room has had its `on_restored`: it may take long, and tells."""
    _settled.append(callback)


def key_files() -> dict[str, Path]:
    environment = settings.KITH
    return {
        "secrets.key": environment.secrets_key_path,
        "signing.key": environment.home / "keys" / "signing.key",
    }


def make(path: Path, *, passphrase: str = "", report: Report = lambda _: None) -> Summary:
    """Write a backup to `path`; raises BackupError. Kith may go on working meanwhile."""
    started, rows = now(), {}
    with Writer(path) as writer:
        with tables.snapshot() as cursor:
            found = tables.all_tables(cursor)
            for number, table in enumerate(found, 1):
                report(f"[{number}/{len(found)}] {table.name}")
                rows[table.name] = tables.count(cursor, table.name)
                writer.add(f"tables/{table.name}", tables.read(cursor, table))
            numbers = tables.sequences(cursor)
            cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
            migrations = [list(row) for row in cursor.fetchall()]
        report("Attachments")
        stored = sum(1 for _ in _add_blobs(writer))
        sealed = keys.collect(key_files()) if passphrase else {}
        if sealed:
            writer.add("keys", [keys.seal(sealed, passphrase)], compress=False)
        writer.finish(
            {
                "kith": importlib.metadata.version("kithcrm") if _installed() else "",
                "made_at": started.isoformat(),
                "tables": {t.name: {"columns": list(t.columns), "rows": rows[t.name]} for t in found},
                "sequences": numbers,
                "migrations": migrations,
                "blobs": stored,
            }
        )
    if not passphrase:
        report(WITHOUT_KEYS.format(folder=settings.KITH.secrets_key_path.parent))
    return Summary(path, sum(rows.values()), stored, path.stat().st_size, bool(sealed))


def check(path: Path) -> Summary:
    """Read a backup to its last byte; raises BackupError."""
    with Reader(path) as reader:
        reader.check()
        return _summary(path, reader)


def restore(
    path: Path, *, passphrase: str = "", force: bool = False, report: Report = lambda _: None
) -> Summary:
    """Put a backup back; raises BackupError before anything is changed when it is damaged or something is in the way."""
    with Reader(path) as reader:
        report("Checking the backup")
        reader.check()
        opened = _open_keys(reader, passphrase, report)
        _refuse_newer(reader)
        if not _is_empty():
            if not force:
                raise BackupError(
                    f"There is a company in this database or in {settings.KITH.home} already. Restore into an empty "
                    "KITH_HOME, or replace what is there with --force."
                )
            report("Removing what is there")
            _set_aside_blobs(report)
            tables.drop_everything()
        report("Making the tables")
        _migrate_to(reader)
        _load(reader, report)
        report("Attachments")
        _restore_blobs(reader)
        for kept in keys.put_back(opened, key_files()):
            report(f"Another key file was there; it is now {kept}")
        if not opened:
            report(WITHOUT_KEYS.format(folder=settings.KITH.secrets_key_path.parent))
        made_at = datetime.fromisoformat(reader.manifest["made_at"])
        summary = _summary(path, reader)
    call_command("migrate", verbosity=0, interactive=False)
    for callback in _restored:
        callback(made_at)
    for told in _settled:
        told(report)
    return summary


def restore_tables(path: Path) -> None:
    """Make the database what it was when `path` was written, by the same Kith, moments ago; nothing else is touched."""
    with Reader(path) as reader:
        tables.drop_everything()
        _migrate_to(reader)
        _load(reader, lambda _: None)


def _summary(path: Path, reader: Reader) -> Summary:
    rows = sum(int(table["rows"]) for table in reader.manifest["tables"].values())
    return Summary(path, rows, int(reader.manifest["blobs"]), path.stat().st_size, bool(reader.names("keys")))


def _add_blobs(writer: Writer) -> Iterator[str]:
    for digest in blobs.all_digests():
        with contextlib.suppress(FileNotFoundError), blobs.open_blob(digest) as file:
            writer.add(f"blobs/{digest}", iter(partial(file.read, blobs.CHUNK), b""), compress=False)
            yield digest


def _open_keys(reader: Reader, passphrase: str, report: Report) -> dict[str, bytes]:
    if not reader.names("keys"):
        return {}
    if not passphrase:
        report(
            "This backup holds keys; they stay in it, because no passphrase was given (--passphrase-file)."
        )
        return {}
    return keys.unseal(reader.read("keys"), passphrase)


def _refuse_newer(reader: Reader) -> None:
    known = set(MigrationExecutor(connection).loader.disk_migrations)
    unknown = [name for name in map(tuple, reader.manifest["migrations"]) if name not in known]
    if unknown:
        app, name = unknown[0]
        raise BackupError(
            f"This backup was made by a newer Kith ({reader.manifest['kith']}): {app}.{name} is unknown here. "
            "Install that version, restore, and go on from there."
        )


def _is_empty() -> bool:
    if next(blobs.all_digests(), None) is not None:
        return False
    with connection.cursor() as cursor:
        found = {table.name for table in tables.all_tables(cursor)}
        filled = found - {"django_migrations", "django_content_type", "auth_permission", "core_cache"}
        return not any(tables.count(cursor, name) for name in filled if not name.startswith("procrastinate_"))


def _migrate_to(reader: Reader) -> None:
    """Make the tables as they were when the backup was made."""
    applied = {(app, name) for app, name in reader.manifest["migrations"]}
    executor = MigrationExecutor(connection)
    current = set(executor.loader.applied_migrations)
    if current - applied:
        tables.drop_everything()
        executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    targets = [
        key
        for key in applied
        if key in graph.nodes and not any(c.key in applied for c in graph.node_map[key].children)
    ]
    executor.migrate(targets)
    call_command("createcachetable", verbosity=0)


def _load(reader: Reader, report: Report) -> None:
    with tables.loading() as cursor:
        there = {table.name for table in tables.all_tables(cursor)}
        wanted: dict[str, Any] = reader.manifest["tables"]
        for number, (name, content) in enumerate(wanted.items(), 1):
            if name not in there:
                raise BackupError(f"The table {name} of this backup is unknown here.")
            report(f"[{number}/{len(wanted)}] {name}")
            tables.write(
                cursor, tables.Table(name, tuple(content["columns"])), reader.chunks(f"tables/{name}")
            )
            if tables.count(cursor, name) != content["rows"]:
                raise BackupError(f"The table {name} did not come back whole.")
        tables.set_sequences(cursor, reader.manifest["sequences"])


def _restore_blobs(reader: Reader) -> None:
    for name in reader.names("blobs/"):
        digest, _ = blobs.put(reader.chunks(name))
        if digest != name.removeprefix("blobs/"):
            raise BackupError(f"{name} in the backup is damaged (its checksum differs).")


def _set_aside_blobs(report: Report) -> None:
    folder = blobs.folder()
    if folder.exists():
        aside = folder.with_name(f"{blobs.ASIDE}{int(time.time())}")
        shutil.move(folder, aside)
        report(f"The attachments that were there are now in {aside}")


def _installed() -> bool:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return bool(importlib.metadata.version("kithcrm"))
    return False
