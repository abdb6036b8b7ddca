"""Whom a greeting names, and whether a draft makes use of a value."""

from __future__ import annotations

import pytest

from kith.base.greetings import greeted_name
from kith.base.mentions import draft_read, mention


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hi Stephen,\nyour bike", "Stephen"),
        ("\n\nhola Ana María!\n", "Ana María"),
        ("Liebe Lena", "Lena"),
        ("Lieber Karl-Heinz,", "Karl-Heinz"),
        ("Guten Tag Lena Meyer,", "Lena Meyer"),
        ("hi stphn,", "stphn"),
        ("Hi Steve. Your bike is here", "Steve"),
        ("Hi Stephen your order is on its way.", "Stephen"),
        ("Hi there Steve,", "Steve"),
        ("Liebe Frau Müller,", ""),
        ("Dear Dr. Smith,", ""),
        ("Hello everyone,", ""),
        ("Hallo zusammen!", ""),
        ("Hi Ann and Bob,", ""),
        ("Hi,\nthere", ""),
        ("Hi thanks for your mail, it was fine", ""),
        ("Hello Where is my order?", ""),
        ("Thanks for it", ""),
        ("Hi 👋,", ""),
        ("", ""),
    ],
)
def test_the_name_of_a_greeting(text: str, name: str) -> None:
    assert greeted_name(text) == name


@pytest.mark.parametrize(
    ("value", "text", "words"),
    [
        ("Grateful Dead", "Did you see the Grateful Dead tickets?", "Grateful Dead"),
        ("Leeds", "Our shop in Leeds has it.", "Leeds"),
        ("cycling", "Your bike and cycling tour", "cycling"),
        ("Gardening", "For your garden", "garden"),
        ("Fahrräder", "Ihr Fahrrad ist fertig", "Fahrrad"),
        ("guitarra", "¿Y las guitarras?", "guitarras"),
        ("Plays the cello in an orchestra", "How is the orchestra and your cello?", "orchestra and your cello"),
        ("2026-05-12", "See you on 12 May", "12 May"),
        ("2026-05-12", "bis zum 12. Mai", "12. Mai"),
        ("2026-05-12", "el 12 de mayo", "12 de mayo"),
        ("order 4711", "Your order 4711 is here", "4711"),
        # Words of every day, what is quoted, half of a name, another day, a small number
        ("works", "It works again", ""),
        ("time", "It is time", ""),
        ("likes red things", "the red thing", ""),
        ("Berlin", "> I live in Berlin\nThanks", ""),
        ("Grateful Dead", "I am grateful for it", ""),
        ("2026-05-12", "See you on 13 May", ""),
        ("42", "42 people", ""),
        ("Rides to work, all year", "Have a good ride", ""),
        ("", "Anything", ""),
    ],
)  # fmt: skip
def test_a_draft_makes_use_of_a_value(value: str, text: str, words: str) -> None:
    assert mention(value, draft_read(text)) == words


def test_of_what_is_sensitive_one_word_is_enough() -> None:
    draft = draft_read("seats for the twins")
    assert mention("expects twins", draft, loose=True) == "twins"
