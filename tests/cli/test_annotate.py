"""`kith annotate` as a filter: lines in, lines out in the same order, and what is wrong is said."""

from __future__ import annotations

import json
import subprocess
import sys

KITH = [sys.executable, "-m", "kith.cli.main", "annotate"]


def test_lines_in_labels_out_in_the_same_order() -> None:
    lines = [
        {"id": number, "text": f"I hate this terrible parcel, it is broken, number {number}"}
        for number in range(600)
    ]
    done = subprocess.run(
        [*KITH, "--tier", "fast"],
        input="\n".join(map(json.dumps, lines)).encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["id"] for one in answers] == list(range(600))
    assert set(answers[0]) == {
        "id", "language", "sentiment", "sentiment_scores", "emotion", "emotion_scores", "offensive", "intents", "intent_scores",
        "aspects", "urgency", "tier", "model",
    }  # fmt: skip
    assert {one["sentiment"] for one in answers} == {"negative"}


def test_what_cannot_be_read_is_told_and_loses_no_other() -> None:
    long = b'{"id": 9, "text": "' + b"x" * 1_100_000 + b'"}'
    lines = [
        b"\xff",
        b"[1]",
        b'{"id": 3}',
        long,
        b"",
        b'{"id": 5, "text": "fine"}',
        b'{"id": "\\ud800", "text": "half \\ud800"}',
    ]
    done = subprocess.run([*KITH, "--tier", "fast"], input=b"\n".join(lines), capture_output=True, timeout=60)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["id"], "error" in one) for one in answers] == [
        (None, True), (None, True), (3, True), (None, True), (5, False), ("\ud800", False),
    ]  # fmt: skip
    assert done.returncode == 1
    assert b"4 lines could not be read" in done.stderr


def test_a_line_is_answered_while_the_pipe_stays_open() -> None:
    with subprocess.Popen(
        [*KITH, "--tier", "fast"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as filter_:
        assert filter_.stdin is not None
        assert filter_.stdout is not None
        for number in range(3):
            filter_.stdin.write(json.dumps({"id": number, "text": "hello"}).encode() + b"\n")
            filter_.stdin.flush()
            assert json.loads(filter_.stdout.readline())["id"] == number
        filter_.stdin.close()
        assert filter_.wait(timeout=30) == 0
