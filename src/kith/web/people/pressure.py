"""The pressure of the whole company on its people's attention, week by week and division by division."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from kith.trust.pressure import cap_shares, pressure_weeks
from kith.web import pages
from kith.web.access import SignedIn, managers
from kith.web.people.attention import window_words

WIDTH, HEIGHT, LEFT, BELOW = 920, 200, 34, 22
MOST_DIVISIONS = 6
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column of the chart, in its own units; `tone` is the division's place."""

    x: float
    y: float
    width: float
    height: float
    tone: int
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A week of the table: offers by division, and what was no offer."""

    week: date
    counts: tuple[int, ...]
    offers: int
    others: int


@managers
def pressure(request: SignedIn) -> HttpResponse:
    """Offers by week and division over half a year, as a chart with its table; how many people are at each cap."""
    columns, rows = _rows()
    steps = ticks(max((row.offers for row in rows), default=0))
    step = (WIDTH - LEFT) / max(1, len(rows))
    context = {
        "columns": columns,
        "rows": rows,
        "bars": _bars(rows, columns, steps[-1], step),
        "marks": [(number, round(HEIGHT * (1 - number / steps[-1]), 1)) for number in steps],
        "months": _months(rows, step),
        "size": (WIDTH, HEIGHT, LEFT, BELOW),
        "caps": cap_shares(),
        "windows": window_words(),
    }
    return pages.page(request, "people/pressure.html", context, section="people")


def _rows() -> tuple[list[str], list[Row]]:
    """The names of the columns, the largest first, and each week from the first to the last, empty ones included."""
    found = pressure_weeks()
    totals: dict[str, int] = defaultdict(int)
    for one in found:
        if one.selling:
            totals[one.division] += one.count
    names = sorted(totals, key=lambda name: (-totals[name], name))
    shown, rest = names[:MOST_DIVISIONS], set(names[MOST_DIVISIONS:])
    columns = [name or _("no division") for name in shown] + ([_("others")] if rest else [])
    by_week: dict[date, list[int]] = {}
    others: dict[date, int] = defaultdict(int)
    for one in found:
        counts = by_week.setdefault(one.week, [0] * len(columns))
        if one.selling:
            counts[len(columns) - 1 if one.division in rest else shown.index(one.division)] += one.count
        else:
            others[one.week] += one.count
    rows, week = [], min(by_week, default=None)
    while week is not None and week <= max(by_week):
        counts = by_week.get(week, [0] * len(columns))
        rows.append(Row(week, tuple(counts), sum(counts), others[week]))
        week += WEEK
    return columns, rows


def ticks(most: int) -> list[int]:
    """Round numbers for an axis, from 0 to the first that is not below `most`, five at most.

    >>> ticks(35), ticks(1), ticks(0), ticks(1200)
    ([0, 10, 20, 30, 40], [0, 1], [0, 1], [0, 500, 1000, 1500])
    """
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if step * 4 >= most:
                return list(range(0, max(1, -(-most // step)) * step + 1, step))
        size *= 10


def _months(rows: Sequence[Row], step: float) -> list[tuple[float, str]]:
    """Where each month begins on the axis, with its name."""
    return [
        (round(LEFT + at * step + 2, 1), date_format(row.week, "M"))
        for at, row in enumerate(rows)
        if at + 2 < len(rows) and (at == 0 or row.week.month != rows[at - 1].week.month)
    ]


def _bars(rows: Sequence[Row], columns: Sequence[str], most: int, step: float) -> list[Bar]:
    bars = []
    for at, row in enumerate(rows):
        top = float(HEIGHT)
        week = _("Week of %(day)s") % {"day": date_format(row.week, "DATE_FORMAT")}
        for tone, count in enumerate(row.counts):
            if not count:
                continue
            height = count * HEIGHT / most
            top -= height
            x, width = LEFT + at * step + 2, min(step - 4, 40)
            bars.append(
                Bar(
                    round(x, 1),
                    round(top, 1),
                    round(width, 1),
                    round(height, 1),
                    tone,
                    f"{week}, {columns[tone]}: {count}",
                )
            )
    return bars
