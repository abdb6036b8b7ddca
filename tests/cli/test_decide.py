"""`kith decide` as a filter: lines in, lines out in the same order, and what is wrong is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KITH = [sys.executable, "-m", "kith.cli.main"]
GOOD = {
    "id": "a",
    "now": "2026-05-12T09:00:00Z",
    "touch": {"kind": "campaign", "channel": "email", "purpose": "news", "actor": "automation"},
    "contact": {"consents": [{"channel": "email", "purpose": "news", "status": "given"}]},
}


def decide(lines: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*KITH, "decide", *options], input=lines, capture_output=True, timeout=60)


def test_lines_in_lines_out_in_the_same_order() -> None:
    other = {**GOOD, "id": 7, "contact": {}}
    done = decide("\n".join(map(json.dumps, [GOOD, other, GOOD])).encode())
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [(a["id"], a["decision"], a["rule"]) for a in answers] == [
        ("a", "allow", "plain"),
        (7, "deny", "consent_missing"),
        ("a", "allow", "plain"),
    ]
    assert set(answers[0]) == {"id", "decision", "rule", "reason", "until"}


def test_what_cannot_be_read_is_denied_and_counted_and_loses_no_other(tmp_path: Path) -> None:
    long = b'{"id": "' + b"x" * 2_100_000 + b'"}'
    half = json.dumps({**GOOD, "id": "\ud800"}).encode()
    number = json.dumps({**GOOD, "id": float("nan")}).encode()
    lines = [b"\xff\xfe", b"", long, number, half, json.dumps(GOOD).encode()]
    done = decide(b"\n".join(lines))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(a["id"], a["decision"], a["rule"]) for a in answers] == [
        (None, "deny", "invalid"),
        (None, "deny", "invalid"),
        (None, "deny", "invalid"),
        ("\ud800", "allow", "plain"),
        ("a", "allow", "plain"),
    ]
    assert done.returncode == 1
    assert b"3 lines could not be read" in done.stderr


def test_a_key_that_stands_twice_is_an_error_of_its_line() -> None:
    good = json.dumps(GOOD)
    purpose = good.replace('"purpose": "news", "actor"', '"purpose": "news", "purpose": "service", "actor"')
    contact = good[:-1] + ', "contact": {}}'
    listed = '[{"id": 1, "id": 2}]'
    cut = '{"id": "b", "touch": {"kind": 1, "kind": 2}, '
    done = decide("\n".join([purpose, contact, listed, cut, good]).encode())
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(a["id"], a["decision"], a["rule"]) for a in answers] == [
        ("a", "deny", "invalid"),
        ("a", "deny", "invalid"),
        (None, "deny", "invalid"),
        (None, "deny", "invalid"),
        ("a", "allow", "plain"),
    ]
    assert "'purpose' stands twice" in answers[0]["reason"]
    assert "'contact' stands twice" in answers[1]["reason"]
    assert b"4 lines could not be read" in done.stderr


def test_a_policy_of_ones_own(tmp_path: Path) -> None:
    strict = tmp_path / "policy.toml"
    strict.write_text("[pace]\nweek = 0\n")
    twice = {**GOOD, "contact": {**GOOD["contact"], "touches": [{"at": "2026-01-01T00:00:00Z"}]}}  # type: ignore[dict-item]
    assert json.loads(decide(json.dumps(twice).encode(), "--policy", str(strict)).stdout)["rule"] == "pace"
    strict.write_text("[pace]\nweak = 0\n")
    wrong = decide(b"", "--policy", str(strict))
    assert wrong.returncode == 1
    assert b"[pace] knows no weak" in wrong.stderr
    missing = decide(b"", "--policy", str(tmp_path / "none.toml"))
    assert b"can't be read" in missing.stderr
    assert decide(b"", "--show-policy").stdout.startswith(b"# The contact policy that ships")
