"""Writes docs/reference/settings.md and commands.md from the code; `--check` only says whether they are current."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by tools/gen_docs.py; change the code instead. -->\n"


def settings_page() -> str:
    """The table of settings, from `kith.config.environment`."""
    from kith.config.environment import Environment

    lines = [
        "# Settings",
        "",
        NOTE,
        "Kith reads its settings from the environment. A wrong value stops the start with a sentence.",
        "",
        "| setting | what it is | default |",
        "|---|---|---|",
    ]
    for item in fields(Environment):
        spec: Any = item.default
        text = " ".join(spec.help.split())
        if spec.choices and not all(choice in text for choice in spec.choices):
            text += f" One of {', '.join(f'`{choice}`' for choice in spec.choices)}."
        if spec.least is not None:
            text += f" From {spec.least} to {spec.most}."
        if spec.secret:
            text += " Secret: never shown or logged."
        default = "" if spec.default in ("", None, ()) else f"`{spec.default}`"
        cell = text.replace("|", "\\|")
        lines.append(f"| `{spec.name}` | {cell} | {default} |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every command with its options, from the typer app."""
    import typer

    from kith.cli.main import app

    root = typer.main.get_command(app)
    lines = ["# Commands", "", NOTE, " ".join((root.help or "").split()), ""]
    lines += _commands(root, "kith")
    return "\n".join(lines).rstrip() + "\n"


def _commands(group: Any, prefix: str) -> list[str]:
    lines: list[str] = []
    for name, command in sorted(getattr(group, "commands", {}).items()):
        if command.hidden:
            continue
        arguments = "".join(f" {_usage(p)}" for p in command.params if p.param_type_name == "argument")
        lines += [f"## {prefix} {name}{arguments}", "", " ".join((command.help or "").split()), ""]
        for parameter in command.params:
            if parameter.name != "help" and (text := getattr(parameter, "help", None)):
                shown = (
                    ", ".join(parameter.opts) if parameter.param_type_name == "option" else _usage(parameter)
                )
                lines.append(f"- `{shown}`: {' '.join(text.split())}")
        if lines[-1]:
            lines.append("")
        lines += _commands(command, f"{prefix} {name}")
    return lines


def _usage(parameter: Any) -> str:
    name = str(parameter.name).upper()
    return name if parameter.required else f"[{name}]"


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("KITH_ENV", "test")
        os.environ.setdefault("KITH_HOME", home)
        pages = {"settings.md": settings_page(), "commands.md": commands_page()}
    stale = [name for name, text in pages.items() if not _current(REFERENCE / name, text)]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"docs/reference/{name} is out of date; run tools/gen_docs.py\n")
        return 1 if stale else 0
    for name in stale:
        (REFERENCE / name).write_text(pages[name], encoding="utf-8")
    return 0


def _current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
