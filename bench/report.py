"""The table and the chart of growth, from the figures of a run."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

Rows = dict[str, dict[str, Any]]
Results = dict[int, Rows]
DOCS = Path(__file__).resolve().parents[1] / "docs" / "explanation"
MARKS = ("<!-- the table, written by `python -m bench --docs` -->", "<!-- end of the table -->")
# The aims: how the page's name begins, what is compared, the most it may be, in words.
AIMS = (
    ("inbox of 50, whole page", "ratio", 2.5, "2.5 times the limit"),
    ("inbox of 50, the rows", "ratio", 2.5, "2.5 times the limit"),
    ("contact with 500", "total", 20.0, "20 ms"),
    ("name search", "p95", 50.0, "p95 50 ms"),
    ("search by date", "p95", 150.0, "p95 150 ms"),
    ("create a person", "total", 3.0, "3 ms"),
    ("receive a mail", "ratio", 1.0, "notmuch's rate"),
)
MOST_GROWTH = 1.3
GROWS = (
    "inbox",
    "contact",
    "conversation",
    "list of people",
    "counts",
)  # pages; searches have aims of their own


def figure(row: dict[str, Any], what: str) -> float | None:
    if "total" not in row:
        return None
    if what == "ratio":
        return row["total"] / row["limit"] if row.get("limit") else None
    return float(row[what])


def growth(results: Results, page: str) -> float | None:
    """What it costs at the largest size, as a multiple of the smallest."""
    small, large = results[min(results)].get(page, {}), results[max(results)].get(page, {})
    if "total" not in small or "total" not in large or len(results) < 2:
        return None
    return float(large["total"] / max(small["total"], 0.001))


def verdict(results: Results, page: str) -> str:
    row = results[max(results)].get(page, {})
    said = []
    for begins, what, most, words in AIMS:
        if page.startswith(begins):
            found = figure(row, what)
            if found is not None:
                said.append(f"{words}: {'yes' if found <= most else f'no, {found:.1f}'}")
    grown = growth(results, page)
    if grown is not None and page.startswith(GROWS):
        said.append(f"growth {MOST_GROWTH}: {'yes' if grown <= MOST_GROWTH else f'no, {grown:.2f}'}")
    return "; ".join(said)


def table(results: Results) -> str:
    """Markdown. Milliseconds of CPU, of us and of the database together."""
    sizes = sorted(results)
    pages = list(
        dict.fromkeys(page for size in reversed(sizes) for page in results[size] if page != "filled")
    )
    lines = [
        "| what | " + " | ".join(f"{s:,}" for s in sizes) + " | limit | ratio | p95 | SQL | growth | aim |",
        "|---|" + "--:|" * (len(sizes) + 5) + "---|",
    ]
    for page in pages:
        row = results[sizes[-1]].get(page) or {}
        cells = [_cell(results[s].get(page)) for s in sizes]
        ratio, grown = figure(row, "ratio"), growth(results, page)
        lines.append(
            f"| {page} | {' | '.join(cells)} | {row['limit']:.2f} | {ratio:.2f} | "
            if ratio is not None
            else f"| {page} | {' | '.join(cells)} | | | "
        )
        measured = "total" in row
        lines[-1] += f"{row['p95']:.1f} | {row['queries']:.0f} | " if measured else "| | "
        lines[-1] += f"{grown:.2f} | " if grown is not None else "| "
        lines[-1] += f"{verdict(results, page)} |"
    filled = [results[s].get("filled", {}) for s in sizes]
    if any(f.get("seconds") for f in filled):
        lines.append(
            "| filling, seconds | "
            + " | ".join(f"{f.get('seconds', 0):.0f}" for f in filled)
            + " | " * 6
            + "|"
        )
    return "\n".join(lines)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    if "total" in row:
        return f"{row['total']:.1f}"
    return "failed" if "failed" in row else "skipped"


def chart(results: Results) -> str:
    """Lines of growth: each page's cost at each size, as a multiple of its cost at the smallest. An SVG."""
    sizes = sorted(results)
    pages = [p for p in results[sizes[-1]] if p.startswith(GROWS) and growth(results, p) is not None]
    width, height, left, top, right, bottom = 900, 60 + 26 * max(len(pages), 10), 60, 40, 380, 40
    highest = max([MOST_GROWTH, *(growth(results, p) or 0 for p in pages)]) * 1.15

    def x(number: int) -> float:
        return left + (width - left - right) * number / max(len(sizes) - 1, 1)

    def y(value: float) -> float:
        return height - bottom - (height - top - bottom) * value / highest

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="Inter, sans-serif" font-size="12">',
        "<title>What a page costs as the house grows, as a multiple of its cost at the smallest size</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="22" font-size="15" font-weight="600" fill="#1c1b19">CPU time of a page, as the house grows</text>',
        f'<line x1="{x(0)}" x2="{x(len(sizes) - 1)}" y1="{y(MOST_GROWTH):.1f}" y2="{y(MOST_GROWTH):.1f}" stroke="#b3401f" stroke-dasharray="5 4"/>',
        f'<text x="{left - 8}" y="{y(MOST_GROWTH) + 4:.1f}" text-anchor="end" fill="#b3401f">{MOST_GROWTH}</text>',
    ]
    for value in (0, 1):
        parts.append(
            f'<line x1="{x(0)}" x2="{x(len(sizes) - 1)}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd8cf"/>'
        )
        parts.append(
            f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#5c574e">{value}</text>'
        )
    for number, size in enumerate(sizes):
        parts.append(
            f'<text x="{x(number):.1f}" y="{height - 14}" text-anchor="middle" fill="#5c574e">{size:,} people</text>'
        )
    for number, page in enumerate(pages):
        colour = f"hsl({number * 360 // max(len(pages), 1)} 55% 40%)"
        base = max(results[sizes[0]][page]["total"], 0.001)
        points = [
            (x(n), y(results[s][page]["total"] / base))
            for n, s in enumerate(sizes)
            if "total" in results[s].get(page, {})
        ]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        at = top + 12 + number * 26
        parts.append(f'<rect x="{width - right + 30}" y="{at - 9}" width="14" height="4" fill="{colour}"/>')
        parts.append(
            f'<text x="{width - right + 52}" y="{at - 2}" fill="#1c1b19">{escape(page)}: {growth(results, page):.2f}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def write(results: Results) -> None:
    """Put the table between its marks in speed.md, and the chart beside it."""
    (DOCS / "growth.svg").write_text(chart(results), encoding="utf-8")
    page = DOCS / "speed.md"
    text = page.read_text(encoding="utf-8")
    between = re.compile(re.escape(MARKS[0]) + ".*" + re.escape(MARKS[1]), re.DOTALL)
    page.write_text(
        between.sub(lambda _: f"{MARKS[0]}\n{table(results)}\n{MARKS[1]}", text), encoding="utf-8"
    )
