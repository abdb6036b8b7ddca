"""`kith new-connector NAME`: the start of a connector, which passes the conformance suite as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kith.cli.prepare import CommandError, say
from kith.connectors.scaffold import ScaffoldError, create_connector


def register(app: typer.Typer) -> None:
    app.command("new-connector")(new_connector)


def new_connector(
    name: Annotated[str, typer.Argument(help="Small letters, digits, underscores: the name of the network.")],
    into: Annotated[
        Path | None, typer.Option(help="Folder to make it in. Default: Kith's own connectors, in a checkout.")
    ] = None,
) -> None:
    """Write the folder of a new connector and its test, and say what to do next."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parents[1]
    tests = checkout / "tests" / "connectors"
    if into is None and not tests.is_dir():
        raise CommandError(
            "This Kith is installed, not checked out; say where the folder should go with --into."
        )
    try:
        written = create_connector(
            name, into.absolute() if into else package / "connectors", tests=None if into else tests
        )
    except ScaffoldError as error:
        raise CommandError(str(error)) from error
    for path in written:
        print(path)
    say(f"It passes already: python -m pytest {written[-1]}")
    say("Now put the network's own words in, from the top of that list to its end.")
