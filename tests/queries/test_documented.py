"""The examples of docs/reference/queries.md are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kith.queries import Matcher, Post, matches, parse

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/queries.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \|$", PAGE.partition("does not match |")[2], re.MULTILINE)
FORMS = [
    one
    for cell in re.findall(r"^\| (`.+?) \|", PAGE.partition("## What matches")[0], re.MULTILINE)
    for one in re.findall(r"`(.+?)`", cell)
]


@pytest.mark.parametrize(("query", "yes", "no"), ROWS)
def test_the_table_of_what_matches_is_true(query: str, yes: str, no: str) -> None:
    matcher = Matcher()
    matcher.add(0, parse(query))
    assert matches(parse(query), Post(1, yes))
    assert [key for _, key, _ in matcher.match([Post(1, yes), Post(2, no)])] == [0]
    assert matches(parse(query), Post(1, no)) is None


def test_both_tables_are_there() -> None:
    assert len(ROWS) >= 19
    assert len(FORMS) >= 18


@pytest.mark.parametrize("form", FORMS)
def test_every_form_can_be_written(form: str) -> None:
    parse("x " + form if form.startswith("NOT") else form.replace("…", "x"))
