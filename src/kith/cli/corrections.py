"""`kith corrections`: what people corrected, for the next training."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from kith.cli import prepare

DEFAULT = Path("data/corrections.jsonl")


def register(app: typer.Typer) -> None:
    app.command()(corrections)


def corrections(
    output: Annotated[Path, typer.Option(help="The file to write; it is written anew.")] = DEFAULT,
) -> None:
    """Write what people corrected and confirmed as lines of JSON, which `make train` reads.

    The file holds texts that people wrote to you, and weights trained on it keep traces of them.
    """
    with prepare.database(prepare.say):
        prepare.setup()
        from kith.understanding.corrections_file import lines

        output.parent.mkdir(parents=True, exist_ok=True)
        part = output.with_name(f".{output.name}.part")
        count = 0
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            for line in lines():
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
        part.replace(output)
    prepare.say(f"{count} corrected or confirmed messages are in {output}.")
    prepare.say(
        "It holds what people wrote to you: keep it as such, and delete it after training. Weights trained on it keep "
        "traces of these texts, also of people who are erased later; train again without them then."
    )
