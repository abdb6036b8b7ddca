"""The policy as a file: what it changes, and what is said of one that is wrong."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kith.policy.file import PolicyError, default_rules, default_text, load_rules


def test_the_one_that_ships_says_what_is_promised() -> None:
    rules = default_rules()
    assert [(cap.name, cap.days, cap.limit) for cap in rules.pace.caps] == [
        ("year", 365, 18),
        ("month", 30, 3),
        ("week", 7, 1),
    ]
    assert (rules.pace.gap_hours, rules.answer_days) == (72, 14)
    assert (rules.quiet_from, rules.quiet_until) == (21, 8)
    assert load_rules(default_text()) == load_rules("") == rules


def test_a_file_changes_what_it_names_and_nothing_else() -> None:
    rules = load_rules('[pace]\nweek = 2\n[segments.members]\nyear = 40\n[quiet]\nfrom = "20:30"\n')
    assert [cap.limit for cap in rules.pace.caps] == [18, 3, 2]
    assert [cap.limit for cap in rules.segments[0][1].caps] == [40, 3, 2]
    assert (rules.quiet_from, rules.quiet_until) == (20.5, 8)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("week = 1\n", "[week] is no part of a policy"),
        ("[pace]\nweak = 1\n", "[pace] knows no weak"),
        ("[pace]\nweek = -1\n", "[pace] week must be a whole number"),
        ("[pace]\nweek = true\n", "[pace] week must be a whole number"),
        ('[quiet]\nfrom = "25:00"\n', "time of day"),
        ('[quiet]\nrings = ["fax"]\n', "fax is no channel"),
        ('[quiet]\ntime_zone = "Mars"\n', "no IANA time zone"),
        ('[basis]\nrenewal = "luck"\n', "[basis] renewal must be one of"),
        ("[segments.members]\nday = 1\n", "[segments.members] takes"),
        ("[pace\n", "this is not TOML"),
        ("pace = 3\n", "must be a table"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_rules(text)
    assert says in str(caught.value)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with suppress(PolicyError):
        assert load_rules(text).pace.caps
