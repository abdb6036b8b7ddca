"""The command `kith`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Annotated

import typer
from platformdirs import user_data_path

from kith.cli import parts, prepare

app = typer.Typer(
    name="kith",
    help="Kith, a self-hosted social CRM. Settings come from the environment: docs/reference/settings.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
MORE = (
    "imports",
    "decide",
    "annotate",
    "listen",
    "backup",
    "erasures",
    "doctor",
    "new_connector",
    "corrections",
)  # modules with `register(app)`


@app.command()
def up(
    only: Annotated[
        list[str] | None, typer.Option(help=f"Run only this part: {', '.join(parts.NAMES)}.")
    ] = None,
) -> None:
    """Run Kith: database, pages, live events, jobs and listeners, until Ctrl-C."""
    from kith.cli.up import up as run

    unknown = [name for name in only or () if name not in parts.NAMES]
    if unknown:
        raise prepare.CommandError(
            f"{unknown[0]} is no part of Kith. The parts are {', '.join(parts.NAMES)}."
        )
    run(tuple(only or ()))


@app.command()
def demo() -> None:
    """Run Kith with a company made up for trying it out; every channel is simulated."""
    from kith.cli.demo import contents
    from kith.cli.up import up as run

    os.environ.setdefault("KITH_HOME", str(user_data_path("kith-demo")))  # never the one of a real company
    run(before=contents)


@app.command()
def upgrade() -> None:
    """Bring the database up to date after a new version: back up, migrate, put back if that fails."""
    from kith.cli.upgrade import UpgradeError, bring_up_to_date

    with prepare.database(prepare.say):
        prepare.setup()
        try:
            done = bring_up_to_date(prepare.say)
        except UpgradeError as error:
            raise prepare.CommandError(str(error)) from error
    prepare.say(f"Done (steps: {len(done)})." if done else "The database is up to date.")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def manage(context: typer.Context) -> None:
    """Run one of Django's own commands with the database running, `kith manage shell` for example."""
    from kith.cli.manage import run

    run(context.args)


for _name in MORE:
    if importlib.util.find_spec(f"kith.cli.{_name}") is not None:
        importlib.import_module(f"kith.cli.{_name}").register(app)


def main() -> None:
    """The entry point: what can go wrong ends with a sentence and code 1."""
    try:
        app(prog_name="kith")
    except prepare.CommandError as error:
        sys.stderr.write(f"kith: {error}\n")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
