"""How well names are split and judged, on records that others made: `python -m bench names [--docs]`.

Reads `../shared/data/records` (or below $KITH_SHARED_DATA). The parquet file of historical figures is read when `duckdb` can
be imported, which Kith itself does not need: `uv run --with duckdb python -m bench names`.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from bench import report
from kith.contacts.names import USABLE, parse
from kith.contacts.names.words import KEYBOARD

Pair = tuple[str, str]
ROOT = Path(__file__).resolve().parents[1]
MARKS = ("<!-- the table, written by `python -m bench names --docs` -->", "<!-- end of the table -->")
_VOWELS = re.compile("[aeiouyAEIOUY]")


def records() -> Path:
    return (
        Path(os.environ.get("KITH_SHARED_DATA") or ROOT.parent / "shared" / "data")
        / "records"
        / "splink_datasets"
    )


def corpora(folder: Path) -> Iterator[tuple[str, list[Pair]]]:
    """Each corpus with its distinct (given, family) pairs; words of small letters get a capital, as people write them."""
    febrl = [
        pair
        for name in ("dataset1", "dataset3", "dataset4a")
        for pair in _csv(folder / f"febrl/{name}.csv", "given_name")
    ]
    yield "febrl", _distinct(febrl)
    yield "fake_1000", _distinct(_csv(folder / "fake_1000.csv", "first_name"))
    yield "historical figures", _distinct(_parquet(folder / "historical_figures_with_errors_50k.parquet"))


def _csv(path: Path, given: str) -> list[Pair]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row[given], row["surname"]) for row in csv.DictReader(file, skipinitialspace=True)]


def _parquet(path: Path) -> list[Pair]:
    try:
        import duckdb
    except ImportError:
        return []
    asked = duckdb.connect().execute("SELECT first_name, surname FROM read_parquet(?)", [str(path)])
    return list(asked.fetchall())


def _distinct(pairs: list[Pair]) -> list[Pair]:
    """Of one word each and of two letters at least: where more stand in a field, which of them is right is anybody's guess."""
    found = {
        (given.strip().title(), family.strip().title())
        for given, family in pairs
        if given and family and " " not in given.strip() + family.strip()
    }
    return sorted(pair for pair in found if all(len(part) > 1 and part.isalpha() for part in pair))


STYLES: dict[str, Callable[[str, str], str]] = {
    "Given Family": lambda g, f: f"{g} {f}",
    "Family, Given": lambda g, f: f"{f}, {g}",
    "FAMILY Given": lambda g, f: f"{f.upper()} {g}",
    "Given FAMILY": lambda g, f: f"{g} {f.upper()}",
    "Dr. Given M. Family": lambda g, f: f"Dr. {g} M. {f}",
    "Given Family (she/her)": lambda g, f: f"{g} {f} (she/her)",
}


# Nothing in it tells the order; nobody can split it right.
BLIND = {"Family Given": lambda g, f: f"{f} {g}"}


def _mojibake(text: str) -> str:
    """A name with an accent, as UTF-8 read in Latin-1."""
    accents = str.maketrans("aeiouncAEIOU", "áéíóúñçÁÉÍÓÚ")
    for place, char in enumerate(text):
        if char in "aeiouncAEIOU":
            text = text[:place] + char.translate(accents) + text[place + 1 :]
            break
    else:
        text += "é"
    return unicodedata.normalize("NFC", text).encode().decode("latin-1")


PLANTED: dict[str, Callable[[str, str, int], str]] = {
    "vowels removed": lambda g, f, n: f"{_VOWELS.sub('', g) or 'Xx'} {f}",
    "all capitals": lambda g, f, n: f"{g} {f}".upper(),
    "mojibake": lambda g, f, n: f"{_mojibake(g)} {f}",
    "initials": lambda g, f, n: f"{g[0]}. {f}" if n % 2 else f"{g[0]}. {f[0]}.",
    "parts of addresses": lambda g, f, n: (f"{g}.{f}", f"{g[0]}{f}{n % 100}", f"{g}_{f}", f"{g}@{f}.example")[n % 4].lower(),
    "placeholders": lambda g, f, n: (
        "First Name", "{{first_name}}", "[Name]", "Sir/Madam", "Unknown", "N/A", f"Test {f}", "Vorname Nachname", "Sin nombre",
        "%FNAME%",
    )[n % 10],
    "companies": lambda g, f, n: (
        f"{f} GmbH", f"{f} Ltd", f"{g} {f} Inc.", f"{f} & Sons", f"{f} AG", f"Grupo {f} S.A.", f"{f} Holdings", f"{f} Consulting",
    )[n % 8],
    "desks": lambda g, f, n: (f"{f} Support", "Sales Team", "info", f"{f} Customer Service", "Kundenservice", "Newsletter")[n % 6],
    "keys at random": lambda g, f, n: f"{KEYBOARD[n % 2][n % 5 : n % 5 + 4].title()} {f}",
}  # fmt: skip


def _bare(name: str) -> tuple[str, str]:
    import nameparser

    found = nameparser.parse(name)
    return found.given, found.family


def _ours(name: str) -> tuple[str, str]:
    found = parse(name)
    return found.given, found.family


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "not measured"


def tables(folder: Path) -> str:
    """Markdown: splits, false refusals and what is refused rightly, each beside the library by itself."""
    sets = list(corpora(folder))
    heads = [f"{name} ({len(pairs):,})" if pairs else name for name, pairs in sets]
    lines = ["| split right, library → ours | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(sets)]
    for style, made in STYLES.items():
        cells = []
        for _, pairs in sets:
            names = [(made(g, f), (g.casefold(), f.casefold())) for g, f in pairs]
            right = [sum(_same(split(n), truth) for n, truth in names) for split in (_bare, _ours)]
            cells.append(
                f"{_percent(right[0], len(names))} → {_percent(right[1], len(names))}"
                if names
                else "not measured"
            )
        lines.append(f"| {style} | {' | '.join(cells)} |")
    lines += ["", "| refused though right | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(sets)]
    refused = [
        [(p, f"{g} {f}") for g, f in pairs if (p := parse(f"{g} {f}")).confidence < USABLE]
        for _, pairs in sets
    ]
    lines.append(
        "| `Given Family` | "
        + " | ".join(_percent(len(r), len(s[1])) for r, s in zip(refused, sets, strict=True))
        + " |"
    )
    reasons = sorted({p.reasons[0] for rows in refused for p, _ in rows})
    for reason in reasons:
        found = [[name for p, name in rows if p.reasons[0] == reason] for rows in refused]
        cells = [f"{len(names):,} ({names[len(names) // 2]})" if names else "0" for names in found]
        lines.append(f"| of these `{reason}` | {' | '.join(cells)} |")
    given_only = [sum(parse("", given=g).confidence < USABLE for g, _ in pairs) for _, pairs in sets]
    lines.append(
        "| given name in a field of its own | "
        + " | ".join(_percent(n, len(s[1])) for n, s in zip(given_only, sets, strict=True))
        + " |"
    )
    lines += [
        "",
        "| greeted by another word than the given name | " + " | ".join(heads) + " |",
        "|---|" + "--:|" * len(sets),
    ]
    for style, made in (STYLES | BLIND).items():
        wrong = [sum(_greeted_wrong(made(g, f), g) for g, f in pairs) for _, pairs in sets]
        cells = [_percent(n, len(s[1])) for n, s in zip(wrong, sets, strict=True)]
        lines.append(f"| {style} | {' | '.join(cells)} |")
    lines += ["", "| planted, and refused | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(sets)]
    for kind, plant in PLANTED.items():
        cells = []
        for _, pairs in sets:
            bad = [plant(g, f, n) for n, (g, f) in enumerate(pairs)]
            caught = sum(parse(name).confidence < USABLE for name in bad)
            cells.append(_percent(caught, len(bad)))
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    lines.append(
        "| the library by itself refuses | "
        + " | ".join("0 %" if s[1] else "not measured" for s in sets)
        + " |"
    )
    return "\n".join(lines)


def _greeted_wrong(name: str, given: str) -> bool:
    found = parse(name)
    return found.confidence >= USABLE and found.given.casefold() != given.casefold()


def _same(found: tuple[str, str], truth: tuple[str, str]) -> bool:
    return (found[0].casefold(), found[1].casefold()) == truth


def thresholds(folder: Path) -> str:
    """What each threshold would refuse: of right names, and of planted ones."""
    pairs = [pair for _, found in corpora(folder) for pair in found]
    good = [parse(f"{g} {f}").confidence for g, f in pairs]
    bad = [parse(plant(g, f, n)).confidence for plant in PLANTED.values() for n, (g, f) in enumerate(pairs)]
    lines = ["| threshold | right names refused | planted ones refused |", "|--:|--:|--:|"]
    for level in (0.05, 0.2, 0.35, 0.5, 0.65, 0.7, 0.95):
        kept = (_percent(sum(c < level for c in sure), len(sure)) for sure in (good, bad))
        lines.append(f"| {level} | {' | '.join(kept)} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="bench names", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--docs", action="store_true", help="write the tables into docs/explanation/names.md")
    chosen = parser.parse_args(arguments)
    folder = records()
    if not folder.is_dir():
        raise SystemExit(
            f"The records are not on this machine: {folder} is no folder (set KITH_SHARED_DATA)."
        )
    text = f"{tables(folder)}\n\n{thresholds(folder)}"
    names = [f"{g} {f}" for g, f in _distinct(_csv(folder / "febrl/dataset4a.csv", "given_name"))]
    began = time.process_time()
    for name in names:
        parse(name)
    text += f"\n\nMeasured on {date.today().isoformat()}; {len(names) / (time.process_time() - began):,.0f} names a second and core."
    print(text)
    if chosen.docs:
        page = report.DOCS / "names.md"
        between = re.compile(re.escape(MARKS[0]) + ".*" + re.escape(MARKS[1]), re.DOTALL)
        page.write_text(
            between.sub(lambda _: f"{MARKS[0]}\n{text}\n{MARKS[1]}", page.read_text(encoding="utf-8")),
            encoding="utf-8",
        )
