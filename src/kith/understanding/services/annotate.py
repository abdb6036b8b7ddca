"""Reads messages in batches: a fixed number of statements whatever the size, and the same again when done twice."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import transaction

from kith.base.clock import now
from kith.base.text import clean_value
from kith.conversations.models import Message
from kith.conversations.services import messages_label
from kith.core import events
from kith.understanding.gazetteer import Gazetteer, Name
from kith.understanding.labels import RULES, labels_of
from kith.understanding.models import Annotation, Check, Correction, Entity
from kith.understanding.preferences import chosen, tier_of
from kith.understanding.reading import Words, words_of
from kith.understanding.types import Annotator, LabelsRead, Tier, Told

log = logging.getLogger(__name__)
BATCH = 200
READ = ("", "mention")  # values of Message.automatic: what people wrote, and where they named us
_COLUMNS = (
    "id", "direction", "at", "history", "subject", "text", "quote_at", "signature_at", "automatic", "unreadable",
    "deleted_upstream_at",
)  # fmt: skip
_FIELDS = tuple(
    field.name
    for field in Annotation._meta.concrete_fields
    if field.name not in ("id", "created_at", "message")
)


def product_annotator(texts: Sequence[str], /, *, tier: Tier = "fast") -> Sequence[LabelsRead]:
    """The models that ship with the house."""
    from kith import nlp

    return nlp.annotate(texts, tier=tier)


@lru_cache(maxsize=1)
def careful_is_there() -> bool:
    """Whether this package holds the weights of the careful reader. Without them the quick one reads everything, each reading
    says so, and so does the page of figures; once they are there, everything is read anew.
    """
    try:
        product_annotator(["."], tier="best")
    except ValueError:
        log.warning(
            "the weights of the careful reader are not in this package: the quick one reads everything"
        )
        return False
    return True


def has_best(annotator: Annotator) -> bool:
    return annotator is not product_annotator or careful_is_there()


@dataclass(frozen=True, slots=True)
class _Item:
    """A message that is to be read."""

    row: Mapping[str, Any]
    words: Words
    tier: Tier


def messages_annotate(
    ids: Iterable[uuid.UUID], *, annotator: Annotator = product_annotator, again: bool = False
) -> Told:
    """Read these messages, those that are read at all: what people and we wrote, never notes (law 9), automatic mail, or what
    its author deleted. What was read already in these words by this model is left, except with `again`.
    """
    wanted = list(dict.fromkeys(ids))
    choice, names = chosen(), gazetteer()
    told = Told()
    for start in range(0, len(wanted), BATCH):
        part = _batch(wanted[start : start + BATCH], choice, names, annotator, again=again)
        told = Told(
            told.read + part.read, told.empty + part.empty, told.failed + part.failed, told.same + part.same
        )
    return told


def gazetteer() -> Gazetteer:
    return Gazetteer(
        Name(str(row.pk), row.kind, row.name, tuple(row.spellings)) for row in Entity.objects.order_by("name")
    )


def _batch(
    ids: Sequence[uuid.UUID], choice: str, names: Gazetteer, annotator: Annotator, *, again: bool
) -> Told:
    best = has_best(annotator)
    items = [item for row in _rows(ids) if (item := _item(row, choice, best=best)) is not None]
    known = {} if again else _known([item.row["id"] for item in items])
    wanted = [item for item in items if known.get(item.row["id"]) != (item.words.digest, item.tier)]
    told: dict[uuid.UUID, LabelsRead | str] = {}
    tiers: tuple[Tier, ...] = ("fast", "best")
    for tier in tiers:
        texts = [item for item in wanted if item.tier == tier and item.words.text]
        told |= _told([(item.row["id"], item.words.text) for item in texts], tier, annotator)
    read, empty, failed = _write(wanted, told, names)
    return Told(read, empty, failed, len(items) - len(wanted))


def _rows(ids: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    return list(Message.objects.filter(pk__in=ids).values(*_COLUMNS))


def _item(row: Mapping[str, Any], choice: str, *, best: bool) -> _Item | None:
    if row["direction"] not in ("in", "out") or row["automatic"] not in READ:
        return None
    if row["deleted_upstream_at"] is not None:
        return None
    tier = tier_of(choice, direction=row["direction"], history=row["history"])
    if tier is None:
        return None
    return _Item(row, _words(row), tier if best else "fast")


def _words(row: Mapping[str, Any]) -> Words:
    return words_of(
        subject=row["subject"], text=row["text"], quote_at=row["quote_at"], signature_at=row["signature_at"]
    )


def _known(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[str, str]]:
    """What stands already, as (words, tier): of this version of the rules, and read without trouble."""
    rows = Annotation.objects.filter(message_id__in=ids, rules=RULES).exclude(state="failed")
    return {key: (digest, tier) for key, digest, tier in rows.values_list("message_id", "digest", "tier")}


def _told(
    texts: Sequence[tuple[uuid.UUID, str]], tier: Tier, annotator: Annotator
) -> dict[uuid.UUID, LabelsRead | str]:
    """Labels, or what is wrong, by message. A batch that fails is halved until the text that does it stands alone."""
    if not texts:
        return {}
    try:
        found = annotator([text for _, text in texts], tier=tier)
        if len(found) != len(texts):
            raise ValueError(f"{len(found)} labels for {len(texts)} texts")
    except Exception as error:
        if len(texts) == 1:
            log.exception("message %s could not be read", texts[0][0])
            return {texts[0][0]: f"{type(error).__name__}: {error}"[:300]}
        half = len(texts) // 2
        return _told(texts[:half], tier, annotator) | _told(texts[half:], tier, annotator)
    return {key: labels for (key, _), labels in zip(texts, found, strict=True)}


@transaction.atomic
def _write(
    items: Sequence[_Item], told: Mapping[uuid.UUID, LabelsRead | str], names: Gazetteer
) -> tuple[int, int, int]:
    """Keep what was read, of those that still say what they said. Locks them first: who deletes or edits one at this moment,
    or corrects it, comes before or after, and never between.
    """
    if not items:
        return 0, 0, 0
    still = _locked([item.row["id"] for item in items])
    corrections = corrections_of(list(still))
    made: list[Annotation] = []
    for item in items:
        row = still.get(item.row["id"])
        if row is None or _words(row).digest != item.words.digest:
            continue  # its event tells of the change, and it is read again
        found = told.get(item.row["id"])
        made.append(_annotation(item, found, names, corrections.get(item.row["id"], {})))
    Annotation.objects.bulk_create(
        made, update_conflicts=True, unique_fields=["message"], update_fields=_FIELDS
    )
    messages_label({row.message_id: row.labels for row in made})
    events.record("message_annotated", [row.message_id for row in made if row.state == "read"])
    states = [row.state for row in made]
    return states.count("read"), states.count("empty"), states.count("failed")


def _locked(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    rows = (
        Message.objects.select_for_update(no_key=True)
        .filter(pk__in=ids, deleted_upstream_at__isnull=True)
        .order_by("pk")
    )
    return {row["id"]: row for row in rows.values(*_COLUMNS)}


def corrections_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Correction]]:
    """Those in force, by message and field."""
    found: dict[uuid.UUID, dict[str, Correction]] = {}
    for row in Correction.objects.filter(message_id__in=ids, undone_at__isnull=True):
        found.setdefault(row.message_id, {})[row.field] = row
    return found


def _annotation(
    item: _Item, found: LabelsRead | str | None, names: Gazetteer, corrections: Mapping[str, Correction]
) -> Annotation:
    row, words = item.row, item.words
    made = Annotation(
        message_id=row["id"],
        direction=row["direction"],
        at=row["at"],
        digest=words.digest,
        cut=words.cut,
        tier=item.tier,
        rules=RULES,
        read_at=now(),
    )
    if found is None or isinstance(found, str):
        made.state = Annotation.State.FAILED if found else Annotation.State.EMPTY
        made.problem = found or ""
        return made
    scores = {k: round(float(v), 4) for k, v in found.sentiment_scores.items()}
    made.language, made.language_score = found.language[:8], float(found.language_score)
    made.sentiment, made.sentiment_scores = found.sentiment, scores
    made.emotion = found.emotion
    made.emotion_scores = {k: round(float(v), 4) for k, v in found.emotion_scores.items()}
    made.offensive, made.urgency = float(found.offensive), float(found.urgency)
    made.intents = list(found.intents)
    made.intent_scores = {k: round(float(v), 4) for k, v in found.intent_scores.items()}
    made.aspects = clean_value([{"aspect": a.aspect, "sentiment": a.sentiment} for a in found.aspects])
    made.entities = names.find(words.text)
    made.tier, made.model = found.tier, found.model[:80]
    correct(made, corrections)
    return made


def correct(row: Annotation, corrections: Mapping[str, Correction]) -> None:
    """Put what people said in place of what the model says, which `said` keeps, and label the reading anew.

    The model's own values come first out of `said`. What was said of other words (an edit has changed them) counts no more.
    """
    for name, value in row.said.items():
        _set(row, name, value)
    row.said = {}
    counted = {name: c.value for name, c in corrections.items() if c.digest == row.digest}
    for name, value in counted.items():
        row.said[name] = value_of(row, name)
        _set(row, name, value)
    row.labels = list(label(row, counted)) if row.state == "read" else []
    row.rules = RULES


def label(row: Annotation, corrected: Collection[str]) -> tuple[str, ...]:
    return labels_of(
        sentiment=row.sentiment,
        sentiment_scores=row.sentiment_scores,
        language=row.language,
        language_score=1.0 if "language" in corrected else row.language_score,
        intents=row.intents,
        offensive=row.offensive,
        urgency=row.urgency,
        corrected=corrected,
    )


def value_of(row: Annotation, name: str) -> Any:
    """A field as corrections know it. What is urgent or offensive is a score to the model, and yes or no to a person."""
    if name == "urgent":
        return row.urgency
    return list(row.intents) if name == "intents" else getattr(row, name)


def _set(row: Annotation, name: str, value: Any) -> None:
    if name in ("urgent", "offensive"):
        score = float(value)  # a person's yes is 1.0, their no 0.0
        if name == "urgent":
            row.urgency = score
        else:
            row.offensive = score
    else:
        setattr(row, name, value)


@transaction.atomic
def messages_relabel(ids: Iterable[uuid.UUID]) -> int:
    """Look for names and label anew by today's rules, without asking a model; returns how many."""
    wanted = list(dict.fromkeys(ids))
    texts = _locked(wanted)
    corrections, names = corrections_of(list(texts)), gazetteer()
    rows = list(Annotation.objects.filter(message_id__in=list(texts), state="read"))
    for row in rows:
        row.entities = names.find(_words(texts[row.message_id]).text)
        correct(row, corrections.get(row.message_id, {}))
    Annotation.objects.bulk_update(rows, ["entities", "labels", "rules", "said"])
    messages_label({row.message_id: row.labels for row in rows})
    return len(rows)


@transaction.atomic
def annotations_forget(ids: Iterable[uuid.UUID]) -> None:
    """What was read in messages that their authors deleted goes with their words; so does what people said of them."""
    gone = list(
        Message.objects.filter(pk__in=list(ids), deleted_upstream_at__isnull=False).values_list(
            "pk", flat=True
        )
    )
    for model in (Annotation, Correction, Check):
        model._default_manager.filter(message_id__in=gone).delete()
