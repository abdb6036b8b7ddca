"""Whom the first line of a letter greets: "Hi Stephen," is to Stephen."""

from __future__ import annotations

import re

from kith.base.text import words_in

# Longer ones first, so that "guten Tag" is not read as "guten" to a Mr Tag.
_OPENINGS = (
    "good morning", "good afternoon", "good evening", "hello there", "hi there", "hello", "hi", "hey", "dear", "greetings",
    "guten morgen", "guten abend", "guten tag", "grüß gott", "grüezi", "servus", "moin", "hallo", "liebe", "lieber", "liebes",
    "sehr geehrte", "sehr geehrter", "buenos días", "buenos dias", "buenas tardes", "buenas noches", "buenas", "hola",
    "querida", "querido", "estimada", "estimado", "bonjour", "salut", "chère", "cher", "ciao", "cara", "caro",
)  # fmt: skip
_LINE = re.compile(
    f"(?:{'|'.join(sorted(_OPENINGS, key=len, reverse=True))})" + r"\s+(?P<rest>\S.*)", re.IGNORECASE
)
# Who is greeted by a title or as many is greeted by no given name.
_NO_NAME = frozenset(
    words_in(
        """
    mr mrs ms miss mx dr prof sir madam herr frau señor señora sr sra don doña herrn damen monsieur madame all
    everyone everybody team folks friends there again both you zusammen alle ihr euch leute freunde kollegen
    kolleginnen todos todas equipo amigos customer kunde kundin cliente ladies colleagues together nochmal nochmals
    and und y from to we our the to this that just thanks thank danke vielen gracias where what how when why who is
    are can could would i it it's its wo was wie wann warum wer ist können dónde qué cómo cuándo quién my your mein
    dein ihre eure
    """
    )
)
_SEVERAL = re.compile(r"(?i)\s(?:and|und|y|et|e)\s|[&/]")
_WORD = re.compile(r"[^\W\d_][\w'’.\-]*", re.UNICODE)


def greeted_name(text: str) -> str:
    """The name in the greeting of the first line, as it is written; "" where nobody, or more than one, is named."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    found = _LINE.match(line[:200])
    if found is None:
        return ""
    rest = found["rest"]
    ended = re.search(r"[,!:;–—]|\s-\s|\.(?:\s|$)|$", rest)
    head = rest[: ended.start()].strip() if ended else rest
    closed = ended is not None and (ended.start() < len(rest) or len(head.split()) == 1)
    words = head.split()
    if not closed or len(words) > 3:  # the line goes on: the name is what is written with a capital
        words = []
        for word in head.split()[:2]:
            if not word[:1].isupper():
                break
            words.append(word)
    elif _SEVERAL.search(f" {head} "):
        return ""
    if not words or words[0].casefold().rstrip(".") in _NO_NAME:
        return ""
    if not all(_WORD.fullmatch(word) for word in words):
        return ""
    return " ".join(words)[:120]
