"""No cell that we write begins a formula, and every cell comes back as it was."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kith.base.csv import Writer, is_formula, plain_cell, safe_cell
from tests.support.shared import shared_data

NUMBERS = {"+1", "-1", "-5.00"}


def test_the_corpus_of_formulas_is_made_harmless() -> None:
    payloads = json.loads(shared_data("security").joinpath("csv_formulas.json").read_text(encoding="utf-8"))
    assert len(payloads) > 15
    for payload in payloads:
        if payload in NUMBERS or payload.startswith("%0A"):  # a number is no formula; %0A is three letters
            assert safe_cell(payload) == payload
            continue
        assert safe_cell(payload) == "'" + payload
        assert plain_cell(safe_cell(payload)) == payload


@pytest.mark.parametrize("text", ["Ada", "O'Hara", "a=b", "info@shop.example", "3-4", "", "%"])
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_numbers_stay_numbers() -> None:
    assert [safe_cell(v) for v in (-5, 1.5, None, True)] == ["-5", "1.5", "", "True"]


@given(st.text())
def test_every_text_comes_back_and_never_begins_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert plain_cell(cell) == text
    assert cell.startswith("'") or not is_formula(cell)


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=4
        ),
        max_size=4,
    )
)
def test_a_file_reads_back_whatever_the_separators(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    Writer(file).rows(rows)
    back = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert [[plain_cell(cell) for cell in row] for row in back] == rows
