"""Text of a query made into tokens: words, hashtags, handles, wildcards; and the values of filters."""

from __future__ import annotations

import re
from typing import Final

from kith.queries.chars import wordlike
from kith.queries.fold import fold
from kith.queries.nodes import Filter, Kind, Link, Nearby, Node, QueryError, Term, Token

SENTIMENTS: Final = ("negative", "neutral", "positive")
INTENTS: Final = (
    "complaint", "question", "praise", "purchase", "churn", "suggestion", "thanks", "person", "other",
)  # fmt: skip
FIELDS: Final = ("lang", "network", "sentiment", "intent", "link", "near")
MILE: Final = 1.609344
MOST_KILOMETRES: Final = 20_000
USUAL_KILOMETRES: Final = 25.0

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_NETWORK: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_DISTANCE: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(km|mi)", re.IGNORECASE)
_SITE: Final = re.compile(r"[\w-]+(\.[\w-]+)+")


def token(text: str, at: int, *, phrase: bool) -> Token:
    """One token; `at` is where it stands in the query."""
    if text == "*":
        if phrase:
            return Token("", Kind.GAP)
        raise QueryError(
            'A * by itself stands for one word inside a phrase: write "the * shop". Here, leave it out.', at
        )
    prefix = text.endswith("*")
    stem = text[:-1] if prefix else text
    if "*" in stem:
        raise QueryError(
            "A * may stand at the end of a word (recommend*), not before or inside it.", at + stem.index("*")
        )
    folded = fold(stem)
    if prefix and not (folded and wordlike(folded[-1])):
        raise QueryError("Before a * there must be a letter or a digit.", at + len(text) - 1)
    if not folded:
        raise QueryError("There is nothing here that could be searched for.", at, max(1, len(text)))
    kind = Kind.WORD
    if folded[0] in "#@" and len(folded) > 1 and wordlike(folded[1]):
        kind = Kind.TAG if folded[0] == "#" else Kind.HANDLE
    return Token(folded, kind, prefix)


def phrase(text: str, at: int, start: int) -> Term:
    """What stands between quotes; `at` is its first character in the query, `start` the quote."""
    parts = [(one.group(), at + one.start()) for one in re.finditer(r"\S+", text)]
    if not parts:
        raise QueryError("There is nothing between the quotes.", start, len(text) + 2)
    tokens = tuple(token(one, place, phrase=True) for one, place in parts)
    for one, (_, place) in ((tokens[0], parts[0]), (tokens[-1], parts[-1])):
        if one.kind is Kind.GAP:
            raise QueryError(
                "A * inside a phrase stands for the word between two others; leave it out at the phrase's ends.",
                place,
            )
    return Term(tokens, start)


def field(name: str, value: str, at: int, start: int) -> Node:
    """lang, network, sentiment, intent and link: a value (or several, with commas) without spaces."""
    if name == "link":
        return _link(value, at, start)
    values: set[str] = set()
    place = at
    for one in value.split(","):
        if not one:
            raise QueryError(_missing(name), place)
        values.add(_checked(name, one.lower(), place, len(one)))
        place += len(one) + 1
    return Filter(name, frozenset(values), start)


def _missing(name: str) -> str:
    example = {"lang": "lang:en,de", "network": "network:one,another", "sentiment": "sentiment:negative"}
    return f"A value is missing here. Write them with commas and no spaces, as in {example.get(name, 'intent:purchase')}."


def _checked(name: str, value: str, at: int, length: int) -> str:
    if name == "lang":
        if not _LANGUAGE.fullmatch(value):
            raise QueryError("A language is written with two or three letters, as in lang:en.", at, length)
    elif name == "network":
        if not _NETWORK.fullmatch(value):
            raise QueryError("A network's name has letters, digits, - and _ only.", at, length)
    else:
        known = SENTIMENTS if name == "sentiment" else INTENTS
        if value not in known:
            raise QueryError(
                f"There is no {name} “{value}”. It can be one of: {', '.join(known)}.", at, length
            )
    return value


def _link(value: str, at: int, start: int) -> Link:
    folded = re.sub(r"^https?://", "", fold(value)).removeprefix("www.")
    host, slash, path = folded.partition("/")
    if not _SITE.fullmatch(host):
        raise QueryError(
            "After link: comes a site, as in link:example.com or link:example.com/shop.",
            at,
            max(1, len(value)),
        )
    return Link(host, (slash + path).rstrip("/"), start)


def nearby(place: str, distance: str | None, at: int, start: int) -> Nearby:
    """`distance` is what follows the ~, if one does; `at` is where that stands."""
    if not fold(place).strip():
        raise QueryError('A place is missing. Write near:"Leeds"~30km.', start, len("near:"))
    if distance is None:
        return Nearby(place.strip(), USUAL_KILOMETRES, start)
    found = _DISTANCE.fullmatch(distance)
    if not found:
        raise QueryError("After ~ comes a distance in km or mi, as in ~30km.", at, max(1, len(distance)))
    kilometres = float(found[1]) * (MILE if found[2].lower() == "mi" else 1)
    if not 0 < kilometres <= MOST_KILOMETRES:
        raise QueryError(
            f"A distance is more than nothing and at most {MOST_KILOMETRES:,} km.", at, len(distance)
        )
    return Nearby(place.strip(), kilometres, start)
