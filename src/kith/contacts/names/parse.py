"""A name and its parts, in the order of its culture: `nameparser` splits, we say which order and how sure we are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from kith.contacts.names.confidence import LEFT, NOBODY, PLAUSIBLE, judge, judge_whole, judged, script_of
from kith.contacts.names.words import FAMILIES

Order = Literal["given_first", "family_first"]
_LANGUAGE_OF = {"HU": "hu", "VN": "vi", "CN": "zh", "TW": "zh", "HK": "zh", "MO": "zh", "SG": "zh", "JP": "ja", "KR": "ko", "KP": "ko"}  # fmt: skip
_TWO_FAMILIES = frozenset(
    [
        "ES",
        "MX",
        "AR",
        "CO",
        "CL",
        "PE",
        "VE",
        "EC",
        "BO",
        "PY",
        "UY",
        "CR",
        "PA",
        "GT",
        "HN",
        "SV",
        "NI",
        "DO",
        "CU",
        "PR",
    ]
)
# Second given names of Spanish pairs: "Juan Carlos García" has one family name, not two.
_SECOND_GIVEN = frozenset(
    [
        "carlos",
        "josé",
        "jose",
        "luis",
        "maría",
        "maria",
        "antonio",
        "manuel",
        "ángel",
        "angel",
        "pablo",
        "miguel",
        "javier",
        "ramón",
        "ramon",
        "andrés",
        "andres",
        "carmen",
        "isabel",
        "teresa",
        "elena",
        "alberto",
        "ignacio",
        "jesús",
        "jesus",
        "francisco",
        "fernando",
        "david",
        "eduardo",
        "alejandro",
        "cristina",
        "dolores",
        "pilar",
        "rosa",
    ]
)
_PARTICLES = frozenset(
    [
        "van",
        "von",
        "der",
        "den",
        "de",
        "del",
        "della",
        "di",
        "da",
        "do",
        "dos",
        "das",
        "la",
        "le",
        "du",
        "des",
        "ter",
        "ten",
        "zu",
        "zum",
        "zur",
        "al",
        "el",
        "bin",
        "ibn",
        "ben",
        "abu",
        "af",
        "av",
    ]
)
_ASIDE = re.compile(r"(?<=\S)\s*[(\[（][^()\[\]（）]*[)\]）]$")  # "(she/her)", "(Acme)": not the name
_QUOTED = re.compile(r"[\"“”„«»「『]")


@dataclass(frozen=True, slots=True)
class ParsedName:
    """Parts as they were written. `confidence`: that `given` is a name to greet by, 0 to 1; `reasons`: codes, why it is less
    than plausible. What is no person's name has no parts.
    """

    given: str = ""
    family: str = ""
    middle: str = ""
    title: str = ""
    suffix: str = ""
    nickname: str = ""
    order: Order = "given_first"
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()


def parse(
    name: str, *, country: str = "", language: str = "", given: str = "", family: str = ""
) -> ParsedName:
    """Split a name. `country` (two letters) and `language` are those of the person, `given` and `family` what is known already.

    Never raises; what it can't tell it says in `reasons`, with less confidence.
    """
    name, given, family = (" ".join(text[:300].split()) for text in (name, given, family))
    return _parsed(name, country[:2].upper(), language[:2].lower(), given, family)


@lru_cache(maxsize=2048)  # an import asks for the confidence of a name, and then for its parts
def _parsed(name: str, country: str, language: str, given: str, family: str) -> ParsedName:
    if given:
        own = judge(given, language=language, country=country)
        return ParsedName(given, family or _rest(name, given), confidence=own.confidence, reasons=own.reasons)
    if family and (rest := _rest(name, family)):
        own = judge(rest, language=language, country=country)
        return ParsedName(rest, family, confidence=own.confidence, reasons=own.reasons)
    name = _ASIDE.sub("", name)
    whole = judge_whole(name)
    if set(whole.reasons) & NOBODY:
        return ParsedName(confidence=whole.confidence, reasons=whole.reasons)
    return _split(name, whole.reasons, language, country)


def _rest(name: str, known: str) -> str:
    """What a name has beside a part of it that is known: "" unless it begins or ends with that."""
    if name.endswith(f" {known}"):
        return name.removesuffix(f" {known}").rstrip(", ")
    if name.startswith((f"{known} ", f"{known},")):
        return name.removeprefix(known).lstrip(", ")
    return ""


def _split(name: str, reasons: tuple[str, ...], language: str, country: str) -> ParsedName:
    script = script_of(name)
    tongue = _LANGUAGE_OF.get(country) or language
    if tongue not in FAMILIES:
        tongue = ""
    found = list(reasons)
    most = PLAUSIBLE
    text, family_first = name, False
    if script == "latin" and "," not in name:
        turned = _capitals_first(name)
        if turned:
            text, family_first, tongue, most = turned, True, "", 0.85
        elif len(name.split()) > 1:
            way, sure = _latin_order(name.split(), tongue, known=bool(country or language))
            family_first = way == "family_first"
            tongue = tongue if family_first else ""
            found += [] if sure else ["order_unsure"]
            most = 0.85 if family_first else most
            tongue = _tongue_of(name) if family_first and not tongue else tongue
    elif "," in name:
        head, _, tail = name.partition(",")
        # "Anna Schmidt, Acme" looks like "García Márquez, Gabriel".
        long = sum(word.casefold() not in _PARTICLES for word in head.split()) > 1
        if (
            long
            and tail.strip()
            and country not in _TWO_FAMILIES
            and language not in ("es", "pt")
            and not head.isupper()
        ):
            found.append("order_unsure")
        tongue = ""
    parts = _parts(
        _parser_for(
            script, tongue if family_first or script in ("han", "hangul", "kana") else "", language, country
        ),
        text,
    )
    if parts is None:
        return ParsedName(confidence=LEFT["too_long"], reasons=("too_long",))
    if script == "latin" and (country in _TWO_FAMILIES or language == "es"):
        parts = _spanish(parts)
    if tongue == "vi" and family_first:
        # "Văn" stands in the middle; the library reads "Van" as a particle of what follows.
        middle, _, last = parts["given"].rpartition(" ")
        parts.update(given=last, middle=" ".join(filter(None, (parts["middle"], middle))))
    if script in ("han", "hangul", "kana"):
        family_first = script != "kana" or "・" not in name
        most = 0.8
        if not parts["given"]:
            found.append("unsplit")
        elif script == "kana" and not re.search(r"[\u3041-\u309f\u4e00-\u9fff]", name) and "・" not in name:
            found.append("order_unsure")  # katakana writes foreign names as well, given name first
    elif not parts["given"]:
        found.append("no_given")
    elif not parts["family"]:
        found.append("one_word")
    if ("," in name and parts["family"]) or (
        parts["given"] and parts["family"] and script in ("cyrillic", "arabic", "hebrew")
    ):
        family_first = name.find(parts["family"]) < name.find(parts["given"])
    if parts["nickname"] and _QUOTED.search(name):
        found.append("nickname")
    if parts["given"]:
        own = judge(parts["given"], language=language, country=country)
        found = [*own.reasons, *found]
    verdict = judged(tuple(found), most)
    if set(verdict.reasons) & NOBODY:
        return ParsedName(confidence=verdict.confidence, reasons=verdict.reasons)
    return ParsedName(
        **parts,
        order="family_first" if family_first else "given_first",
        confidence=verdict.confidence,
        reasons=verdict.reasons,
    )


def _capitals_first(name: str) -> str:
    """ "DUPONT Jean" as "DUPONT, Jean"; "" when it is not written so."""
    tokens = name.split()
    end = 0
    for token in tokens:
        if token.casefold() in _PARTICLES or (token.isupper() and len(token) > 1):
            end += 1
        else:
            break
    head, tail = tokens[:end], tokens[end:]
    heavy = [t for t in head if t.isupper() and len(t) > 2 and re.search(r"[AEIOUYÀ-Ý]", t)]
    if not heavy or not tail or any(t.isupper() and len(t) > 2 for t in tail) or not tail[0][:1].isupper():
        return ""
    return f"{' '.join(head)}, {' '.join(tail)}"


def _tongue_of(name: str) -> str:
    first = name.split()[0].casefold()
    return next((tongue for tongue, families in FAMILIES.items() if first in families), "")


def _latin_order(tokens: list[str], tongue: str, *, known: bool) -> tuple[Order, bool]:
    """The order of a name in Latin letters, and whether it is certain."""
    plain = [token.casefold().strip(".") for token in tokens]
    if tongue:
        families = FAMILIES[tongue]
        first, last = plain[0] in families, plain[-1] in families
        if first != last:
            return ("family_first", True) if first else ("given_first", True)
        # Hungarian and Vietnamese are written in these letters; the others are turned round in them as often as not.
        return ("family_first", tongue in ("hu", "vi")) if tongue in ("hu", "vi") else ("given_first", False)
    if known:
        return "given_first", True
    origin = _tongue_of(" ".join(tokens))
    if not origin or plain[-1] in FAMILIES[origin]:
        return "given_first", True
    # Nothing is known of where they are from.
    if origin in ("hu", "vi") and not tokens[0].isascii():
        return "family_first", True
    return "given_first", False


def _spanish(parts: dict[str, str]) -> dict[str, str]:
    """ "Juan Carlos García": two given names and one family name."""
    first, _, rest = parts["family"].partition(" ")
    if not parts["middle"] and rest and first.casefold() in _SECOND_GIVEN:
        return {**parts, "middle": first, "family": rest}
    return parts


def _parts(parser: Callable[[str], Any], text: str) -> dict[str, str] | None:
    """The library's fields; None where it gives up, which it has not done so far."""
    try:
        found = parser(text)
    except (ValueError, IndexError, KeyError, AttributeError, RecursionError):
        return None
    return {
        part: str(getattr(found, part))
        for part in ("given", "family", "middle", "title", "suffix", "nickname")
    }


def _parser_for(script: str, tongue: str, language: str, country: str) -> Callable[[str], Any]:
    if script == "cyrillic":
        return _parser("ru")
    if script == "han" and tongue == "zh":
        return _parser("zh")
    if script == "latin":
        if tongue in ("hu", "zh", "ja", "ko"):
            return _parser("family_first")
        if tongue == "vi":
            return _parser("given_last")
        if country in _TWO_FAMILIES or language == "es":
            return _parser("two_families")
        if language in ("tr", "az"):
            return _parser("tr")
    return _parser("")


@lru_cache(maxsize=16)
def _parser(kind: str) -> Callable[[str], Any]:
    # Loading it takes 0.1 s: only who parses a name waits for it.
    import nameparser
    from nameparser import locales

    parsers: dict[str, Callable[[], Any]] = {
        "": lambda: nameparser.Parser(),
        "ru": lambda: nameparser.parser_for(locales.RU),
        "zh": lambda: nameparser.parser_for(locales.ZH),
        "tr": lambda: nameparser.parser_for(locales.TR_AZ),
        "family_first": lambda: nameparser.Parser(
            policy=nameparser.Policy(name_order=nameparser.FAMILY_FIRST)
        ),
        "given_last": lambda: nameparser.Parser(
            policy=nameparser.Policy(name_order=nameparser.FAMILY_FIRST_GIVEN_LAST)
        ),
        "two_families": lambda: nameparser.Parser(policy=nameparser.Policy(two_family_names=True)),
    }
    made = parsers[kind]()
    return made.parse  # type: ignore[no-any-return]
