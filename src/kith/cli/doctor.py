"""`kith doctor`: what is wrong, and how to put it right, in words."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer
from django.utils import translation

from kith.base import languages
from kith.base.languages import Words
from kith.base.sayings import Said, said, told
from kith.cli import examine, prepare
from kith.cli.examine import Finding

_MARKS = {"ok": said("ok"), "warning": said("warning"), "problem": said("PROBLEM")}
# what the looks are about, for the collection of strings; the DNS's own words are the same everywhere
_ABOUT = (
    said("machine"),
    said("home"),
    said("disk"),
    said("keys"),
    said("database"),
    said("processes"),
    said("jobs"),
    said("events"),
    said("backup"),
    said("files"),
    said("erasures"),
    said("address"),
    said("clock"),
    said("system mail"),
    said("channels"),
    said("single sign-on"),
)


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    dns: Annotated[bool, typer.Option(help="Look at the DNS of the domains that mail is sent from.")] = True,
    language: Annotated[
        str, typer.Option(help="In which language: en, de or es; otherwise that of the shell (LANG).")
    ] = "",
) -> None:
    """Say what is wrong and how to put it right. Ends with code 1 when there is a problem."""
    environment = prepare.settings()
    if language and not languages.of_shell({"LANG": language}):
        names = ", ".join(languages.LANGUAGES)
        raise prepare.CommandError(f"Kith does not speak {language}. The languages are {names}.")
    words = languages.translator(language or languages.of_shell() or environment.language)
    found = [*_safely("machine", lambda: examine.machine(environment))]
    try:
        with prepare.database():
            prepare.setup()
            translation.activate(words.language)
            found += _safely("database", lambda: examine.database(environment))
            if not any(f.level == "problem" and f.about == "database" for f in found):
                for name, look in examine.inside(environment, with_dns=dns).items():
                    found += _safely(name, look)
    except prepare.CommandError as error:
        found.append(
            Finding(
                "database",
                "problem",
                str(error),
                said("Read {path}.", path=environment.home / "postgres" / "server.log"),
            )
        )
    problems = sum(finding.level == "problem" for finding in found)
    if as_json:
        print(json.dumps({"problems": problems, "findings": [_plain(f, words) for f in found]}, indent=1))
    else:
        for line in _lines(found, problems, words):
            print(line)
    raise typer.Exit(1 if problems else 0)


def _plain(finding: Finding, words: Words) -> dict[str, str]:
    """What programs read: only sentences are in the reader's language."""
    return {
        "about": str(finding.about),
        "level": finding.level,
        "sentence": told(finding.sentence, words.gettext),
        "remedy": told(finding.remedy, words.gettext),
    }


def _lines(found: list[Finding], problems: int, words: Words) -> Iterator[str]:
    marks = {level: told(mark, words.gettext) for level, mark in _MARKS.items()}
    width = max(map(len, marks.values()))
    for finding in found:
        about = finding.about if isinstance(finding.about, Said) else said(finding.about)
        mark, topic = marks[finding.level], told(about, words.gettext)
        yield f"{mark:<{width}}  {topic}: {told(finding.sentence, words.gettext)}"
        if finding.remedy and finding.level != "ok":
            yield f"{'':{width}}  -> {told(finding.remedy, words.gettext)}"
    yield told(
        said("Problems: {count}", count=problems) if problems else said("Nothing is wrong."), words.gettext
    )


def _safely(about: str, look: Callable[[], Any]) -> list[Finding]:
    """A look that itself fails is a problem to tell, not the end of the visit."""
    with contextlib.suppress(StopIteration):
        try:
            return list(look())
        except Exception as error:  # noqa: BLE001
            return [
                Finding(
                    about,
                    "problem",
                    said("Looking at it failed: {kind}: {error}", kind=type(error).__name__, error=error),
                    said("Report this."),
                )
            ]
    return []
