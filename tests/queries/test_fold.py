"""Folding by the quick way and by the way that keeps offsets is the same, whatever the text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kith.queries.fold import fold, fold_map

NASTY = "aZß İıǅﬁé\u0301\u0327\u200d\u200c\ufe0f\u3099かｶﾞﾊﾟが\u1100\u1161\u11a8각한👍🏽👩💻🇩🇪❤’“«-\u2011\u00adनि़क्षि\u0bbe№½Ⓐﷺ\ud800\u20e31#@"


@settings(max_examples=500, deadline=None)
@given(st.text(st.one_of(st.sampled_from(NASTY), st.characters()), max_size=12))
def test_both_ways_agree_and_offsets_are_inside(text: str) -> None:
    folded = fold_map(text)
    assert folded.text == fold(text)
    assert len(folded.starts) == len(folded.ends) == len(folded.text)
    assert list(folded.starts) == sorted(folded.starts)
    assert list(folded.ends) == sorted(folded.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(folded.starts, folded.ends, strict=True))


@settings(max_examples=500, deadline=None)
@given(st.text(st.one_of(st.sampled_from(NASTY), st.characters()), max_size=12))
def test_what_is_folded_stays(text: str) -> None:
    assert fold(fold(text)) == fold(text)
