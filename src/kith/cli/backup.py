"""`kith backup` and `kith restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kith.cli import prepare
from kith.cli.prepare import CommandError, say

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File whose first line encrypts the keys in the backup."),
]


def register(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(
    path: Annotated[
        Path | None, typer.Argument(help="File to write. Default: a new one in KITH_HOME/backups.")
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write everything (database, attachments, keys if there is a passphrase) into one file. Kith may go on running."""
    with prepare.database():
        environment = prepare.setup()
        from kith.core.backup import making, nightly
        from kith.core.backup.errors import BackupError

        try:
            target = path.absolute() if path else nightly.new_path()
            chosen = passphrase_file or environment.backup_passphrase_file
            passphrase = nightly.read_passphrase(chosen) if chosen else ""
            done = making.make(target, passphrase=passphrase, report=say)
            say("Checking what was written")
            making.check(target)
        except BackupError as error:
            raise CommandError(str(error)) from error
    _tell("Backed up", done)
    print(done.path)


def restore(
    path: Annotated[Path, typer.Argument(help="A file that `kith backup` wrote.")],
    passphrase_file: PassphraseFile = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    journal: Annotated[
        list[Path] | None,
        typer.Option(
            "--journal",
            help="The erasures.journal of the home that the backup is from, where that is another one; can be repeated.",
        ),
    ] = None,
) -> None:
    """Put a backup back, into an empty KITH_HOME. Who was erased since is erased again."""
    environment = prepare.settings()
    from kith.cli.up import running_house

    if running_house(environment.home) is not None:
        raise CommandError("Kith is running. Stop it, restore, and start it again.")
    with prepare.database(say):
        prepare.setup()
        from kith.cli import erasures
        from kith.core.backup import making, nightly
        from kith.core.backup.errors import BackupError

        erasures.take_in(journal or [])
        if force:
            erasures.rescue()
        try:
            passphrase = nightly.read_passphrase(passphrase_file) if passphrase_file else ""
            done = making.restore(path.absolute(), passphrase=passphrase, force=force, report=say)
        except BackupError as error:
            raise CommandError(str(error)) from error
        erasures.tell_after_restore()
    _tell("Restored", done)


def _tell(what: str, done: Any) -> None:
    size = f"{done.size / 1_000_000:.1f} MB"
    say(
        f"{what}: {done.rows} rows, {done.blobs} attachments, {size}, keys {'included' if done.with_keys else 'left out'}"
    )
