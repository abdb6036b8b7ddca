"""`kith listen` as a filter: posts in, matches out in the same order, live; and a file of monitors that is told what is wrong in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KITH = [sys.executable, "-m", "kith.cli.main", "listen", "--monitors"]
MONITORS = """
[[monitor]]
name = "bikes"
query = '("bike shop" OR #cycling) AND (recommend* OR "looking for") NOT giveaway lang:en network:one,two near:"Leeds"~30km'

[[monitor]]
name = "Straße"
query = "straße"

[[monitor]]
name = "angry"
query = "parcel sentiment:negative"
"""


@pytest.fixture
def monitors(tmp_path: Path) -> str:
    path = tmp_path / "monitors.toml"
    path.write_text(MONITORS, encoding="utf-8")
    return str(path)


def run(monitors: str, lines: list[bytes]) -> tuple[list[dict[str, Any]], subprocess.CompletedProcess[bytes]]:
    done = subprocess.run([*KITH, monitors], input=b"\n".join(lines), capture_output=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()], done


def test_posts_in_matches_out_in_the_same_order(monitors: str) -> None:
    about = {
        "language": "en",
        "network": "one",
        "author": "x",
        "published_at": "2026-11-01T10:00:00Z",
        "place": "Leeds",
    }
    text = "Looking  for a bike shop on the STRASSE"
    posts = [{"id": number, "text": text if number % 2 else "nothing", **about} for number in range(600)]
    posts.append({"id": "few", "text": "🎉 Die Straße, and my parcel is late, I am very angry!"})
    answers, done = run(monitors, [json.dumps(post).encode() for post in posts])
    assert done.returncode == 0, done.stderr
    assert [one["id"] for one in answers[:-2]] == [
        number for number in range(600) for _ in range(2) if number % 2
    ]
    assert answers[0] == {"id": 1, "monitor": "bikes", "matched": [[0, 12], [15, 24]]}
    assert answers[1] == {"id": 1, "monitor": "Straße", "matched": [[32, 39]]}
    assert [(one["id"], one["monitor"]) for one in answers[-2:]] == [("few", "Straße"), ("few", "angry")]
    assert answers[-2]["matched"] == [[6, 12]]


def test_what_cannot_be_read_is_told_in_its_place_and_loses_no_other(monitors: str) -> None:
    lines = [
        b'{"id": 1, "text": "strasse"}',
        b"\xff",
        b"[1]",
        b'{"text": "strasse"}',
        b'{"id": 3}',
        b'{"id": 4, "text": "strasse", "language": 7}',
        b'{"id": 9, "text": "' + b"x" * 1_100_000 + b'"}',
        b"",
        b'{"id": 5, "text": "stra\\u00dfe", "place": null, "unknown": 1}',
        b'{"id": "\\ud800", "text": "half \\ud800 strasse"}',
    ]
    answers, done = run(monitors, lines)
    assert [(one["id"], "error" in one) for one in answers] == [
        (1, False), (None, True), (None, True), (None, True), (3, True), (4, True), (None, True), (5, False), ("\ud800", False),
    ]  # fmt: skip
    assert done.returncode == 1
    assert b"6 lines could not be read" in done.stderr


def test_a_post_is_answered_while_the_pipe_stays_open(monitors: str) -> None:
    with subprocess.Popen([*KITH, monitors], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as filter_:
        assert filter_.stdin is not None
        assert filter_.stdout is not None
        for number in range(3):
            filter_.stdin.write(json.dumps({"id": number, "text": "strasse"}).encode() + b"\n")
            filter_.stdin.flush()
            assert json.loads(filter_.stdout.readline())["id"] == number
        filter_.stdin.close()
        assert filter_.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[monitor]\n", ["This is not TOML", "line 1"]),
        ("", ["There is no monitor"]),
        ("[[monitor]]\nquery = 'a'", ["Monitor 1 has no name"]),
        ("[[monitor]]\nname = 'a'", ["Monitor 1, “a”, has no query"]),
        ("[[monitor]]\nname = 'a'\nquery = 'b'\nquerry = 'c'", ["querry is not known"]),
        ("[[monitor]]\nname = 'a'\nquery = 'b'\n" * 2, ["Monitor 2", "already"]),
        (
            "[[monitor]]\nname = 'a'\nquery = 'x (b'\n[[monitor]]\nname = 'b'\nquery = 'NOT c'",
            [
                "Monitor 1, “a”: character 3: This bracket is never closed",
                "    x (b\n      ^",
                "Monitor 2, “b”: character 1",
            ],
        ),
    ],
)
def test_a_wrong_file_is_told_what_is_wrong_in_it(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    answers, done = run(str(path), [b'{"id": 1, "text": "x"}'])
    assert (answers, done.returncode) == ([], 1)
    for one in words:
        assert one in done.stderr.decode()


def test_no_file_is_told(tmp_path: Path) -> None:
    _, done = run(str(tmp_path / "nowhere.toml"), [])
    assert done.returncode == 1
    assert b"can't be read: No such file" in done.stderr
