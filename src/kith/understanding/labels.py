"""Which labels a reading earns, and which two of them a message shows. Pure; tested case by case.

The order is by how much it helps who answers: that somebody asks for a person, that they want to leave or complain, that it
is urgent, that it insults; then a wish to buy, an idea, praise; then the mood, where the model is sure of it. What is neutral
gets none, and neither does a doubt between neutral and something ("faint"). Change a rule or a threshold and `RULES` with it: everything is then labelled anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

RULES = 1
SURE = 0.5  # of its sentiment; below, it says "not sure"
KNOWS_LANGUAGE = 0.5
URGENT = 0.7
OFFENSIVE = 0.7
READS = frozenset({"en", "de", "fr", "es", "it", "pt", "ar"})  # languages whose sentiment is read

SENTIMENTS = ("negative", "neutral", "positive")
EMOTIONS = ("anger", "joy", "optimism", "sadness", "fear", "surprise", "none")
INTENTS = (
    "complaint", "question", "praise", "purchase", "churn", "suggestion", "thanks", "person", "other",
)  # fmt: skip
LABELS = (
    "person", "churn", "complaint", "urgent", "offensive", "purchase", "suggestion", "praise", "negative", "positive",
    "question", "thanks", "unsure", "faint",
)  # fmt: skip
TOLD = tuple(label for label in LABELS if label != "faint")  # those that lists and programs know
RANK = {label: number for number, label in enumerate(LABELS)}
HIDDEN = frozenset(
    {"question", "thanks", "faint"}
)  # can be filtered by, but say nothing that a look does not
MOST = 2
# A complaint is known to be negative, praise to be positive: the mood beside it would say nothing.
SAYS_MORE = {"negative": {"complaint", "churn", "offensive"}, "positive": {"praise"}, "unsure": {"faint"}}


def is_sure(
    *, sentiment_scores: Mapping[str, float], language: str, language_score: float, corrected: Collection[str]
) -> bool:
    """Whether the mood may be shown as such: a person said it, or the model is sure and reads this language."""
    if "sentiment" in corrected:
        return True
    if language not in READS or language_score < KNOWS_LANGUAGE:
        return False
    return max(sentiment_scores.values(), default=0.0) >= SURE


def labels_of(
    *,
    sentiment: str,
    sentiment_scores: Mapping[str, float],
    language: str,
    language_score: float,
    intents: Collection[str],
    offensive: float,
    urgency: float,
    corrected: Collection[str] = (),
) -> tuple[str, ...]:
    """All labels that a reading earns, the most helpful first."""
    found = {intent for intent in intents if intent in RANK}
    if urgency >= URGENT:
        found.add("urgent")
    if offensive >= OFFENSIVE:
        found.add("offensive")
    if not is_sure(
        sentiment_scores=sentiment_scores,
        language=language,
        language_score=language_score,
        corrected=corrected,
    ):
        found.add("unsure")
        if sentiment == "neutral":
            found.add("faint")
    elif sentiment in ("negative", "positive"):
        found.add(sentiment)
    return ranked(found)


def ranked(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted((label for label in set(labels) if label in RANK), key=RANK.__getitem__))


def shown(labels: Sequence[str], *, most: int = MOST) -> tuple[str, ...]:
    """Those that a message shows: two at most, "unsure" only where nothing else stands."""
    kept = [
        label
        for label in ranked(labels)
        if label not in HIDDEN and not SAYS_MORE.get(label, set()).intersection(labels)
    ]
    certain = [label for label in kept if label != "unsure"]
    return tuple((certain or kept)[:most])


def shown_in_list(labels: Sequence[str]) -> str:
    """The one that a row of a list shows; "" for none. A doubt is no news there."""
    return next((label for label in shown(labels, most=1) if label != "unsure"), "")
