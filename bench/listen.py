"""Posts a second against many monitors: `python -m bench listen [--sizes 1000,10000] [--posts 50000] [--json FILE]`.

In one run and on the same posts: ours (whole boolean queries, exact, with the spans), a bare scan for the same terms by
pyahocorasick (no word boundaries, no accents, no AND), and hyperscan likewise. Neither is needed by Kith; what can't be
imported is left out: `uv run --with pyahocorasick --with hyperscan python -m bench listen`.

The posts are the training halves of TweetEval and UMSAB (eight languages) from `../shared/data/posts` (or below
$KITH_SHARED_DATA). A monitor has five terms, drawn from the posts' own words, however common they are, in one of two shapes:
"example", `("a b" OR #c) AND (d* OR e) NOT f`, and "any", ORs of nearly all, each of which matches a post in a thousand.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from kith.queries import Matcher, Post, Query, parse

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 3
BATCH = 256
_WORD = re.compile(r"[^\W\d_]{3,}")
_TAG = re.compile(r"#[^\W\d_]{3,}")


def texts(most: int) -> list[str]:
    folder = Path(os.environ.get("KITH_SHARED_DATA") or ROOT.parent / "shared" / "data") / "posts"
    files = [folder / "tweeteval/sentiment/train_text.txt", *sorted(folder.glob("umsab/**/train_text.txt"))]
    found = [
        line
        for path in files
        if path.is_file()
        for line in path.read_text(encoding="utf-8").splitlines()
        if line
    ]
    if not found:
        raise SystemExit(f"The posts are not on this machine: {folder} has none (set KITH_SHARED_DATA).")
    random.Random(1).shuffle(found)
    return (found * (1 + most // len(found)))[:most]


def terms(posts: list[str], dice: random.Random) -> Iterator[list[str]]:
    """Five terms, as they are written in a query: words by how many there are, so that rare ones are many, and common ones come."""
    words = sorted({word.lower() for text in posts for word in _WORD.findall(text)})
    tags = sorted({tag.lower() for text in posts for tag in _TAG.findall(text)})
    common = [
        word for word, _ in Counter(w.lower() for t in posts for w in _WORD.findall(t)).most_common(2000)
    ]
    while True:
        pair = _WORD.findall(dice.choice(posts))[:2]
        prefix = dice.choice(words)
        yield [
            dice.choice(words),
            f"{prefix[:6]}*" if len(prefix) > 6 else prefix,
            f'"{" ".join(pair).lower()}"' if len(pair) == 2 else dice.choice(words),
            dice.choice(tags),
            dice.choice(common),
        ]


def written(one: list[str], shape: str, dice: random.Random) -> str:
    """A query of these five."""
    word, beginning, phrase, tag, common = one
    if shape == "example":
        return f"({phrase} OR {tag}) AND ({beginning} OR {common}) NOT {word}"
    return dice.choice(
        [
            f"({word} OR {beginning} OR {phrase} OR {tag}) NOT {common}",
            f"({word} OR {phrase}) ({beginning} OR {tag} OR {common})",
            f"{word} OR {phrase} OR ({beginning} NEAR/5 {common}) OR {tag}",
        ]
    )


def _rate(run: Callable[[], int], posts: int) -> tuple[float, int]:
    best, found = float("inf"), 0
    for _ in range(ROUNDS):
        begun = time.process_time()
        found = run()
        best = min(best, time.process_time() - begun)
    return posts / best, found


def ours(queries: list[Query], posts: list[Post]) -> dict[str, Any]:
    begun = time.process_time()
    matcher = Matcher()
    for number, query in enumerate(queries):
        matcher.add(number, query)
    built = time.process_time() - begun

    def run() -> int:
        return sum(len(matcher.match(posts[at : at + BATCH])) for at in range(0, len(posts), BATCH))

    rate, found = _rate(run, len(posts))
    begun = time.process_time()
    matcher.remove(0)
    matcher.add(0, queries[0])
    matcher.match(posts[:1])
    edit = time.process_time() - begun
    return {"posts a second": rate, "found": found, "built in": built, "an edit takes": edit}


def bare(strings: list[str], lines: list[str]) -> dict[str, Any] | None:
    try:
        import ahocorasick
    except ImportError:
        return None
    begun = time.process_time()
    automaton = ahocorasick.Automaton()
    for number, one in enumerate(strings):
        automaton.add_word(one, number)
    automaton.make_automaton()
    built = time.process_time() - begun

    def run() -> int:
        return sum(1 for line in lines for _ in automaton.iter(line.lower()))

    rate, found = _rate(run, len(lines))
    return {"posts a second": rate, "found": found, "built in": built, "an edit takes": built}


def hyperscan(strings: list[str], lines: list[str]) -> dict[str, Any] | None:
    try:
        import hyperscan as hs
    except ImportError:
        return None
    begun = time.process_time()
    database = hs.Database()
    database.compile(
        expressions=[re.escape(one).encode() for one in strings],
        ids=list(range(len(strings))),
        elements=len(strings),
        flags=[hs.HS_FLAG_CASELESS] * len(strings),
    )
    built = time.process_time() - begun
    found: list[int] = []

    def hit(number: int, *_: object) -> None:
        found.append(number)

    def run() -> int:
        found.clear()
        for line in lines:
            database.scan(line.encode("utf-8", "surrogatepass"), match_event_handler=hit)
        return len(found)

    rate, hits = _rate(run, len(lines))
    return {"posts a second": rate, "found": hits, "built in": built, "an edit takes": built}


def measured(sizes: list[int], most: int) -> dict[int, dict[str, dict[str, Any]]]:
    lines = texts(most)
    posts = [Post(number, line) for number, line in enumerate(lines)]
    results: dict[int, dict[str, dict[str, Any]]] = {}
    for size in sizes:
        dice = random.Random(size)
        drawn = [*islice(terms(lines, dice), size)]
        strings = sorted({term.strip('"*') for one in drawn for term in one})
        each = {
            f"ours, {shape}": ours([parse(written(one, shape, dice)) for one in drawn], posts)
            for shape in ("example", "any")
        } | {
            "pyahocorasick, bare": bare(strings, lines),
            "hyperscan, bare": hyperscan(strings, lines),
        }
        results[size] = {name: row for name, row in each.items() if row}
    return results


def table(results: dict[int, dict[str, dict[str, Any]]]) -> str:
    rows = [
        "| monitors of 5 terms | | posts a second and core | of the bare scan | found | built in | an edit takes |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    for size, each in results.items():
        scan = each.get("pyahocorasick, bare", {}).get("posts a second")
        for name, row in each.items():
            part = f"{row['posts a second'] / scan:.2f}" if scan else "not measured"
            rows.append(
                f"| {size:,} | {name} | {row['posts a second']:,.0f} | {part} | {row['found']:,} | {row['built in']:.2f} s"
                f" | {row['an edit takes'] * 1000:.1f} ms |"
            )
    return "\n".join(rows)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="bench listen", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1000,10000", help="how many monitors")
    parser.add_argument("--posts", type=int, default=50_000)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args(arguments)
    results = measured([int(size) for size in chosen.sizes.split(",")], chosen.posts)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1))
    print(table(results))
