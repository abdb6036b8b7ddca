"""How well and how fast texts are read, beside VADER and TF-IDF with a linear model, in one run.

    python -m bench understanding [--docs]

The peers live in a virtual environment of their own (`.venv-peers`, made on first use from bench/peers.txt) and are
trained and measured by bench/peers_of_understanding.py on the same texts: TweetEval's and UMSAB's training halves, the
complaints but for a sixth, and the validation halves. Seconds are of CPU, on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv-peers"
BEGIN, END = (
    "<!-- texts read, written by `python -m bench understanding --docs` -->",
    "<!-- end of texts read -->",
)
ASKED = {
    "fast": {"sentiment": 65.0, "speed": 10_000},
    "best": {"sentiment": 71.5, "emotion": 76.5, "offensive": 80.0, "complaints": 84.0, "speed": 400},
}
COLUMNS = ("sentiment", "emotion", "offensive", "complaints", "purchases", "six languages")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="bench understanding", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--docs", action="store_true", help="write the table into docs/explanation/speed.md")
    chosen = parser.parse_args(arguments)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    from training import data

    if not data.folder().is_dir():
        raise SystemExit(
            f"The labelled texts are not at {data.folder()}; KITH_SHARED_DATA names another place."
        )
    results = {**peers(), "Kith, fast": ours("fast", 20_000), "Kith, best": ours("best", 2_000)}
    table = told(results)
    print(table)
    if chosen.docs:
        page = ROOT / "docs/explanation/speed.md"
        text = page.read_text(encoding="utf-8")
        page.write_text(
            re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", f"{BEGIN}\n{table}\n{END}", text, flags=re.S),
            encoding="utf-8",
        )


def ours(tier: Any, count: int) -> dict[str, float]:
    from training import measure

    named = {one.name: one.value for one in measure.figures(tier)}
    return {
        "sentiment": named["TweetEval sentiment, macro recall"],
        "emotion": named["TweetEval emotion among its four, macro F1"],
        "offensive": named["TweetEval offensive, macro F1"],
        "complaints": named["complaints, macro F1"],
        "purchases": named["purchase intent, recall at precision .8"],
        "six languages": named["UMSAB, mean of six without English"],
        "speed": measure.speed(tier, count),
    }


def peers() -> dict[str, dict[str, float]]:
    """VADER and TF-IDF with a linear model, on texts written out for them."""
    from training import data

    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run(
            [
                str(python),
                "-m",
                "pip",
                "install",
                "-q",
                "--disable-pip-version-check",
                "-r",
                str(ROOT / "bench/peers.txt"),
            ],
            check=True,
        )

    def rows(examples: list[data.Example], target: str) -> list[tuple[str, Any]]:
        return [(one.text, one.targets[target]) for one in examples]

    complaints, purchases = data.folds(data.complaints(), 6), data.folds(data.purchases(), 6)
    sets = {
        name: [rows(data.tweeteval(name, "train"), name), rows(data.tweeteval(name, "val"), name)]
        for name in ("sentiment", "emotion", "offensive")
    }
    sets["complaints"] = [
        rows([one for part in complaints[1:] for one in part], "complaint"),
        rows(complaints[0], "complaint"),
    ]
    sets["purchases"] = [
        rows([one for part in purchases[1:] for one in part], "purchase"),
        rows(purchases[0], "purchase"),
    ]
    for language, code in data.TEXT_LANGUAGES.items():
        if code not in ("en", "hi"):
            sets[f"umsab {code}"] = [
                rows(data.umsab(language, "train"), "sentiment"),
                rows(data.umsab(language, "val"), "sentiment"),
            ]
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(sets, file)
        file.flush()
        done = subprocess.run(
            [str(python), str(ROOT / "bench/peers_of_understanding.py"), file.name],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def told(results: dict[str, dict[str, float]]) -> str:
    slowest = results["VADER"]["speed"]
    head = ["reader", *COLUMNS, "posts per CPU second", "of VADER's speed"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in results.items():
        cells = [f"{row[one]:.1f}" if one in row else "" for one in COLUMNS]
        lines.append(
            f"| {name} | " + " | ".join(cells) + f" | {row['speed']:,.0f} | {row['speed'] / slowest:.2f} |"
        )
    for tier, asked in ASKED.items():
        aims = ", ".join(f"{name} {value:,g}" for name, value in asked.items())
        lines.append(f"| aim, {tier} (public test halves) | {aims} |" + " |" * (len(head) - 2))
    return "\n".join(lines)
