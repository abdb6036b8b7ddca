"""On records that others made: right names are used, bad ones are not, and the split is at least the library's."""

from __future__ import annotations

import pytest
from bench import names

from kith.contacts.names import USABLE, parse
from tests.support.shared import shared_data


@pytest.fixture(scope="module")
def pairs() -> list[names.Pair]:
    folder = shared_data("records") / "splink_datasets"
    some = names._csv(folder / "febrl/dataset1.csv", "given_name") + names._csv(
        folder / "fake_1000.csv", "first_name"
    )
    return names._distinct(some)


@pytest.mark.parametrize("style", names.STYLES)
def test_names_are_split_in_every_style(pairs: list[names.Pair], style: str) -> None:
    written = [(names.STYLES[style](g, f), (g.casefold(), f.casefold())) for g, f in pairs]
    right = sum(names._same(names._ours(name), truth) for name, truth in written)
    assert right / len(pairs) >= 0.98
    assert right >= sum(names._same(names._bare(name), truth) for name, truth in written)


def test_right_names_are_hardly_ever_refused(pairs: list[names.Pair]) -> None:
    refused = [f"{g} {f}" for g, f in pairs if parse(f"{g} {f}").confidence < USABLE]
    assert len(refused) / len(pairs) < 0.01, refused


@pytest.mark.parametrize("kind", names.PLANTED)
def test_planted_ones_are_refused(pairs: list[names.Pair], kind: str) -> None:
    bad = [names.PLANTED[kind](g, f, n) for n, (g, f) in enumerate(pairs)]
    passed = [name for name in bad if parse(name).confidence >= USABLE]
    assert len(passed) / len(bad) < 0.02, passed[:20]


def test_without_the_records_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("KITH_SHARED_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="not on this machine"):
        names.main([])
