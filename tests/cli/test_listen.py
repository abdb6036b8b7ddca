"""`kith listen` as a filter: posts in, matches out in the same order, and what is wrong is said with its place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KITH = [sys.executable, "-m", "kith.cli.main", "listen"]


@pytest.fixture
def monitors(tmp_path: Path) -> Path:
    file = tmp_path / "monitors.toml"
    file.write_text(
        """
        [[monitor]]
        name = "leads"
        query = '("bike shop" OR #cycling) AND (recommend* OR "looking for") NOT giveaway lang:en'
        [[monitor]]
        name = "Straße"
        query = "strasse"
        """,
        encoding="utf-8",
    )
    return file


def listen(file: Path, lines: list[Any]) -> subprocess.CompletedProcess[bytes]:
    given = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return subprocess.run(
        [*KITH, "--monitors", str(file)], input=b"\n".join(given), capture_output=True, timeout=60
    )


def answers(done: subprocess.CompletedProcess[bytes]) -> list[Any]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_posts_in_matches_out_in_the_same_order(monitors: Path) -> None:
    done = listen(
        monitors,
        [
            {
                "id": "a",
                "text": "Can anyone RECOMMEND a Bike  Shop in der Straße?",
                "language": "en",
                "network": "one",
            },
            {"id": 2, "text": "giveaway: #cycling recommended", "language": "en"},
            {"id": 3, "text": "#cycling recommended"},
            {
                "id": 4,
                "text": "👍🏽 STRASSE",
                "author": None,
                "place": {"name": "Leeds", "lat": 53.8, "lon": -1.5},
            },
        ],
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert answers(done) == [
        {"id": "a", "monitor": "leads", "matched": [[11, 20], [23, 33]]},
        {"id": "a", "monitor": "Straße", "matched": [[41, 47]]},
        {"id": 4, "monitor": "Straße", "matched": [[3, 10]]},
    ]


def test_a_line_that_cannot_be_read_is_told_by_its_number_and_loses_no_other(monitors: Path) -> None:
    long = b'{"id": 9, "text": "' + b"x" * 1_100_000 + b'"}'
    half = b'{"id": "\\ud800", "text": "strasse \\ud800"}'
    good = {"id": 5, "text": "strasse"}
    done = listen(
        monitors,
        [
            b"{",
            b"",
            good,
            b"\xff",
            b"[1]",
            {"id": 3},
            {"text": "x"},
            long,
            half,
            {**good, "language": 7},
            {**good, "place": [1]},
        ],
    )
    assert [one["id"] for one in answers(done)] == [5, "\ud800"]
    assert done.returncode == 1
    told = done.stderr.decode().splitlines()
    assert [line.split(":")[1] for line in told[:-1]] == [f" line {n}" for n in (1, 4, 5, 6, 7, 8, 10, 11)]
    assert told[-1] == "kith: 8 lines could not be read and were left out."


def test_a_match_comes_out_while_the_pipe_stays_open(monitors: Path) -> None:
    with subprocess.Popen(
        [*KITH, "--monitors", str(monitors)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as it:
        assert it.stdin is not None
        assert it.stdout is not None
        for number in range(3):
            it.stdin.write(json.dumps({"id": number, "text": "strasse"}).encode() + b"\n")
            it.stdin.flush()
            assert json.loads(it.stdout.readline())["id"] == number
        it.stdin.close()
        assert it.wait(timeout=30) == 0


def test_moods_and_intents_are_found_out(tmp_path: Path) -> None:
    file = tmp_path / "angry.toml"
    file.write_text('[[monitor]]\nname = "angry"\nquery = "parcel sentiment:negative"\n')
    done = listen(
        file,
        [
            {"id": 1, "text": "My parcel is late and I am angry, this is terrible service"},
            {"id": 2, "text": "My parcel came today, wonderful, thank you so much, I love it"},
            {"id": 3, "text": "A wonderful parcel", "sentiment": "negative"},
            {"id": 4, "text": "I am angry, this is terrible service"},
        ],
    )
    assert [one["id"] for one in answers(done)] == [1, 3]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "There is no monitor in this file."),
        ("[[monitor]]\nname = 'a", "This is not TOML: "),
        ("[[monitor]]\nname = 'a'\nquery = 'bike NEAR broken'", "monitor 1 “a”: character 6: After NEAR"),
        ("[[monitor]]\nname = 'a'\nquery = 'bike NEAR broken'", "    bike NEAR broken\n         ^^^^\n"),
        ("[[monitor]]\nname = 'a'\nquery = '''bike\nNOT'''", "    NOT\n    ^^^\n"),
        ("[[monitor]]\nname = 'a'\nqurey = 'b'", "monitor 1 “a”: “qurey” has no place here"),
        ("[[monitor]]\nquery = 'b'", "monitor 1: It has no name."),
        ("[[monitor]]\nname = 'a'", "monitor 1 “a”: It has no query."),
        (
            "[[monitor]]\nname='a'\nquery='b'\n[[monitor]]\nname='a'\nquery='c'",
            "monitor 2 “a”: Another monitor has",
        ),
        ("[[monitors]]\nname = 'a'\nquery = 'b'", "“monitors” has no place here."),
        ("monitor = 1", "There is no monitor in this file."),
        ("monitor = [1]", "monitor 1: A monitor is a table"),
        (
            "[[monitor]]\nname='a'\nquery='('\n[[monitor]]\nname='b'\nquery='AND'",
            "monitor 2 “b”: character 1",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "monitors.toml"
    file.write_text(text, encoding="utf-8")
    done = listen(file, [])
    assert done.returncode == 1
    assert done.stdout == b""
    assert told in done.stderr.decode()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = listen(tmp_path / "none.toml", [])
    assert done.returncode == 1
    assert b"can't be read" in done.stderr
