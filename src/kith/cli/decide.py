"""`kith decide`: the gate as a filter, so that a policy can be tried before anybody is held back by it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from kith.cli.prepare import CommandError
from kith.policy.file import PolicyError, default_rules, default_text, load_rules
from kith.policy.wire import LINE_LIMIT, decide_line


def register(app: typer.Typer) -> None:
    app.command()(decide)


def decide(
    policy: Annotated[
        Path | None, typer.Option(help="A policy file (TOML) in place of the one that ships.")
    ] = None,
    show_policy: Annotated[
        bool, typer.Option("--show-policy", help="Print the policy that ships, to copy and change.")
    ] = False,
) -> None:
    """Decide proposed touches: JSON lines in, {"id", "decision", "rule", "reason", "until"} out, in the same order."""
    if show_policy:
        sys.stdout.write(default_text())
        return
    rules = default_rules()
    if policy is not None:
        try:
            rules = load_rules(policy.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{policy} can't be read: {error}") from error
        except PolicyError as error:
            raise CommandError(f"{policy}: {error}") from error
    unread, write = 0, sys.stdout.buffer.write
    while line := sys.stdin.buffer.readline(LINE_LIMIT + 2):
        if not line.endswith(b"\n") and len(line) > LINE_LIMIT:
            while (rest := sys.stdin.buffer.readline(LINE_LIMIT)) and not rest.endswith(b"\n"):
                continue  # the rest of a line that is too long is no line of its own
        if not line.strip():
            continue
        answer, read = decide_line(line, rules, clock=lambda: datetime.now(UTC))
        unread += not read
        write(_json(answer) + b"\n")
    sys.stdout.buffer.flush()
    if unread:
        raise CommandError(
            f"{unread} line{'' if unread == 1 else 's'} could not be read; each was denied, with what is wrong as its reason."
        )


def _json(answer: dict[str, Any]) -> bytes:
    try:
        return json.dumps(answer, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character, which UTF-8 can't hold and JSON can
        return json.dumps(answer).encode()
