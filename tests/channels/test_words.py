"""What connectors say in English is shown in the reader's language, with its values, whatever was stored."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

import kith
from kith.channels.words import in_words
from kith.connectors.contract import Refused
from kith.connectors.words import say

ERRORS = {
    "Refused",
    "RetryLater",
    "ReconnectNeeded",
    "NotSupported",
    "BadPayload",
    "Forged",
    "OutcomeUnknown",
}
# The suite and the hostile connector speak to developers.
INTERNAL = {"conformance", "hostile", "scaffold"}


@pytest.mark.parametrize(
    ("language", "sentence", "expected"),
    [
        ("en", "The password is missing.", "The password is missing."),
        ("de", "The password is missing.", "Das Passwort fehlt."),
        ("es", "The password is missing.", "Falta la contraseña."),
        (
            "de",
            "imap.shop.example does not answer on port 993.",
            "imap.shop.example antwortet auf Port 993 nicht.",
        ),
        (
            "es",
            "shop.example can't be reached ([Errno 111] refused: no route).",
            "No se puede llegar a shop.example ([Errno 111] refused: no route).",
        ),
        ("de", "no sentence of ours", "no sentence of ours"),
        ("de", "not JSON: ValueError", "kein JSON: ValueError"),
        ("de", "", ""),
        ("de-at", "The post is gone.", "Den Post gibt es nicht mehr."),
    ],
)
def test_a_sentence_is_told_in_the_readers_language(language: str, sentence: str, expected: str) -> None:
    with translation.override(language):
        assert in_words(sentence) == expected


def test_what_stands_before_a_colon_and_a_networks_own_reason_are_told_too() -> None:
    with translation.override("de"):
        assert in_words("The server does not take the mail: 550 no such user") == (
            "Der Server nimmt die Mail nicht an: 550 no such user"
        )
        reason = "Most servers take 500 characters in a post; a link counts as 23, and a mention without its server."
        said = in_words(f"The text has 612 characters; 500 is the most. {reason}")
        assert said.startswith("Der Text hat 612 Zeichen; höchstens 500 sind erlaubt. ")
        assert "Most servers" not in said


def test_braces_and_line_breaks_in_values_do_no_harm() -> None:
    said = say("{host} refused: {said}", host="h.example", said="{0} {x}\n%s")
    assert said == "h.example refused: {0} {x}\n%s"
    with translation.override("de"):
        assert in_words(said) == "h.example hat abgelehnt: {0} {x}\n%s"


def _raised() -> Iterator[tuple[str, ast.expr]]:
    root = Path(kith.__file__).parent
    for room in ("channels", "connectors"):
        for path in sorted((root / room).rglob("*.py")):
            if INTERNAL & set(path.parts):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                named = (
                    isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS
                )
                if named and node.args:  # type: ignore[attr-defined]
                    yield f"{path.relative_to(root)}:{node.lineno}", node.args[0]  # type: ignore[attr-defined]


def test_no_error_is_said_in_words_that_nobody_can_translate() -> None:
    """An error's first argument is `say(...)`, or a name that was given one; never a bare text."""
    bare = [place for place, said in _raised() if isinstance(said, (ast.Constant, ast.JoinedStr))]
    assert bare == []
    assert len(list(_raised())) > 150


def test_an_error_is_still_a_plain_text() -> None:
    assert str(Refused(say("The post is gone."), field="x")) == "The post is gone."
