"""Subjects without what mailers put in front, so that two mails of one talk have the same key."""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = (
    "re aw sv vs fw fwd wg tr rif rv enc res antw doorst vl ref r odp pd ynt ilt fs továbbítás vá ha bls trs vb rs "
    "encaminhado réf ri i fyi réponse antwort weitergeleitet svar antwoord odpověď odpoveď atb bal "
    "на ответ ответ пересл отв σχετ απ πρθ 回复 回覆 答复 转发 轉寄 返信 転送 답장 전달 رد تح תגובה השב הועבר ส่งต่อ ตอบ"
)
_PREFIX = re.compile(
    r"\s*(?:(?:" + "|".join(sorted((re.escape(w) for w in _WORDS.split()), key=len, reverse=True)) + r")"
    r"\s{0,2}(?:\[\d{1,4}\]|\(\d{1,4}\)|\^?\d{1,4}|\*\d{1,4})?\s{0,2}[:：]"
    r"|\[(?!#)[^\]\[]{1,40}\](?=\s*\S)|[(\[]fwd?\s{0,2}:?[)\]])\s*",
    re.I,
)
_REPLY = re.compile(
    r"\s*(?:\[[^\]]{1,40}\]\s*)?(?:re|aw|sv|antw|res|rif|odp|ynt|vá|回复|回覆|答复|返信|답장|رد|ответ|отв)"
    r"\s{0,2}(?:\[\d+\])?\s{0,2}[:：]",
    re.I,
)
_FORWARD = re.compile(r"\s*(?:fwd?|wg|tr|enc|rv|doorst|vl|vb|pd|i|转发|轉寄|転送|전달)\s{0,2}[:：]", re.I)


@lru_cache(maxsize=4096)
def subject_key(subject: str) -> str:
    """`Re: [list] AW: Fwd: Two  wheels` as "two wheels"; at most 200 characters."""
    text = subject[:1000]
    position = 0
    for _ in range(30):
        found = _PREFIX.match(text, position)
        if found is None or found.end() == position:
            break
        position = found.end()
    rest = " ".join(text[position:].split())
    return (rest or " ".join(text.split())).casefold()[:200]


def is_reply(subject: str) -> bool:
    return bool(_REPLY.match(subject))


def is_forward(subject: str) -> bool:
    return bool(_FORWARD.match(subject))
