"""What somebody typed into the search box, understood: words, "phrases", -not, and filters such as `from:ada`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
# a filter, a phrase or a word, each with its minus sign
PART = re.compile(r'(-?)(?:([A-Za-z]+):(?:"([^"]*)"|(\S+))|"([^"]*)"?|(\S+))')
FILTERS = ("from", "to", "channel", "before", "after", "has", "in", "tag", "is")
PLACES = ("open", "closed", "snoozed", "held", "spam")
MOST_TERMS = 16


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One piece of a search as it was typed: a filter (`name` and `value`), else a word or phrase (`name` "")."""

    text: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase. `prefix`: the last word typed, which may not be finished."""

    text: str
    negated: bool = False
    prefix: bool = False

    @property
    def is_cjk(self) -> bool:
        return bool(CJK.search(self.text))


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search. Filters of one kind are alternatives, kinds must all hold; `before` is excluded.

    `by_me`: written by the one who searches (`from:me`).
    """

    terms: tuple[Term, ...] = ()
    senders: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    direction: str = ""
    by_me: bool = False
    has_file: bool = False
    before: datetime | None = None
    after: datetime | None = None
    problems: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        filters = self.senders or self.recipients or self.channels or self.tags or self.places
        times = self.direction or self.by_me or self.has_file or self.before or self.after
        return not any(not t.negated for t in self.terms) and not filters and not times


def _day(text: str, *, end: bool) -> datetime | None:
    """The first moment of a year, month or day of the reader's calendar; with `end`, the first moment after it.

    `today`, `yesterday` and `7d` (so many days ago) count from now; "after:7d" holds that day too.
    """
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    if ago := re.fullmatch(r"(\d{1,4})d", text.lower()):
        return midnight - timedelta(days=int(ago[1]))
    if text.lower() in ("today", "yesterday"):
        return midnight - timedelta(days=text.lower() == "yesterday")
    match = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", text)
    if match is None:
        return None
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    try:
        start = datetime(year, month, day)  # noqa: DTZ001  (its zone is the reader's, below)
        if not end:
            after = start
        elif match[3]:
            after = start + timedelta(days=1)
        elif match[2]:
            after = datetime(year + month // 12, month % 12 + 1, 1)  # noqa: DTZ001
        else:
            after = datetime(year + 1, 1, 1)  # noqa: DTZ001
        return timezone.make_aware(after).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def search_parts(text: str) -> tuple[QueryPart, ...]:
    """The pieces of a search in the order in which they were typed, for chips that take one away."""
    found = []
    for match in PART.finditer(text.replace("\x00", " ")[:500]):
        minus, name, quoted, plain, phrase, word = match.groups()
        value = (quoted if quoted is not None else plain) or ""
        if name is not None and name.lower() in FILTERS and value and not minus:
            found.append(QueryPart(match.group(), name.lower(), value))
        else:
            found.append(QueryPart(match.group(), "", phrase or word or match.group()))
    return tuple(found)


def part_text(name: str, value: str) -> str:
    """A filter as it is typed: its value in quotes where it has spaces."""
    plain = value.replace('"', "").strip()
    return f'{name}:"{plain}"' if re.search(r"\s", plain) else f"{name}:{plain}"


def search_parse(text: str) -> SearchQuery:
    """Understand a search; what isn't understood stands in `problems`. Never raises."""
    terms: list[Term] = []
    filters: dict[str, list[str]] = {}
    problems: list[str] = []
    source = text.replace("\x00", " ")[:500]
    for match in PART.finditer(source):
        minus, name, quoted, plain, phrase, word = match.groups()
        value = (quoted if quoted is not None else plain) or ""
        if name is not None and name.lower() in FILTERS:
            if minus or not value:
                problems.append(match.group())
            else:
                filters.setdefault(name.lower(), []).append(value)
            continue
        content = phrase if phrase is not None else (word or f"{name}:{value}")
        if not re.search(r"\w", content):
            continue
        last = match.end() == len(source.rstrip()) and source == source.rstrip()
        whole = bool(re.fullmatch(r"\w+", content)) and phrase is None
        terms.append(Term(content, bool(minus), prefix=last and whole and not minus and len(content) >= 2))
    return _filled(terms[:MOST_TERMS], filters, problems)


def _filled(terms: list[Term], filters: dict[str, list[str]], problems: list[str]) -> SearchQuery:
    times: dict[str, datetime | None] = {"before": None, "after": None}
    for name in times:
        for value in filters.get(name, ()):
            found = _day(value, end=name == "after")
            times[name] = found or times[name]
            problems += [] if found else [f"{name}:{value}"]
    has = [v.lower() for v in filters.get("has", ())]
    problems += [f"has:{v}" for v in has if v not in ("file", "files", "attachment")]
    directions = {"sent": "out", "received": "in", "note": "note"}
    direction = ""
    for value in filters.get("is", ()):
        direction = directions.get(value.lower(), direction)
        problems += [] if value.lower() in directions else [f"is:{value}"]
    places = [v.lower() for v in filters.get("in", ())]
    problems += [f"in:{v}" for v in places if v not in PLACES]
    senders = [v for v in filters.get("from", ()) if v.lower() != "me"]
    return SearchQuery(
        terms=tuple(terms),
        senders=tuple(senders),
        by_me=len(senders) < len(filters.get("from", ())),
        recipients=tuple(filters.get("to", ())),
        channels=tuple(v.lower() for v in filters.get("channel", ())),
        tags=tuple(filters.get("tag", ())),
        places=tuple(v for v in places if v in PLACES),
        direction=direction,
        has_file=any(v in ("file", "files", "attachment") for v in has),
        before=times["before"],
        after=times["after"],
        problems=tuple(problems),
    )
