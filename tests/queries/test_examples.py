"""The page about the language says what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kith.queries import Matcher, Post, matches, parse
from kith.queries.parser import MOST_APART, MOST_CHARACTERS, MOST_DEPTH, MOST_TERMS
from kith.queries.words import FIELDS, INTENTS, SENTIMENTS

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/queries.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(.+)` \| (.+) \| (yes|no) \|$", re.MULTILINE)
EXAMPLES = ROW.findall(PAGE.split("## Examples")[1])


def test_the_page_has_examples_of_both_kinds() -> None:
    assert len(EXAMPLES) == len(PAGE.split("## Examples")[1].split("|---|---|---|\n")[1].splitlines())
    assert {found for _, _, found in EXAMPLES} == {"yes", "no"}


@pytest.mark.parametrize(("query", "text", "found"), EXAMPLES)
def test_an_example(query: str, text: str, found: str) -> None:
    post, one = Post(1, text), parse(query)
    assert (matches(one, post) is not None) == (found == "yes")
    matcher = Matcher()
    matcher.add(1, one)
    assert bool(matcher.match([post])) == (found == "yes")


@pytest.mark.parametrize("heading", ["Terms", "Filters"])
def test_what_the_page_says_can_be_written_can_be_read(heading: str) -> None:
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [row.split(" | ")[0] for row in part.splitlines() if row.startswith("| `")]
    assert len(cells) > 4
    for cell in cells:
        for query in re.findall("`([^`]+)`", cell):
            parse(query)


def test_it_names_every_filter_value_and_limit() -> None:
    for word in (*FIELDS, *SENTIMENTS, *INTENTS):
        assert re.search(rf"`{word}[`:]", PAGE), word
    for number in (
        f"{MOST_CHARACTERS:,} characters",
        f"{MOST_TERMS} terms",
        f"and {MOST_DEPTH} brackets",
        f"1 to {MOST_APART}",
    ):
        assert number in PAGE
