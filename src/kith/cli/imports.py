"""`kith import`: mail and people from files."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kith.cli import prepare


class FileKind(StrEnum):
    MBOX = "mbox"
    MAILDIR = "maildir"
    EML = "eml"
    VCARD = "vcard"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    app.command(name="import")(import_)


def import_(
    kind: Annotated[FileKind, typer.Argument(help="What the file is.")],
    path: Annotated[Path, typer.Argument(help="A file, or a folder of them.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count and show examples; write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of counts as JSON.")] = False,
) -> None:
    """Import mail (mbox, maildir, eml) or people (vcard, csv). Running it twice doubles nothing."""
    with prepare.database():
        prepare.setup()
        from kith.cli.upgrade import bring_up_to_date
        from kith.workspace.imports import ImportRefused, ImportResult, import_run

        def progress(result: ImportResult) -> None:
            print(f"\r{result.read:,} read, {result.visible:,} visible", end="", file=sys.stderr, flush=True)

        bring_up_to_date(prepare.say)
        try:
            result = import_run(kind.value, path, dry_run=dry_run, progress=progress)
        except ImportRefused as error:
            print(f"kith: {error}", file=sys.stderr)
            raise typer.Exit(2) from error
    print(file=sys.stderr)
    for header, attribute in result.mapping.items():
        print(f"  {header}: {attribute or 'left out'}", file=sys.stderr)
    if dry_run:
        for example in result.examples:
            print(f"  {json.dumps(example, ensure_ascii=False)[:300]}", file=sys.stderr)
    if as_json:
        print(json.dumps(result.counts()))
    else:
        print(
            f"{result.read:,} read, {result.visible:,} visible, {result.unreadable:,} of them unreadable, "
            f"{result.skipped:,} already there"
        )
