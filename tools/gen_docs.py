"""Writes docs/reference/settings.md, commands.md and gate.md from the code; `--check` only says whether they are current."""

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


def gate_page() -> str:
    """The rules of the gate in their order, the line that `kith decide` reads, and the policy that ships."""
    from kith.policy import types
    from kith.policy.decide import ORDER
    from kith.policy.file import default_text
    from kith.policy.sentences import REMEDIES, SENTENCES

    every = set(types.KINDS)
    lines = [
        "# The gate",
        "",
        NOTE,
        "Every outbound contact, every link between accounts and every conclusion about a person is decided by these rules, in",
        "this order: denials first, then holds. The first that speaks decides; where none does, it is allowed. The names of the",
        "rules don't change. What becomes of a held message: [pacing](../explanation/pacing.md).",
        "",
        "| rule | says | of | why | what would help | sent anyway by |",
        "|---|---|---|---|---|---|",
    ]
    for rule in ORDER:
        kinds = "everything" if rule.kinds == every else ", ".join(k for k in types.KINDS if k in rule.kinds)
        why = " ".join((rule.test.__doc__ or "").split())
        by = {"author": "its author", "manager": "a manager", "nobody": ""}[rule.approval]
        helps = ", ".join(REMEDIES.get(rule.name, ()))
        lines.append(f"| `{rule.name}` | {rule.outcome} | {kinds} | {why} | {helps} | {by} |")
    lines += [
        "",
        "Where only one person uses Kith, that one may send what a manager could, with a reason.",
        "",
    ]
    lines += ["## The sentences", "", "| rule | sentence |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in SENTENCES.items()]
    lines += ["", "## What `kith decide` reads", ""]
    lines += [
        "One JSON object a line, no key twice; what is left out has the safe default. Sensitive attributes: "
    ]
    lines[-1] += (
        ", ".join(f"`{name}`" for name in sorted(types.SENSITIVE)) + ", and parts of them (`health.allergy`)."
    )
    lines += ["", "```", *WIRE.strip().splitlines(), "```", ""]
    lines += ["## The policy that ships", "", "```toml", *default_text().strip().splitlines(), "```"]
    return "\n".join(lines) + "\n"


WIRE = """
{"id": any, "now": ISO time (default: the clock),
 "touch": {"kind": reply|acknowledgement|transactional|campaign|sequence|outreach|link_identity|infer,
           "channel": email|sms|phone|letter|public|direct|none, "purpose": text, "actor": person|automation,
           "division": text, "name_used": text|null, "urgent": bool,
           "based_on": [{"attribute": text, "origin": told_us|public_post|purchase|inferred|third_party|someone_elses_access,
                         "about": self|gift|unknown, "deleted_upstream": bool, "purposes": [text]}],
           "concludes": text (of an inference), "text_length": number, "answers_inbound": bool,
           "network": {"title", "text_length", "reply_window_hours", "may_start_conversation", "automatic_reply", "sends",
                       "may_link_identity", "may_infer"}},
 "contact": {"time_zone": IANA name, "preferred_name": text|null, "name_confidence": 0..1,
             "consents": [{"channel", "purpose", "status": given|withdrawn}], "unsubscribed": [channel],
             "suppressed": [channel or "all"], "objections": [purpose], "wrote_on": [channel],
             "touches": [{"at", "division", "channel", "kind"}], "last_inbound_at": ISO time|null, "invited": bool,
             "customer": bool, "open_case": null|normal|angry, "identity_evidence": none|self_declared|public_statement|guessed,
             "flags": [text], "segments": [text], "message_automatic": bool, "sender_authenticated": bool,
             "automatic_replies_24h": number, "wish_month": number|null, "paused_until": ISO time|null, "bounced": bool,
             "is_us": bool, "is_automated": bool}}
"""


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("KITH_ENV", "test")
        os.environ.setdefault("KITH_HOME", home)
        pages = {"settings.md": settings_page(), "commands.md": commands_page(), "gate.md": gate_page()}
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
