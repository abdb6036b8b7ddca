"""The journal of erasures on the command line: `kith erasures`, and what `restore` and `doctor` do with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kith.base.sayings import said
from kith.cli import prepare
from kith.cli.prepare import CommandError, say

if TYPE_CHECKING:
    from kith.cli.examine import Finding


def register(app: typer.Typer) -> None:
    app.command(name="erasures")(erasures)


def erasures(
    journal: Annotated[
        list[Path] | None,
        typer.Option(
            "--journal",
            help="Take in the erasures.journal of another machine or home first; can be repeated.",
        ),
    ] = None,
) -> None:
    """Erase again who was erased since this database was saved, by the journal of erasures in KITH_HOME."""
    with prepare.database(say):
        prepare.setup()
        from kith.workspace import erasure_again

        take_in(journal or [])
        try:
            erasure_again.journal_fill()
            found = erasure_again.erasures_apply(say, erasure_again.BROKEN_OFF)
        except OSError as error:
            raise CommandError(f"The journal of erasures can't be written: {error}") from error
        state = erasure_again.journal_state()
    print(f"Erasures in the journal: {state.entries}. People found and erased again: {found}.")


def take_in(journals: Sequence[Path]) -> None:
    """Add other journals to that of this home. Raises CommandError before anything else is done."""
    from kith.core import erasures as journal

    try:
        read = [journal.read(path.absolute()) for path in journals]
        for path, found in zip(journals, read, strict=True):
            added = journal.add(found.entries)
            say(f"Erasures taken in from {path}: {added}")
    except (journal.JournalError, OSError) as error:
        raise CommandError(str(error)) from error


def rescue() -> None:
    """Before a database is replaced: what other machines have erased stands there, and perhaps in no journal of ours."""
    from django.db import Error

    from kith.workspace.erasure_again import journal_fill

    try:
        journal_fill()
    except Error:
        say(
            "The database that is replaced could not be asked for its erasures; the journal of this home is used."
        )


def tell_after_restore() -> None:
    """Where no journal was there to be applied, or one that can't be understood whole."""
    from kith.core import erasures as journal
    from kith.workspace.erasure_again import journal_state

    state = journal_state()
    if not state.entries:
        say(
            "There is no journal of erasures here. If this backup was made in another KITH_HOME, people who were erased "
            "there since are back: copy erasures.journal (and keys) from there, and run: kith erasures --journal FILE"
        )
    elif state.other_key:
        say(
            f"Erasures in {journal.path()} that were written with another key: {state.other_key}. People are found by "
            "their ids alone; with the key file of that home (or its line added below ours) by their addresses, too."
        )


def examine() -> Iterator[Finding]:
    """The look of `kith doctor`."""
    from kith.cli.examine import Finding
    from kith.core import erasures as journal
    from kith.workspace.erasure_again import journal_state

    state, path = journal_state(), journal.path()
    if path.exists() and path.stat().st_mode & 0o077:
        yield Finding(
            "erasures",
            "problem",
            said("Other users of this machine can read {path}.", path=path),
            f"chmod 0600 {path}",
        )
    if state.due:
        yield Finding(
            "erasures",
            "problem",
            said(
                "People who were erased and are in this database again, or broke off: {count}.",
                count=state.due,
            ),
            said("Run: kith erasures"),
        )
    if state.missing:
        yield Finding(
            "erasures",
            "warning",
            said(
                "Erasures of other machines that are not in the journal of this one: {count}.",
                count=state.missing,
            ),
            said("Run: kith erasures"),
        )
    if state.damaged:
        yield Finding(
            "erasures",
            "problem",
            said("Lines of {path} that can't be read: {count}.", path=path, count=state.damaged),
            said("Take in the copy of another machine or a copy of yours: kith erasures --journal FILE"),
        )
    if state.other_key:
        yield Finding(
            "erasures",
            "warning",
            said("Erasures written with a key that is not here: {count}.", count=state.other_key),
            said(
                "Add the line of that key to the end of the key file, so that their addresses are known again."
            ),
        )
    if not (state.due or state.missing or state.damaged):
        yield Finding(
            "erasures", "ok", said("Every erasure of the journal is applied: {count}.", count=state.entries)
        )
