"""`{"id", "text"}` lines in, label lines out: what `kith annotate` speaks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from kith.nlp import Labels, Tier, annotate

Json = dict[str, Any]

LINE_LIMIT: Final = 1_000_000
"""Bytes of a line."""
BATCH: Final = 256


def as_json(labels: Labels) -> Json:
    """The fields of an answer, but for its id."""
    return {
        "language": labels.language,
        "sentiment": labels.sentiment,
        "sentiment_scores": dict(labels.sentiment_scores),
        "emotion": labels.emotion,
        "emotion_scores": dict(labels.emotion_scores),
        "offensive": labels.offensive,
        "intents": list(labels.intents),
        "intent_scores": dict(labels.intent_scores),
        "aspects": [{"aspect": one.aspect, "sentiment": one.sentiment} for one in labels.aspects],
        "urgency": labels.urgency,
        "tier": labels.tier,
        "model": labels.model,
    }


def answers(lines: Sequence[bytes], *, tier: Tier) -> list[Json]:
    """The answer to each line, in order; to one that can't be read {"id", "error"}."""
    found: list[Json] = []
    texts: list[str] = []
    places: list[int] = []
    for line in lines:
        name, text, error = _read(line)
        found.append({"id": name} if error is None else {"id": name, "error": error})
        if error is None:
            places.append(len(found) - 1)
            texts.append(text)
    for place, labels in zip(places, annotate(texts, tier=tier), strict=True):
        found[place] |= as_json(labels)
    return found


def _read(line: bytes) -> tuple[Any, str, str | None]:
    if len(line) > LINE_LIMIT:
        return None, "", f"the line is longer than {LINE_LIMIT:,} bytes"
    try:
        given = json.loads(line.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        return None, "", f"this is not JSON ({type(error).__name__})"
    if not isinstance(given, dict):
        return None, "", "a line must be a JSON object"
    name, text = given.get("id"), given.get("text")
    if not isinstance(text, str):
        return name, "", 'there is no "text", or it is no string'
    return name, text, None


def batches(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Whole lines out of chunks as they come: up to `BATCH` at once, none held back for more to come.

    Of a line that is too long only its beginning is kept, so that it can be refused without being stored.
    """
    rest, lines = b"", list[bytes]()
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        rest = rest[: LINE_LIMIT + 1]
        for line in whole:
            if line.strip():
                lines.append(line)
            if len(lines) == BATCH:
                yield lines
                lines = []
        if lines:
            yield lines
            lines = []
    if rest.strip():
        yield [rest]
