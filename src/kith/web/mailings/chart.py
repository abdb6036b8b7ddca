"""The result of a dry run as a chart and a table: shares, and by which day the held ones would be free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format

from kith.web.mailings.words import OUTCOMES, RULES, TONES

WIDTH = 1000.0
DAYS = 31


@dataclass(frozen=True, slots=True)
class Part:
    """One colour of the bar: `x` and `width` in thousandths of it."""

    outcome: str
    title: Any
    tone: str
    number: int
    share: float
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: how many, their share, its bar, and the days on which they would be free again."""

    outcome: str
    outcome_title: Any
    rule: str
    title: Any
    tone: str
    number: int
    share: float
    width: float
    free: str


@dataclass(frozen=True, slots=True)
class Day:
    day: str  # as in an address
    at: str
    number: int
    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Result:
    total: int
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]
    days: tuple[Day, ...]


def result_of(numbers: dict[str, Any]) -> Result:
    outcomes = numbers["outcomes"]
    total = sum(outcomes.values()) or 1
    parts, x = [], 0.0
    for name in OUTCOMES:
        if number := outcomes.get(name, 0):
            width = WIDTH * number / total
            parts.append(
                Part(
                    name,
                    OUTCOMES[name],
                    TONES[name],
                    number,
                    100 * number / total,
                    round(x, 2),
                    round(width, 2),
                )
            )
            x += width
    most = max((row[2] for row in numbers["rules"]), default=1)
    lines = []
    free: dict[str, int] = {}
    for outcome, rule, number, days in numbers["rules"]:
        for day, count in days:
            free[day] = free.get(day, 0) + count
        lines.append(
            Line(
                outcome, OUTCOMES[outcome], rule, RULES.get(rule, rule), TONES[outcome], number,
                100 * number / total, round(WIDTH * number / most, 2),
                _span(days),
            )
        )  # fmt: skip
    return Result(sum(outcomes.values()), tuple(parts), tuple(lines), _days(free))


def _told(day: str) -> str:
    return date_format(date.fromisoformat(day), "SHORT_DATE_FORMAT")


def _span(days: list[list[Any]]) -> str:
    told = list(dict.fromkeys(_told(row[0]) for row in (days[:1] + days[-1:])))
    return " – ".join(told)


def _days(free: dict[str, int]) -> tuple[Day, ...]:
    """A column a day, the later ones left out: the table tells of them."""
    shown = sorted(free.items())[:DAYS]
    most = max((number for _day, number in shown), default=1)
    step = WIDTH / max(len(shown), 14)
    return tuple(
        Day(day, _told(day), number, round(n * step, 2), round(step * 0.72, 2), round(100 * number / most, 2))
        for n, (day, number) in enumerate(shown)
    )
