"""Ordinary days: people who ask, are answered and say thanks, filled in from phrases; the same ones every time."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from random import Random
from typing import Any

PEOPLE, DAYS, FIRST_DAY = 185, 715, 14
MAILBOXES = ("shop", "shop", "workshop", "workshop", "sales")
Line = dict[str, Any]


def everyday(story: Mapping[str, Any], dice: Random) -> tuple[dict[str, dict[str, Any]], list[Line]]:
    """People by key and their messages: about 185 and 1,900."""
    people: dict[str, dict[str, Any]] = {}
    lines: list[Line] = []
    for number in range(PEOPLE):
        key = f"p{number}"
        language = dice.choices(["en", "de", "es"], [6, 3, 1])[0]
        people[key] = _person(story, dice, number, language)
        for _ in range(dice.choice([2, 2, 3, 3, 4, 5])):
            lines += _talk(story, dice, key, people[key], language)
        if "sky" in people[key]["identities"] or "toot" in people[key]["identities"]:
            for _ in range(dice.choice([1, 1, 2])):
                lines += _post(story, dice, key, people[key], language)
    return people, lines


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return folded.lower()


def _person(story: Mapping[str, Any], dice: Random, number: int, language: str) -> dict[str, Any]:
    given, family = dice.choice(story["given"]), dice.choice(story["family"])
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
        "city": dice.choice(story["cities"]),
        "language": language,
        "identities": identities,
    }


def _fill(
    text: str, story: Mapping[str, Any], dice: Random, person: Mapping[str, Any], slots: dict[str, str]
) -> str:
    for name, values in (("model", "models"), ("part", "parts")):
        slots.setdefault(name, dice.choice(story[values]))
    slots.setdefault("order", f"VH-{dice.randint(18000, 20990)}")
    return text.format(name=person["given_name"], city=person["city"], **slots)


def _talk(
    story: Mapping[str, Any], dice: Random, key: str, person: Mapping[str, Any], language: str
) -> list[Line]:
    talk = dice.choice([t for t in story["talk"] if t["language"] == language])
    slots: dict[str, str] = {}
    day, channel = FIRST_DAY + dice.randrange(DAYS), dice.choice(MAILBOXES)
    subject = _fill(talk["subject"], story, dice, person, slots)
    asked = _fill(talk["ask"], story, dice, person, slots)
    answer = _fill(talk["answer"], story, dice, person, slots)
    common: Line = {"channel": channel, "language": language, "thread": f"{key}-{day}"}
    hour = dice.randrange(7, 20)
    lines = [
        {**common, "from": key, "days": day, "at": f"{hour:02}:{dice.randrange(60):02}", "subject": subject,
         "text": asked},
        {**common, "by": dice.choice(["mara", "olu", "lena", "anton"]), "to": key, "days": day - 1,
         "at": f"{dice.randrange(8, 18):02}:{dice.randrange(60):02}", "subject": f"Re: {subject}", "text": answer},
    ]  # fmt: skip
    if talk["thanks"] and dice.random() < 0.75:
        lines.append(
            {**common, "from": key, "days": day - 2, "at": f"{dice.randrange(8, 22):02}:{dice.randrange(60):02}",
             "subject": f"Re: {subject}", "text": talk["thanks"]}
        )  # fmt: skip
    if dice.random() < 0.3:
        lines.append(
            {**common, "by": "lena", "to": key, "days": max(day - 3, 1), "at": "10:15", "subject": f"Re: {subject}",
             "text": {"de": "Schön zu hören. Gute Fahrt!", "es": "¡Nos alegra! Buen camino."}.get(
                 language, "Good to hear. Ride well!")}
        )  # fmt: skip
    return lines


def _post(
    story: Mapping[str, Any], dice: Random, key: str, person: Mapping[str, Any], language: str
) -> list[Line]:
    posts = [p for p in story["post"] if p["language"] == language]
    post, slots = dice.choice(posts), dict[str, str]()
    day = FIRST_DAY + dice.randrange(DAYS)
    channel = "sky" if "sky" in person["identities"] else "toot"
    common: Line = {"channel": channel, "language": language, "thread": f"{key}-post-{day}", "public": True}
    return [
        {**common, "from": key, "days": day, "at": f"{dice.randrange(7, 23):02}:{dice.randrange(60):02}",
         "text": _fill(post["text"], story, dice, person, slots)},
        {**common, "by": dice.choice(["lena", "mara"]), "to": key, "days": day - 1, "at": "09:30",
         "text": _fill(post["answer"], story, dice, person, slots)},
    ]  # fmt: skip
