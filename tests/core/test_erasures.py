"""The journal of erasures: durable, private, whole after a torn line, and joined with those of other machines."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kith.base.clock import now
from kith.core import erasures, secrets
from kith.core.erasures import Entry, Journal, JournalError


@pytest.fixture(autouse=True)
def no_journal() -> Iterator[None]:
    erasures.path().unlink(missing_ok=True)
    yield
    erasures.path().unlink(missing_ok=True)


def entry(**rest: object) -> Entry:
    made = Entry(
        uuid.uuid4(),
        now(),
        frozenset({uuid.uuid4()}),
        frozenset({uuid.uuid4()}),
        frozenset({"a" * 64}),
        "key",
        "house",
    )
    return replace(made, **rest)  # type: ignore[arg-type]


def test_what_is_added_is_read_and_nobody_else_reads_it() -> None:
    first, second = entry(never=frozenset({"b" * 64})), entry()
    assert erasures.add([first, second]) == 2
    assert erasures.add([second]) == 0
    assert set(erasures.read().entries) == {first, second}
    assert erasures.path().stat().st_mode & 0o777 == 0o600


def test_an_erasure_that_went_on_is_one_with_all_that_it_took() -> None:
    first = entry()
    more = replace(first, at=first.at + timedelta(hours=1), identities=frozenset({uuid.uuid4()}))
    erasures.add([first])
    assert erasures.add([more]) == 1
    (whole,) = erasures.read().entries
    assert whole.identities == first.identities | more.identities
    assert whole.at == more.at
    assert erasures.add([first, more]) == 0


def test_a_torn_line_costs_itself_only() -> None:
    first, second = entry(), entry()
    erasures.add([first])
    with erasures.path().open("ab") as file:
        file.write(b'{"v": 1, "id": "0')
    erasures.add([second])
    assert erasures.read() == Journal(tuple(sorted((first, second), key=lambda e: e.at)), damaged=1)


@pytest.mark.parametrize("text", ["", "\n", "[]\n", '{"id": 7}\n', "\x00\xff"])
def test_what_is_no_journal_adds_nothing(text: str, tmp_path: Path) -> None:
    file = tmp_path / "other"
    file.write_text(text)
    if text.strip():
        with pytest.raises(JournalError, match="is no journal"):
            erasures.read(file)
    else:
        assert erasures.read(file) == Journal(())
    with pytest.raises(JournalError, match="There is no"):
        erasures.read(tmp_path / "missing")
    assert erasures.read() == Journal(())


def test_a_hash_is_known_by_any_key_of_the_file(
    tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = secrets.keyed_hash("x", purpose="p")
    (own,) = secrets._keys(secrets._key_path())
    other = (b"1234", b"k" * 32)
    monkeypatch.setattr(secrets, "_keys", lambda _: (own, other))
    assert secrets.keyed_hashes("x", purpose="p")[1:] == [before]
    assert secrets.keyed_hash("x", purpose="p") != before
    monkeypatch.setattr(secrets, "_keys", lambda _: (other, own))  # a newer key above: nothing changes
    assert secrets.keyed_hash("x", purpose="p") == before
    assert secrets.key_marks()[0] != secrets.key_marks()[1]
