"""Ordinary days: people who ask, are answered and say thanks, filled in from phrases; the same ones every time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from random import Random
from typing import Any

PEOPLE, DAYS, FIRST_DAY = 185, 715, 14
RARE, PARTS = 0.3, ("subject", "ask", "answer", "thanks")
MAILBOXES = ("shop", "shop", "workshop", "workshop", "sales")
Line = dict[str, Any]
HELLO = {
    "en": ["", "", "Hello,", "Hi,", "Hi there,", "Good morning,", "Dear Velo Hof,", "Hello workshop,"],
    "de": ["Guten Tag,", "Hallo,", "Hallo Velo Hof,", "Liebes Team,", "Moin,"],
    "es": ["Hola,", "Buenos días,", "Buenas,", "Hola, equipo,"],
}
BYE = {
    "en": [
        "",
        "",
        "{given}",
        "Best, {given}",
        "Thanks, {given}",
        "Regards\n{given}",
        "{initial}.",
        "Sent from my phone",
    ],
    "de": ["", "{given}", "Viele Grüße\n{given}", "LG {given}", "Gruß, {given}", "Danke und Grüße\n{given}"],
    "es": ["", "Un saludo,\n{given}", "{given}", "Gracias, {given}"],
}
OURS = {
    "mara": {"en": ("Hi {name},", "Mara"), "de": ("Hallo {name},", "Mara"), "es": ("Hola, {name}:", "Mara")},
    "olu": {
        "en": ("Hello {name},", "Olu, workshop"),
        "de": ("Hallo {name},", "Olu aus der Werkstatt"),
        "es": ("Hola, {name}:", "Olu, taller"),
    },
    "lena": {
        "en": ("Hi {name}!", "Lena"),
        "de": ("Hallo {name},", "Viele Grüße, Lena"),
        "es": ("¡Hola, {name}!", "Lena"),
    },
    "anton": {
        "en": ("Dear {name},", "Anton"),
        "de": ("Guten Tag {name},", "Anton"),
        "es": ("Hola, {name}:", "Anton"),
    },
}


def everyday(story: Mapping[str, Any], dice: Random) -> tuple[dict[str, dict[str, Any]], list[Line]]:
    """People by key and their messages: about 185 and 1,900."""
    people: dict[str, dict[str, Any]] = {}
    lines: list[Line] = []
    talks, posts = _Deck(story, dice), [p for p in story["post"] for _ in range(3)]
    dice.shuffle(posts)
    for number in range(PEOPLE):
        key = f"p{number}"
        language = dice.choices(["en", "de", "es"], [6, 3, 1])[0]
        people[key] = _person(story, dice, number, language)
        for _ in range(dice.choice([2, 3, 3, 4, 4, 5])):
            lines += _talk(story, talks, dice, key, people[key], language)
        if "sky" in people[key]["identities"] or "toot" in people[key]["identities"]:
            for _ in range(dice.choice([1, 1, 2])):
                lines += _post(story, posts, dice, key, people[key], language)
    return people, lines


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return folded.lower()


def _person(story: Mapping[str, Any], dice: Random, number: int, language: str) -> dict[str, Any]:
    given = story["given"][number % len(story["given"])]
    family = story["family"][(number * 7 + number // len(story["given"]) * 3) % len(story["family"])]
    name = f"{given} {family}"
    plain = f"{_plain(given)}.{_plain(family)}{number}"
    identities = {"mail": f"{plain}@post.example"}
    if number % 5 == 0:
        identities["sky"] = f"did:plc:{plain.replace('.', '')} @{plain.replace('.', '-')}.example"
    if number % 7 == 0:
        identities["toot"] = (
            f"https://rad.example/users/{plain.replace('.', '_')} @{plain.replace('.', '_')}@rad.example"
        )
    return {
        "name": name,
        "given_name": given,
        "family_name": family,
        "city": dice.choice(story["words"][language]["cities"]),
        "language": language,
        "identities": identities,
        "voice": _voice(dice, language, given),
    }


def _voice(dice: Random, language: str, given: str) -> tuple[str, str]:
    """How somebody begins and ends a mail: always the same way, or not at all."""
    begin = dice.choice(HELLO[language])
    end = dice.choice(BYE[language]).format(given=given, initial=given[0])
    return begin, end


def _fill(text: str, person: Mapping[str, Any], slots: Mapping[str, str]) -> str:
    filled = text.format(name=person["given_name"], city=person["city"], **slots)
    return re.sub(r"\b([Aa]) (?=Allee)", r"\1n ", filled)


def _slots(story: Mapping[str, Any], dice: Random, language: str) -> dict[str, str]:
    words = story["words"][language]
    thousands = "," if language == "en" else "."
    return {
        "model": dice.choice(story["models"]),
        "part": dice.choice(words["parts"]),
        "day": dice.choice(words["days"]),
        "shop": dice.choice(story["shops"]),
        "km": f"{dice.randrange(12, 190) * 100:,}".replace(",", thousands),
        "order": f"VH-{dice.randint(18000, 20990)}",
    }


class _Deck:
    """What happens to few people comes once or twice in all the years; on the other days they write what everybody does."""

    def __init__(self, story: Mapping[str, Any], dice: Random) -> None:
        self.plain, self.dice = story["plain"], dice
        self.rare = [t for t in story["talk"] for _ in range(2)]
        dice.shuffle(self.rare)

    def draw(self, language: str) -> dict[str, str]:
        """A subject, a question, its answer and a last word."""
        rare = next((t for t in self.rare if t["language"] == language), None)
        if rare is not None and self.dice.random() < RARE:
            self.rare.remove(rare)
            return {name: rare[name] for name in PARTS}
        plain = self.dice.choice([t for t in self.plain if t["language"] == language])
        which = self.dice.randrange(len(plain["ask"]))
        return {name: plain[name][which % len(plain[name])] for name in PARTS}


def _mail(begin: str, text: str, end: str) -> str:
    """After a greeting with a comma a sentence may go on in lower case; else it begins large."""
    first = 1 if text[0] in "¿¡" else 0
    lower = begin.endswith(",") and text[first].islower()
    body = text if lower else text[:first] + text[first].upper() + text[first + 1 :]
    return "\n\n".join(part for part in (begin, body, end) if part)


def _talk(
    story: Mapping[str, Any], deck: _Deck, dice: Random, key: str, person: Mapping[str, Any], language: str
) -> list[Line]:
    talk, slots = deck.draw(language), _slots(story, dice, language)
    day, channel = FIRST_DAY + dice.randrange(DAYS), dice.choice(MAILBOXES)
    subject = _fill(talk["subject"], person, slots)
    subject = subject[0].upper() + subject[1:]
    begin, end = person["voice"]
    who = dice.choice(["mara", "olu", "lena", "anton"])
    ours = OURS[who][language]
    asked = _mail(begin, _fill(talk["ask"], person, slots), end)
    answer = _mail(ours[0].format(name=person["given_name"]), _fill(talk["answer"], person, slots), ours[1])
    common: Line = {"channel": channel, "language": language, "thread": f"{key}-{day}"}
    hour = dice.randrange(7, 23)
    later = dice.choice([0, 1, 1, 1, 2])  # days until somebody answers
    at = f"{max(hour, 7):02}:{dice.randrange(60):02}"
    answered = f"{dice.randrange(8, 18):02}:{dice.randrange(60):02}"
    if later == 0 and answered <= at:
        later = 1
    lines = [
        {**common, "from": key, "days": day, "at": at, "subject": subject, "text": asked},
        {**common, "by": who, "to": key, "days": day - later, "at": answered, "subject": f"Re: {subject}",
         "text": answer},
    ]  # fmt: skip
    back = day - later - dice.choice([1, 1, 2, 3, 5])
    if talk["thanks"] and back > 0 and dice.random() < 0.85:
        text = _fill(talk["thanks"], person, slots)
        lines.append(
            {**common, "from": key, "days": back, "at": f"{dice.randrange(8, 22):02}:{dice.randrange(60):02}",
             "subject": f"Re: {subject}", "text": _mail("", text, end if dice.random() < 0.4 else "")}
        )  # fmt: skip
        if back > 1 and dice.random() < 0.12:
            lines.append(
                {**common, "by": who, "to": key, "days": back - 1,
                 "at": f"{dice.randrange(8, 18):02}:{dice.randrange(60):02}", "subject": f"Re: {subject}",
                 "text": f"{dice.choice(story['last'][language])}\n\n{ours[1]}"}
            )  # fmt: skip
    return lines


def _post(
    story: Mapping[str, Any],
    posts: list[Any],
    dice: Random,
    key: str,
    person: Mapping[str, Any],
    language: str,
) -> list[Line]:
    post = next((p for p in posts if p["language"] == language), None)
    if post is None:
        return []
    posts.remove(post)
    slots = _slots(story, dice, language)
    day = FIRST_DAY + dice.randrange(DAYS)
    channel = "sky" if "sky" in person["identities"] else "toot"
    common: Line = {"channel": channel, "language": language, "thread": f"{key}-post-{day}", "public": True}
    return [
        {**common, "from": key, "days": day, "at": f"{dice.randrange(7, 23):02}:{dice.randrange(60):02}",
         "text": _fill(post["text"], person, slots)},
        {**common, "by": dice.choice(["lena", "mara"]), "to": key, "days": day - 1,
         "at": f"{dice.randrange(8, 12):02}:{dice.randrange(60):02}", "text": _fill(post["answer"], person, slots)},
    ]  # fmt: skip
