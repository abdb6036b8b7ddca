"""Which words of a message are read: its own, without what it quotes and without a signature. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

HEAD, TAIL = 1500, 499  # what the models look at, with a line between
_ANSWER = re.compile(r"\s*(re|aw|sv|antw|rv|fw|fwd|wg)\s*(\[\d+\])?\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Words:
    """The text that a model is given; `cut`: it is the beginning and the end of a long one."""

    text: str
    cut: bool
    digest: str


def words_of(*, subject: str, text: str, quote_at: int | None, signature_at: int | None) -> Words:
    """What a message itself says. A subject counts where it is the writer's own, not where it is the one answered."""
    end = min(n for n in (quote_at, signature_at, len(text)) if n is not None)
    own = text[:end].strip()
    title = "" if _ANSWER.match(subject) else subject.strip()
    whole = f"{title}\n{own}" if title and own and not own.startswith(title) else own or title
    digest = hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()
    if len(whole) <= HEAD + TAIL:
        return Words(whole, False, digest)
    return Words(f"{whole[:HEAD]}\n{whole[-TAIL:]}", True, digest)
