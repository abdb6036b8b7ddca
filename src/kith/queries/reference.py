"""The matcher that defines what a query means: character by character, one query and one post at a time, and slow."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from kith.queries.chars import regional, spaced, unspaced, wordlike
from kith.queries.fold import fold_map
from kith.queries.nodes import (
    And,
    Filter,
    Kind,
    Link,
    Near,
    Nearby,
    Node,
    Not,
    Or,
    Post,
    Query,
    Span,
    Term,
    Token,
)
from kith.queries.places import is_near

_LINK: Final = re.compile(
    r"(?<![\w@.-])(?:https?://)?((?:[\w-]+\.)+[\w-]{2,})(?::\d{1,5})?(?:([/?#])([^\s<>\"]*))?", re.IGNORECASE
)
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
INNER: Final = "-'."
"""What may stand inside of a word, when words are counted."""


def matches(query: Query, post: Post) -> list[Span] | None:
    """The spans of what contributed, in the post's own text; None where the query does not match."""
    folded = fold_map(post.text)
    found = _decide(query.node, post, folded.text)
    return None if found is None else sorted({folded.span(*span) for span in found})


def _decide(node: Node, post: Post, text: str) -> list[Span] | None:
    match node:
        case Not(item):
            return [] if _decide(item, post, text) is None else None
        case And(items):
            each = [_decide(one, post, text) for one in items]
            return None if None in each else [span for spans in each for span in spans or ()]
        case Or(items):
            true = [spans for one in items if (spans := _decide(one, post, text)) is not None]
            return [span for spans in true for span in spans] if true else None
        case Filter() | Nearby():
            return [] if passes(node, post) else None
    return hits_of(node, text) or None


def passes(node: Filter | Nearby, post: Post) -> bool:
    """Whether a post is of this language, network, mood, intent or place."""
    if isinstance(node, Nearby):
        return is_near(post.place, node.place, node.kilometres)
    if node.field == "intent":
        return not node.values.isdisjoint(post.intents)
    value = {"lang": post.language, "network": post.network, "sentiment": post.sentiment}[node.field]
    if not isinstance(value, str):
        return False
    value = value.lower()
    if node.field != "lang":
        return value in node.values
    value = value.replace("_", "-")
    return any(value == one or value.startswith(one + "-") for one in node.values)


def hits_of(node: Node, text: str) -> list[Span]:
    """Where a term, a link, or what stands near another was found in the folded text."""
    match node:
        case Term(tokens):
            ends = ((start, phrase_end(tokens, text, start)) for start in range(len(text)))
            return [(start, end) for start, end in ends if end is not None]
        case Link():
            return [(start, end) for start, end, host, path in links(text) if is_below(host, path, node)]
        case Or(items):
            return sorted({hit for one in items for hit in hits_of(one, text)})
        case Near(items, words):
            return _chain([hits_of(one, text) for one in items], words, text)
    raise TypeError(node)


def _chain(hits: list[list[Span]], words: tuple[int, ...], text: str) -> list[Span]:
    """Those through which a way leads from the first item to the last."""
    for number, most in enumerate(words):
        hits[number + 1] = [
            one for one in hits[number + 1] if any(_beside(one, other, most, text) for other in hits[number])
        ]
    for number, most in reversed([*enumerate(words)]):
        hits[number] = [
            one for one in hits[number] if any(_beside(one, other, most, text) for other in hits[number + 1])
        ]
    return sorted({hit for some in hits for hit in some})


def _beside(one: Span, other: Span, most: int, text: str) -> bool:
    first, second = min(one, other), max(one, other)
    return first[1] <= second[0] and word_count(text[first[1] : second[0]]) <= most


def word_count(text: str) -> int:
    """Words: letters joined by single hyphens, apostrophes and dots are one; of a script without spaces each letter is."""
    count = 0
    for at, char in enumerate(text):
        if unspaced(char):
            count += 1
        elif spaced(char):
            before = text[at - 1] if at else " "
            inside = spaced(before) or (before in INNER and at > 1 and spaced(text[at - 2]))
            count += not inside
    return count


def phrase_end(tokens: tuple[Token, ...], text: str, start: int) -> int | None:
    """Where the phrase ends that begins here, if it does."""
    at = start
    for number, token in enumerate(tokens):
        if number:
            before = at
            while at < len(text) and text[at].isspace():
                at += 1
            if at == before:
                return None
        end = _token_end(token, text, at)
        if end is None:
            return None
        at = end
    return at


def _token_end(token: Token, text: str, at: int) -> int | None:
    if token.kind is Kind.GAP:
        end = at
        while end < len(text) and not text[end].isspace():
            end += 1
        return end if any(map(wordlike, text[at:end])) else None
    if not text.startswith(token.text, at) or not _may_begin(token, text, at):
        return None
    end = at + len(token.text)
    return _word_end(token, text, end) if token.prefix else end if _may_end(token, text, end) else None


def _may_begin(token: Token, text: str, at: int) -> bool:
    before = text[at - 1] if at else " "
    if token.kind is not Kind.WORD or spaced(token.text[0]):
        return not spaced(before)
    return not regional(token.text[0]) or at not in _inside_flags(text)


def _may_end(token: Token, text: str, end: int) -> bool:
    after = text[end] if end < len(text) else " "
    if token.kind is not Kind.WORD:
        return _word_end(token, text, end) == end
    if spaced(token.text[-1]):
        return not spaced(after)
    return not regional(token.text[-1]) or end not in _inside_flags(text)


@lru_cache(maxsize=2)
def _inside_flags(text: str) -> frozenset[int]:
    """Between the halves of a flag: two of them are one, counted from where their row begins."""
    return frozenset(one.start() + 1 for one in _FLAG.finditer(text))


def _word_end(token: Token, text: str, at: int) -> int:
    """Where the word, hashtag or handle ends whose beginning was found."""
    if token.kind is Kind.WORD:
        while at < len(text) and spaced(text[at]) and not unspaced(token.text[-1]):
            at += 1
        return at
    while at < len(text):
        joins = (
            token.kind is Kind.HANDLE and text[at] in ".@-" and at + 1 < len(text) and wordlike(text[at + 1])
        )
        if not joins and not wordlike(text[at]):
            break
        at += 1
    return at


def links(text: str) -> list[tuple[int, int, str, str]]:
    """Links in a folded text: where they begin and end, their site and path."""
    found = []
    for one in _LINK.finditer(text):
        end = one.start() + len(one.group().rstrip(".,;:!?'*)]}"))
        path = (one[2] or "") + (one[3] or "")
        path = path[: max(0, len(path) - (one.end() - end))]
        found.append((one.start(), end, one[1], path))
    return found


def is_below(host: str, path: str, wanted: Link) -> bool:
    """A site or a subdomain of it, and a path or what lies below it."""
    below = wanted.path
    if host != wanted.host and not host.endswith("." + wanted.host):
        return False
    if below.endswith("*"):
        return path.startswith(below[:-1])
    return not below or (path.startswith(below) and path[len(below) : len(below) + 1] in ("", "/", "?", "#"))
