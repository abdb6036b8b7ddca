"""What `understanding` takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Tier = Literal["fast", "best"]
FIELDS = ("sentiment", "emotion", "intents", "urgent", "offensive", "language")


class AspectRead(Protocol):
    """One aspect that a text speaks of, as `kith.nlp` gives it."""

    @property
    def aspect(self) -> str: ...
    @property
    def sentiment(self) -> str: ...


class LabelsRead(Protocol):
    """What a model says of one text; `kith.nlp.Labels` is one."""

    @property
    def language(self) -> str: ...
    @property
    def language_score(self) -> float: ...
    @property
    def sentiment(self) -> str: ...
    @property
    def sentiment_scores(self) -> Mapping[str, float]: ...
    @property
    def emotion(self) -> str: ...
    @property
    def emotion_scores(self) -> Mapping[str, float]: ...
    @property
    def offensive(self) -> float: ...
    @property
    def intents(self) -> tuple[str, ...]: ...
    @property
    def intent_scores(self) -> Mapping[str, float]: ...
    @property
    def aspects(self) -> Sequence[AspectRead]: ...
    @property
    def urgency(self) -> float: ...
    @property
    def tier(self) -> str: ...
    @property
    def model(self) -> str: ...


class Annotator(Protocol):
    """Texts in, labels out, in the same order."""

    def __call__(self, texts: Sequence[str], /, *, tier: Tier = ...) -> Sequence[LabelsRead]: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a batch: how many were read, had no words, or could not be read."""

    read: int = 0
    empty: int = 0
    failed: int = 0
    same: int = 0

    @property
    def total(self) -> int:
        return self.read + self.empty + self.failed + self.same


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction did; `batch` undoes it."""

    batch: Any
    fields: tuple[str, ...] = field(default=())


Progress = Callable[[int, int], None]
