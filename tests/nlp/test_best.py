"""The best tier: what the fast one misses, what is spoken of, and the fast one's answer where it has none of its own."""

from __future__ import annotations

import pytest

from kith.nlp import EMOTIONS, INTENTS, SENTIMENTS, annotate


def test_plain_sentences_are_read_as_anybody_would() -> None:
    angry, glad, asking = annotate(
        [
            "@velohof my bike arrived with a broken chain AGAIN. Cancel my order, I want to talk to a human!!",
            "Thanks so much, the repair was great 😍",
            "Does anyone know where I can buy a good gravel bike in Leeds?",
        ],
        tier="best",
    )
    assert (angry.sentiment, angry.emotion) == ("negative", "anger")
    assert {"complaint", "churn", "person"} <= set(angry.intents)
    assert angry.urgency > 0.6
    assert (glad.sentiment, glad.emotion) == ("positive", "joy")
    assert "thanks" in glad.intents
    assert "question" in asking.intents
    assert {one.tier for one in (angry, glad, asking)} == {"best"}


def test_what_is_spoken_of_has_a_sentiment_of_its_own() -> None:
    (labels,) = annotate(["The battery life is terrible but I love the screen."], tier="best")
    assert {(one.aspect, one.sentiment) for one in labels.aspects} == {
        ("battery life", "negative"),
        ("screen", "positive"),
    }


@pytest.mark.parametrize(
    ("text", "language", "sentiment"),
    [
        ("Das Essen war furchtbar und kalt, nie wieder!", "de", "negative"),
        ("Ihr seid die Besten, vielen Dank für die schnelle Hilfe!", "de", "positive"),
        ("Le service est nul, je suis très déçu", "fr", "negative"),
        ("El servicio es excelente, estoy muy contento", "es", "positive"),
        ("Che schifo di servizio, sono furioso", "it", "negative"),
        ("Adorei o atendimento, muito obrigado!", "pt", "positive"),
        ("الخدمة سيئة جدا ولن أعود", "ar", "negative"),
    ],
)
def test_moods_in_other_languages(text: str, language: str, sentiment: str) -> None:
    (labels,) = annotate([text], tier="best")
    assert (labels.language, labels.sentiment, labels.tier) == (language, sentiment, "best")


@pytest.mark.parametrize(
    "text", ["", " ", "http", "\ud800", "\x00" * 50, "😀" * 3000, "a" * 100_000, "@user " * 500, "?"]
)
def test_odd_texts_get_labels_that_add_up(text: str) -> None:
    (labels,) = annotate([text], tier="best")
    assert tuple(labels.sentiment_scores) == SENTIMENTS
    assert tuple(labels.emotion_scores) == EMOTIONS
    assert set(labels.intent_scores) == set(INTENTS)
    assert sum(labels.sentiment_scores.values()) == pytest.approx(1, abs=0.001)
    assert all(
        0 <= score <= 1 for score in (*labels.intent_scores.values(), labels.offensive, labels.urgency)
    )


def test_answers_come_in_the_order_of_the_texts() -> None:
    texts = [("great " if number % 3 else "terrible ") + "bike " * (number % 17) for number in range(100)] + [
        "¿Dónde está mi pedido?"
    ]
    found = annotate(texts, tier="best")
    assert [one.sentiment for one in found[:100]] == [
        "positive" if number % 3 else "negative" for number in range(100)
    ]
    assert found[100].language == "es"
