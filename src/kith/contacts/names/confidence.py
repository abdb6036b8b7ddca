"""How sure we are that a text is a name somebody would like to be greeted by. Pure; the table of how well it does is in
docs/explanation/names.md.

A wrong "no" costs a greeting without a name, a wrong "yes" is "Hello Stphn": in doubt it is no.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from kith.contacts.names import words

USABLE = 0.7
"""A name is used from here on; the gate holds a message that uses one below."""

PLAUSIBLE = 0.9
# What is found, and what is left of our confidence then. Several found: the least counts.
LEFT = {
    "empty": 0.0,
    "no_letters": 0.0,
    "mojibake": 0.0,
    "markup": 0.0,
    "placeholder": 0.0,
    "test": 0.0,
    "email_part": 0.0,
    "company": 0.0,
    "desk": 0.0,
    "keyboard": 0.1,
    "initials": 0.1,
    "no_vowels": 0.1,
    "no_given": 0.2,
    "capitals": 0.3,
    "consonants": 0.3,
    "mixed_scripts": 0.3,
    "styled": 0.3,
    "several": 0.3,
    "too_long": 0.3,
    "lower_case": 0.4,
    "odd_case": 0.4,
    "unsplit": 0.4,
    "one_sign": 0.5,
    "one_word": 0.6,
    "order_unsure": 0.6,
    "nickname": 0.6,
}
# No name of a person at all: it has no parts either.
NOBODY = frozenset(reason for reason, left in LEFT.items() if left == 0.0) | {"keyboard"}

_VOWELS = frozenset("aeiouyæœøı") | frozenset("аеёиоуыэюяіїє") | frozenset("αεηιουω")
_REPLACED = re.compile(
    r"\ufffd|ï¿½|â€|Ã[\x80-\xbf¤¶¼©¨±]|Â[\xa0-\xbf]|=\?[\w-]+\?[bqBQ]\?|\\u[0-9a-fA-F]{4}|\w\?\w|\w\?$"
)
_MARKUP = re.compile(r"[{}<>\[\]|\\/%$*^~`=]|&#?\w+;|https?:|\bwww\.")
_ADDRESS = re.compile(r"@|\.(com|net|org|de|es|co|io|eu|info|biz)$", re.IGNORECASE)
_SEVERAL = re.compile(r"\s[&+]\s|\w&\w|\s(and|und|y|et|oder|or)\s", re.IGNORECASE)
_INITIALS = re.compile(r"(?:\w\.?[\s-]*){1,3}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """`confidence` from 0 to 1, and why: codes of `LEFT`; none when nothing speaks against the name."""

    confidence: float
    reasons: tuple[str, ...] = ()


def judged(reasons: tuple[str, ...], most: float = PLAUSIBLE) -> Judgement:
    """What is left after all that was found, each once."""
    once = tuple(dict.fromkeys(reasons))
    return Judgement(min([most, *(LEFT[reason] for reason in once)]), once)


def script_of(text: str) -> str:
    """The script of a text's letters: "latin", "cyrillic", "han", "hangul", "kana", another's name, "mixed" or ""."""
    found = set()
    for char in text:
        if not char.isalpha():
            continue
        name = unicodedata.name(char, "").removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ")
        kind = name.partition(" ")[0].lower()
        found.add({"cjk": "han", "ideographic": "han", "hiragana": "kana", "katakana": "kana", "katakana-hiragana": "kana"}.get(kind, kind))  # fmt: skip
    if found <= {"han", "kana"} and len(found) == 2:
        return "kana"
    if "modifier" in found and len(found) > 1:
        found.discard("modifier")
    return next(iter(found), "") if len(found) < 2 else "mixed"


def mojibake(text: str) -> bool:
    """Whether a text was read in another encoding than it was written in. Nothing is repaired: a guess would be used as a name."""
    if _REPLACED.search(text) or any(unicodedata.category(c) == "Cc" and not c.isspace() for c in text):
        return True
    if text.isascii():
        return False
    for wrong in ("cp1252", "cp1251"):
        # Bytes that UTF-8 alone has in this order; the five that cp1252 lacks pass through.
        raw = b"".join(_byte(c, wrong) for c in text)
        for size in (len(raw), len(raw) - 1):  # the last sign may have been cut off
            try:
                if len(raw[:size].decode()) < size:
                    return True
            except UnicodeDecodeError:
                continue
    return False


def _byte(char: str, encoding: str) -> bytes:
    try:
        return char.encode(encoding)
    except UnicodeEncodeError:
        return char.encode("latin-1") if ord(char) < 256 else b"\xff"


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def judge_whole(name: str) -> Judgement:
    """What speaks against a whole name as it was given: is it a person's at all?"""
    text = " ".join(name.split())
    folded = text.casefold().strip(" .!?-_,")
    tokens = [token for token in re.split(r"[\s,;:()\"“”]+", text) if token]
    plain = [token.casefold().strip(".") for token in tokens]
    letters = [c for c in text if c.isalpha()]
    if not text:
        return judged(("empty",))
    found = []
    if mojibake(text):
        found.append("mojibake")
    if folded in words.PLACEHOLDERS and text != "Na":
        found.append("placeholder")
    if not letters:
        found.append("no_letters")
    if _ADDRESS.search(text) or re.fullmatch(r"[a-z]+([._][a-z]+)+|\w*[a-z][._][a-z]\w*|\S*\d\S*", text):
        found.append("email_part")
    if _MARKUP.search(text) or "_" in text:
        found.append("markup")
    if words.TESTS & set(plain):
        found.append("test")
    if _company(text, tokens, plain):
        found.append("company")
    if _desk(plain):
        found.append("desk")
    if _SEVERAL.search(text):
        found.append("several")
    return judged(tuple(found))


def _company(text: str, tokens: list[str], plain: list[str]) -> bool:
    if any(form in text for form in words.LEGAL_IN_TEXT[:9]) or text.casefold().startswith(
        words.LEGAL_IN_TEXT[9:]
    ):
        return True
    if len(tokens) < 2:
        return False
    capitals = text.isupper()
    return (
        bool(words.LEGAL & set(plain[1:]))
        or (tokens[-1] in words.LEGAL_EXACT and not (capitals and len(tokens) == 2))
        or bool(words.COMPANY & set(plain))
        or (
            "&" in text
            and tokens[-1].casefold() in ("co", "co.", "sons", "söhne", "söhnen", "hijos", "partner")
        )
    )


def _desk(plain: list[str]) -> bool:
    return bool(words.DESK & set(plain)) or (
        bool(plain) and all(token in words.DESK_ALONE or token in ("&", "-") for token in plain)
    )


def judge(given: str, *, language: str = "", country: str = "") -> Judgement:
    """What speaks against greeting somebody by this given name; `language` and `country` say where r and l are vowels."""
    whole = judge_whole(given)
    if whole.confidence == 0.0:
        return whole
    text = " ".join(given.split())
    letters = [c for c in text if c.isalpha()]
    found = list(whole.reasons)
    script = script_of(text)
    if any(c.isdigit() for c in text):
        found.append("email_part")
    if script in (
        "mixed",
        "mathematical",
        "squared",
        "circled",
        "parenthesized",
        "negative",
        "script",
        "double-struck",
    ):
        found.append("mixed_scripts" if script == "mixed" else "styled")
    elif unicodedata.normalize("NFKC", text) != unicodedata.normalize("NFC", text) and script not in (
        "kana",
        "arabic",
        "hangul",
    ):
        found.append("styled")
    if _keyboard(_folded(text)):
        found.append("keyboard")
    if len(text) > 40 or len(text.split()) > 4:
        found.append("too_long")
    if script in ("han", "hangul") and len(letters) == 1:
        found.append("one_sign")
    if script in ("latin", "cyrillic", "greek", "armenian"):
        found += _written(text, letters, script, language, country)
    return judged(tuple(found))


def _written(text: str, letters: list[str], script: str, language: str, country: str) -> list[str]:
    """What only scripts with small letters and vowels can show."""
    found = []
    first = text.split()[0]
    if len(letters) == 1 or _initials(text, letters) or re.fullmatch(r"\w\.?", first):
        found.append("initials")
    if script != "armenian" and not _speakable(text, language, country):
        found.append("no_vowels")
    if len(letters) > 2 and text.isupper():
        found.append("capitals")
    elif text.islower():
        found.append("lower_case")
    elif re.search(r"(?:^|[\s-])[^\W\d_A-Z]{1,2}[A-Z]|[A-Z]{3}[a-z]|[a-z][A-Z]{2}|[a-z][A-Z]$", text):
        found.append("odd_case")
    if script == "latin" and re.search(r"[bcdfghjklmnpqrstvwxz]{5,}", _folded(text)):
        found.append("consonants")
    return found


def _initials(text: str, letters: list[str]) -> bool:
    if not _INITIALS.fullmatch(text) or len(letters) > 3:
        return False
    return "." in text or " " in text or (text.isupper() and len(letters) == 2)


def _speakable(text: str, language: str, country: str) -> bool:
    folded = _folded(text)
    if _VOWELS & set(folded):
        return True
    plain = text.casefold().strip(".")
    if plain in words.SHORT:
        return True
    slavic = bool({language[:2].lower(), country.lower()} & words.SYLLABIC) or bool(
        set(plain) & set("čďěňřšťžćđ")
    )
    return slavic and bool(re.search(r"[^\W_][rl][^\W_]", folded))


def _keyboard(folded: str) -> bool:
    plain = re.sub(r"[\W\d_]", "", folded)
    if len(plain) > 2 and len(set(plain)) == 1:
        return True
    if len(plain) < 4:
        return False
    half = plain[: len(plain) // 2]
    if len(plain) >= 6 and half * 2 == plain and _keyboard(half):
        return True
    return any(plain in way or plain in way[::-1] for way in words.KEYBOARD)


def person_confidence(given: str, full: str, *, language: str = "", country: str = "") -> float:
    """The same where the whole name is known as well: "Anna" is no name to greet by when they are "Anna Test"."""
    own = judge(given, language=language, country=country).confidence
    whole = judge_whole(full)
    return min(own, whole.confidence) if set(whole.reasons) & NOBODY else own


def greeting_confidence(name: str, *, language: str = "", country: str = "") -> float:
    """How sure we are, 0 to 1, that a person would like to be greeted by this given name; it is used from `USABLE` on."""
    return judge(name, language=language, country=country).confidence
