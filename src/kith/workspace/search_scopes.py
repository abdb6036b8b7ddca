"""Who may see, and when it was said, as lexemes of a search document."""

from __future__ import annotations

from collections.abc import Sequence

MOST_PAIRS = 256  # of a scope and a month, asked for at once


def lexemes(names: Sequence[str]) -> str:
    """A tsquery's text: any of these lexemes, taken as they are."""
    return "(" + " | ".join("'" + n.replace("\\", "\\\\").replace("'", "''") + "'" for n in names) + ")"


def seen(scopes: Sequence[str], months: Sequence[str] = ()) -> str:
    """A tsquery's text: documents of these scopes and months; "" for all, where both are empty.

    Scope and month together are one lexeme: a small scope's documents of a month are looked up in the long list of a
    common word, not all of the scope's.
    """
    if 0 < len(scopes) * len(months) <= MOST_PAIRS:
        return lexemes([f"seen:{scope}:{month}" for scope in scopes for month in months])
    labels = [[f"scope:{scope}" for scope in scopes], [f"month:{month}" for month in months]]
    return " & ".join(lexemes(names) for names in labels if names)
