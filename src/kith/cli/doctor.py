"""`kith doctor`: what is wrong, and how to put it right, in words."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from kith.cli import examine, prepare
from kith.cli.examine import Finding

_MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    dns: Annotated[bool, typer.Option(help="Look at the DNS of the domains that mail is sent from.")] = True,
) -> None:
    """Say what is wrong and how to put it right. Ends with code 1 when there is a problem."""
    environment = prepare.settings()
    found = [*_safely("machine", lambda: examine.machine(environment))]
    try:
        with prepare.database():
            prepare.setup()
            found += _safely("database", lambda: examine.database(environment))
            if not any(f.level == "problem" and f.about == "database" for f in found):
                for name, look in examine.inside(environment, with_dns=dns).items():
                    found += _safely(name, look)
    except prepare.CommandError as error:
        found.append(
            Finding(
                "database", "problem", str(error), f"Read {environment.home / 'postgres' / 'server.log'}."
            )
        )
    problems = sum(finding.level == "problem" for finding in found)
    if as_json:
        print(
            json.dumps({"problems": problems, "findings": [asdict(finding) for finding in found]}, indent=1)
        )
    else:
        for line in _lines(found, problems):
            print(line)
    raise typer.Exit(1 if problems else 0)


def _lines(found: list[Finding], problems: int) -> Iterator[str]:
    for finding in found:
        yield f"{_MARKS[finding.level]}  {finding.about}: {finding.sentence}"
        if finding.remedy and finding.level != "ok":
            yield f"         -> {finding.remedy}"
    yield "Nothing is wrong." if not problems else f"Problems: {problems}"


def _safely(about: str, look: Callable[[], Any]) -> list[Finding]:
    """A look that itself fails is a problem to tell, not the end of the visit."""
    with contextlib.suppress(StopIteration):
        try:
            return list(look())
        except Exception as error:  # noqa: BLE001
            return [
                Finding(
                    about, "problem", f"Looking at it failed: {type(error).__name__}: {error}", "Report this."
                )
            ]
    return []
