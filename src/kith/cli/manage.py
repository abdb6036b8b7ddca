"""Django's own commands (`python -m kith.cli.manage COMMAND`, `kith manage COMMAND`) with the database running."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from kith.cli import prepare

WITHOUT_DATABASE = {
    "help",
    "--help",
    "-h",
    "--version",
    "check",
    "compilemessages",
    "makemessages",
    "findstatic",
}
WRITES_SOURCES = {
    "makemigrations",
    "makemessages",
    "compilemessages",
}  # files for everyone, unlike a house's own


def run(arguments: Sequence[str]) -> None:
    """Run one of Django's commands; it ends the process by SystemExit where Django does."""
    before = os.umask(0o077)
    prepare.settings()
    command = ["kith manage", *arguments]
    if not arguments or arguments[0] in WITHOUT_DATABASE or "--help" in arguments:
        _execute(command, before)
        return
    with prepare.database():
        _execute(command, before)


def _execute(command: list[str], umask: int) -> None:
    from django.core.management import execute_from_command_line

    if WRITES_SOURCES.intersection(command[1:2]):
        os.umask(umask)
    execute_from_command_line(command)


def main() -> None:
    try:
        run(sys.argv[1:])
    except prepare.CommandError as error:
        prepare.say(f"kith: {error}")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
