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
    app.command(name="import-undo")(import_undo)


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

        so_far: ImportResult | None = None

        def progress(result: ImportResult) -> None:
            nonlocal so_far
            so_far = result
            print(f"\r{result.read:,} read, {result.visible:,} visible", end="", file=sys.stderr, flush=True)

        bring_up_to_date(prepare.say)
        try:
            result = import_run(kind.value, path, dry_run=dry_run, progress=progress)
        except ImportRefused as error:
            print(f"\nkith: {error}", file=sys.stderr)
            if so_far is not None and so_far.visible and so_far.import_id:
                print(
                    f"Before that, {so_far.visible:,} came in; `kith import-undo {so_far.import_id}` takes them back.",
                    file=sys.stderr,
                )
            raise typer.Exit(2) from error
    print(file=sys.stderr)
    for header, attribute in result.mapping.items():
        print(f"  {header}: {attribute or 'left out'}", file=sys.stderr)
    if dry_run:
        for example in result.examples:
            print(f"  {json.dumps(example, ensure_ascii=False)[:300]}", file=sys.stderr)
    if result.erased:
        print(f"  {result.erased:,} asked to be erased and are not brought back", file=sys.stderr)
    if result.import_id:
        print(f"  `kith import-undo {result.import_id}` takes it back.", file=sys.stderr)
    if as_json:
        print(json.dumps(result.counts()))
    else:
        print(
            f"{result.read:,} read, {result.visible:,} visible, {result.unreadable:,} of them unreadable, "
            f"{result.skipped:,} already there"
        )


def import_undo(
    import_id: Annotated[
        str,
        typer.Argument(help="The import, as `kith import` named it; without it, the last ones are listed."),
    ] = "",
) -> None:
    """Take back an import: what it brought and nobody has worked with since."""
    with prepare.database():
        prepare.setup()
        from kith.core.fields import as_uuid
        from kith.workspace.imports import ImportRefused
        from kith.workspace.imports import import_undo as take_back
        from kith.workspace.models import Import

        if not import_id:
            for row in Import.objects.order_by("-id")[:20]:
                print(
                    f"{row.pk}  {row.created_at:%Y-%m-%d %H:%M}  {row.state:8}  {row.visible:>9,}  {row.kind:7}  {row.source}"
                )
            return
        key = as_uuid(import_id)
        record = Import.objects.filter(pk=key).first() if key else None
        if record is None:
            print(
                f"kith: there is no import {import_id}; `kith import-undo` lists the last ones.",
                file=sys.stderr,
            )
            raise typer.Exit(2)
        try:
            gone = take_back(record)
        except ImportRefused as error:
            print(f"kith: {error}", file=sys.stderr)
            raise typer.Exit(2) from error
    print(f"{gone:,} taken back")
