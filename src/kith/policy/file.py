"""The contact policy as a TOML file: `default.toml` ships, a company's own changes what it names."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from kith.policy.pacing import zone
from kith.policy.types import CHANNELS, Cap, Pace, Rules

WINDOWS = {"year": 365, "month": 30, "week": 7}
KEYS = {
    "pace": {*WINDOWS, "gap_hours", "answer_days"},
    "quiet": {"from", "until", "rings", "awake_hours", "time_zone"},
    "names": {"confidence"},
    "consent": {"channels", "similar", "service"},
}
BASES = ("consent", "contract", "interest")
LIMIT = 100_000


class PolicyError(ValueError):
    """What is wrong with a policy file, as a sentence that names the place."""


def default_text() -> str:
    return resources.files("kith.policy").joinpath("default.toml").read_text(encoding="utf-8")


@cache
def default_rules() -> Rules:
    return _rules(tomllib.loads(default_text()))


def load_rules(text: str) -> Rules:
    """The policy in a file's text; what it leaves out is as in the one that ships. Raises PolicyError."""
    if len(text) > LIMIT:
        raise PolicyError(f"the policy is longer than {LIMIT} characters")
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"this is not TOML: {error}") from error
    whole = tomllib.loads(default_text())
    for name, table in given.items():
        if name not in (*KEYS, "segments", "basis"):
            raise PolicyError(
                f"[{name}] is no part of a policy; the parts are {', '.join([*KEYS, 'segments', 'basis'])}"
            )
        if not isinstance(table, dict):
            raise PolicyError(f"{name} must be a table: [{name}]")
        unknown = set(table) - KEYS.get(name, set(table))
        if unknown:
            raise PolicyError(
                f"[{name}] knows no {sorted(unknown)[0]}; it knows {', '.join(sorted(KEYS[name]))}"
            )
        whole[name] = {**whole.get(name, {}), **table}
    return _rules(whole)


def _rules(given: dict[str, Any]) -> Rules:
    pace, quiet, consent = given["pace"], given["quiet"], given["consent"]
    segments = []
    for name, own in given.get("segments", {}).items():
        if not isinstance(own, dict) or set(own) - {*WINDOWS, "gap_hours"}:
            raise PolicyError(f"[segments.{name}] takes {', '.join(WINDOWS)} and gap_hours")
        segments.append((name, _pace({**pace, **own}, f"segments.{name}")))
    basis = given.get("basis", {})
    for purpose, what in basis.items():
        if what not in BASES:
            raise PolicyError(f"[basis] {purpose} must be one of {', '.join(BASES)}")
    time_zone = quiet["time_zone"]
    if not isinstance(time_zone, str) or zone(time_zone) is None:
        raise PolicyError(f"[quiet] time_zone: {time_zone!r} is no IANA time zone, such as Europe/Berlin")
    return Rules(
        pace=_pace(pace, "pace"),
        segments=tuple(segments),
        answer_days=_number(pace, "answer_days", "pace"),
        quiet_from=_hour(quiet, "from"),
        quiet_until=_hour(quiet, "until"),
        time_zone=time_zone,
        awake_hours=_number(quiet, "awake_hours", "quiet"),
        rings=_words(quiet, "rings", "quiet", CHANNELS),
        name_confidence=_number(given["names"], "confidence", "names", most=1.0),
        consent_channels=_words(consent, "channels", "consent", CHANNELS),
        similar_channels=_words(consent, "similar", "consent", CHANNELS),
        service_purposes=_words(consent, "service", "consent"),
        basis=tuple(sorted(basis.items())),
    )


def _pace(given: dict[str, Any], place: str) -> Pace:
    caps = []
    for name, days in WINDOWS.items():
        limit = given[name]
        if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= 1_000_000:
            raise PolicyError(f"[{place}] {name} must be a whole number, 0 or more")
        caps.append(Cap(name, days, limit))
    return Pace(tuple(caps), _number(given, "gap_hours", place))


def _number(given: dict[str, Any], key: str, place: str, most: float = 100_000.0) -> float:
    value = given[key]
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
        raise PolicyError(f"[{place}] {key} must be a number from 0 to {most:g}")
    return float(value)


def _hour(given: dict[str, Any], key: str) -> float:
    value = str(given[key])
    hour, _, minute = value.partition(":")
    if not (
        hour.isascii() and hour.isdecimal() and (minute or "0").isascii() and (minute or "0").isdecimal()
    ):
        raise PolicyError(f'[quiet] {key} must be a time of day, such as "21:00"')
    found = int(hour) + int(minute or 0) / 60
    if not (found < 24 and int(minute or 0) < 60):
        raise PolicyError(f'[quiet] {key} must be a time of day, such as "21:00"')
    return found


def _words(
    given: dict[str, Any], key: str, place: str, known: tuple[str, ...] | None = None
) -> frozenset[str]:
    value = given[key]
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise PolicyError(f'[{place}] {key} must be a list of words: ["email"]')
    for word in value:
        if known and word not in known:
            raise PolicyError(f"[{place}] {key}: {word} is no channel; the channels are {', '.join(known)}")
    return frozenset(value)
