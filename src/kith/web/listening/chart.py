"""Counts by day as bars, each a way to the posts behind it (decision 0013)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format

from kith.web.people.pressure import ticks

WIDTH, HEIGHT, LEFT, BELOW = 920, 140, 40, 22


@dataclass(frozen=True, slots=True)
class Bar:
    """A day: its place in the chart's own units, its number, and the address of its posts ("" where there is none)."""

    day: date
    number: int
    x: float
    y: float
    width: float
    height: float
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: tuple[Bar, ...]
    marks: tuple[tuple[int, float], ...]
    names: tuple[tuple[float, str], ...]
    size: tuple[int, int, int, int] = (WIDTH, HEIGHT, LEFT, BELOW)

    @property
    def total(self) -> int:
        return sum(bar.number for bar in self.bars)


def chart(days: Sequence[tuple[date, int]], href: Callable[[date], str] = lambda day: "") -> Chart:
    steps = ticks(max((number for _day, number in days), default=0))
    step = (WIDTH - LEFT) / max(1, len(days))
    bars = []
    for at, (day, number) in enumerate(days):
        height = number * HEIGHT / steps[-1]
        bars.append(
            Bar(
                day=day,
                number=number,
                x=round(LEFT + at * step + 1, 1),
                y=round(HEIGHT - height, 1),
                width=round(max(1.0, min(step - 2, 40)), 1),
                height=round(height, 1),
                title=f"{date_format(day, 'DATE_FORMAT')}: {number}",
                href=href(day) if number else "",
            )
        )
    every = max(1, len(days) // 7)
    names = [
        (round(LEFT + at * step + 1, 1), date_format(day, "SHORT_DATE_FORMAT" if every > 20 else "j M"))
        for at, (day, _number) in enumerate(days)
        if at % every == 0 and at + every / 2 < len(days)
    ]
    marks = [(number, round(HEIGHT * (1 - number / steps[-1]), 1)) for number in steps]
    return Chart(tuple(bars), tuple(marks), tuple(names))
