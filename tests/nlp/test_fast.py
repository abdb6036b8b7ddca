"""The fast tier: what anybody would say of plain sentences, and nothing that breaks on odd ones."""

from __future__ import annotations

import pytest

from kith.nlp import EMOTIONS, INTENTS, SENTIMENTS, annotate


def test_plain_sentences_are_read_as_anybody_would() -> None:
    angry, glad, asking = annotate(
        [
            "@velohof my bike arrived with a broken chain AGAIN. Cancel my order, I want to talk to a human!!",
            "Thanks so much, the repair was great 😍",
            "Does anyone know where I can buy a good gravel bike in Leeds?",
        ]
    )
    assert (angry.sentiment, angry.emotion) == ("negative", "anger")
    assert {"complaint", "churn", "person"} <= set(angry.intents)
    assert angry.urgency > 0.6
    assert (glad.sentiment, glad.emotion) == ("positive", "joy")
    assert "thanks" in glad.intents
    assert glad.urgency < 0.2
    assert "question" in asking.intents
    assert asking.language == "en"


@pytest.mark.parametrize(
    "text",
    ["", " ", "http", "\ud800", "\x00" * 50, "😀" * 3000, "a" * 100_000, "@user " * 500, "🇩🇪🏳️‍🌈", "۰۱۲", "?"],
)
def test_odd_texts_get_labels_that_add_up(text: str) -> None:
    (labels,) = annotate([text])
    assert tuple(labels.sentiment_scores) == SENTIMENTS
    assert tuple(labels.emotion_scores) == EMOTIONS
    assert set(labels.intent_scores) == set(INTENTS)
    assert sum(labels.sentiment_scores.values()) == pytest.approx(1, abs=0.001)
    assert sum(labels.emotion_scores.values()) == pytest.approx(1, abs=0.001)
    assert all(
        0 <= score <= 1 for score in (*labels.intent_scores.values(), labels.offensive, labels.urgency)
    )
    assert labels.sentiment == max(labels.sentiment_scores, key=lambda name: labels.sentiment_scores[name])


def test_a_text_is_read_the_same_alone_and_among_others() -> None:
    texts = [f"The wheel number {number} is great" for number in range(700)] + ["", "¿Dónde está mi pedido?"]
    together, alone = annotate(texts), [annotate([text])[0] for text in texts]
    assert [(one.language, one.intents, one.emotion) for one in together] == [
        (one.language, one.intents, one.emotion) for one in alone
    ]
    for one, other in zip(together, alone, strict=True):
        assert one.sentiment_scores == pytest.approx(other.sentiment_scores, abs=0.0002)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wann macht ihr morgen früh auf?", "de"), ("El servicio es excelente, gracias", "es"), ("Le livreur n'est jamais venu", "fr"),
        ("Il negozio è chiuso da ieri", "it"), ("Onde está a minha encomenda?", "pt"), ("الخدمة سيئة جدا", "ar"), ("where is my parcel", "en"), ("12345 http", "und"),
    ],
)  # fmt: skip
def test_languages(text: str, language: str) -> None:
    assert annotate([text])[0].language == language


def test_an_unknown_tier_is_refused() -> None:
    with pytest.raises(ValueError, match="no tier"):
        annotate(["a"], tier="slow")  # type: ignore[arg-type]
