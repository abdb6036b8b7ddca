"""A query written from words and clicks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PLAIN = re.compile(r"[#@]?[\w'’-]+\*?")  # what needs no quotes
_OPERATORS = ("AND", "OR", "NOT")


@dataclass(frozen=True, slots=True)
class Built:
    """What somebody chose: terms with commas between them, languages and networks by their codes."""

    phrase: str = ""
    every: str = ""
    some: str = ""
    none: str = ""
    languages: Sequence[str] = ()
    networks: Sequence[str] = ()

    def query(self) -> str:
        """
        >>> Built(every="bike shop", some="#cycling, velo", none="giveaway", languages=["en", "de"]).query()
        '"bike shop" AND (#cycling OR velo) NOT giveaway lang:en,de'
        """
        parts = [_quoted(self.phrase)] if self.phrase.strip() else []
        parts += _terms(self.every)
        some = _terms(self.some)
        if some:
            parts.append(f"({' OR '.join(some)})" if len(some) > 1 else some[0])
        text = " AND ".join(parts)
        for term in _terms(self.none):
            text += f" NOT {term}"
        for name, chosen in (("lang", self.languages), ("network", self.networks)):
            if chosen:
                text += f" {name}:{','.join(chosen)}"
        return text.strip()


def _terms(text: str) -> list[str]:
    found = [" ".join(part.split()) for part in re.split(r"[,;\n]", text)]
    return [
        part if _PLAIN.fullmatch(part) and part.upper() not in _OPERATORS else _quoted(part)
        for part in found
        if part
    ]


def _quoted(text: str) -> str:
    return '"' + " ".join(text.replace('"', " ").split()) + '"'
