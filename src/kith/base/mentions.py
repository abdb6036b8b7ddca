"""Whether a text makes use of something: the words of a value in a draft, roughly stemmed; numbers, dates and places."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from kith.base.text import words_in

_PLAIN = re.compile(r"[^\W\d_]+|\d+", re.UNICODE)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_ENDINGS = tuple(
    sorted(
        words_in(
            """
    s es e en er ern n em est ing ings ed ied ies ier y ly os as o a ado ada ados adas ando iendo ar er ir ung ungen
    """
        ),
        key=len,
        reverse=True,
    )
)
# Words that every second letter has say nothing by themselves: articles, verbs of every day, what shops write about.
_COMMON = frozenset(
    words_in(
        """
    the and for with from that this have has had was were will would can could may might shall should are our your
    you they them their his her its not but all any some more most very just also into over than then there here
    when what which who how why where been being does did done get got give take make made let like need want know
    think see look come goes going please thank thanks hello dear best kind regards sincerely order orders mail
    mails email emails message letter call phone number today tomorrow yesterday week month year day days time
    morning evening soon back again new old good great nice best first last next name address account help question
    answer reply send sent write wrote read open close work works thing things people person customer company team
    shop store price offer buy bought pay paid bill invoice delivery deliver package parcel arrive arrived repair
    ready bring fetch pick check use used using about because before after between other another same both each
    every much many few little long short high low still already never always often der die das den dem des ein eine
    einen einem einer und oder aber mit von vom zum zur für auf aus bei nach vor über unter ist sind war waren wird
    werden wurde haben hat hatte kann können könnte soll muss mag ich wir sie ihr ihre ihren ihrem ihrer uns unser
    unsere euch euer mir mich dir dich ihm ihn nicht kein keine auch noch nur schon sehr mehr viel viele wenn dann
    weil dass wie was wer wann warum hier dort heute morgen gestern woche monat jahr tag tage zeit bitte danke grüße
    gruß lieber liebe hallo guten bestellung rechnung lieferung paket frage antwort nachricht termin anruf el la los
    las un una unos unas y o pero con de del al por para en sobre es son era fue ser estar está están ha han había
    puede pueden yo nosotros usted ustedes ellos su sus nuestro nuestra mi tu te se lo le no sí también más muy
    mucho muchos cuando entonces porque que cómo quién dónde hoy mañana ayer semana mes año día días tiempo favor
    gracias saludos hola estimado pedido factura entrega paquete pregunta respuesta mensaje correo llamada likes expects expecting expected
    loves owns plays lives has mag hat spielt wohnt gerne gern besitzt tiene gusta vive juega red blue green black
    white rot blau grün schwarz weiß rojo azul verde negro blanco true false yes nein none
    """
    )
)
_MONTHS = (
    ("january", "januar", "enero", "jan", "ene"), ("february", "februar", "febrero", "feb"),
    ("march", "märz", "marzo", "mar"), ("april", "april", "abril", "apr", "abr"), ("may", "mai", "mayo"),
    ("june", "juni", "junio", "jun"), ("july", "juli", "julio", "jul"), ("august", "august", "agosto", "aug", "ago"),
    ("september", "septiembre", "sep", "sept"), ("october", "oktober", "octubre", "oct", "okt"),
    ("november", "november", "noviembre", "nov"), ("december", "dezember", "diciembre", "dec", "dez", "dic"),
)  # fmt: skip
SPAN = 60  # how far apart, in characters, the words of a short value may stand


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to look in, read once: its stems, each with the places (start, end) where it stands."""

    text: str
    places: dict[str, list[tuple[int, int]]]


def fold(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("ß", "ss")


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """What a word and its forms have in common: up to two endings go while at least four letters stay."""
    folded = fold(word)
    for _ in range(2):
        fits = (e for e in _ENDINGS if folded.endswith(e) and len(folded) - len(e) >= 4)
        folded = folded[: -len(ending)] if (ending := next(fits, "")) else folded
    return folded


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(stem(word) for word in _COMMON) | frozenset(fold(word) for word in _COMMON)


def draft_read(text: str) -> Draft:
    """The text without what it quotes of others (lines with ">")."""
    own = "\n".join("" if line.lstrip().startswith(">") else line for line in text.split("\n"))
    shift = 0
    places: dict[str, list[tuple[int, int]]] = {}
    for line, mine in zip(text.split("\n"), own.split("\n"), strict=True):
        for found in _PLAIN.finditer(mine):
            places.setdefault(stem(found[0]), []).append((shift + found.start(), shift + found.end()))
        shift += len(line) + 1
    return Draft(text, places)


def mention(value: str, draft: Draft, *, loose: bool = False) -> str:
    """The words of the draft that make use of a value, as they stand there; "" where it does not.

    A short value must be there whole, its words near each other; of a long one the greater part of what is telling.
    Words of every day count for nothing alone. `loose`: one telling word is enough, for what must not slip through.
    """
    if dated := _DATE.search(value):
        return _date(int(dated[1]), int(dated[2]), int(dated[3]), draft)
    words = list(dict.fromkeys(w for w in _PLAIN.findall(value) if len(w) > 2 or w.isdigit()))
    stems = [stem(w) for w in words]
    telling = [s for s in dict.fromkeys(stems) if s not in _common() and (len(s) > 3 or _number(s))]
    if not telling or (len(telling) == 1 and telling[0].isdigit() and len(telling[0]) < 4):
        return ""
    if len(telling) == 1 and len(words) > 3 and not loose:
        return ""
    there = [s for s in telling if s in draft.places]
    if loose:
        return _near(there[:1], draft) if there else ""
    if len(telling) <= 2:
        return _near(telling, draft) if len(there) == len(telling) else ""
    if len(there) < max(2, -(-len(telling) * 3 // 5)):
        return ""
    start, end = draft.places[there[0]][0]
    return draft.text[start:end]


def _number(word: str) -> bool:
    return word.isdigit() and len(word) > 1


def _near(stems: list[str], draft: Draft) -> str:
    for start, end in draft.places[stems[0]]:
        if len(stems) == 1:
            return draft.text[start:end]
        for other, close in draft.places[stems[1]]:
            if abs(other - start) <= SPAN:
                return draft.text[min(start, other) : max(end, close)]
    return ""


def _date(year: int, month: int, day: int, draft: Draft) -> str:
    names = "|".join(_MONTHS[month - 1])
    forms = (
        rf"\b{year}-{month:02d}-{day:02d}\b",
        rf"\b0?{day}\.\s?0?{month}\.(?:\s?(?:{year}|{year % 100:02d}))?",
        rf"\b0?{day}/0?{month}(?:/(?:{year}|{year % 100:02d}))?\b",
        rf"\b0?{day}(?:st|nd|rd|th|\.)?\s(?:of\s|de\s)?(?:{names})\b",
        rf"\b(?:{names})\s0?{day}(?:st|nd|rd|th)?\b",
    )
    found = re.search("|".join(forms), draft.text, re.IGNORECASE)
    return found[0] if found else ""
