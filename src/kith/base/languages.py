"""In which language a command speaks, before Django is there."""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from pathlib import Path

LANGUAGES = ("en", "de", "es")
_FOLDER = Path(__file__).resolve().parents[1] / "locale"


class Words:
    """The sentences of one language; a sentence that it does not have stays in English."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._known = gettext.translation("django", _FOLDER, [language], fallback=True)

    def gettext(self, sentence: str) -> str:
        return self._known.gettext(sentence)


def translator(language: str) -> Words:
    """The words of a language, named as people name it (de, de_AT, de-AT.UTF-8); English where there are none."""
    return Words(_known(language) or "en")


def of_shell(environment: Mapping[str, str] | None = None) -> str:
    """The language that the shell says (LANGUAGE, LC_ALL, LC_MESSAGES, LANG in this order); "" when it says none of ours."""
    known = os.environ if environment is None else environment
    if known.get("LC_ALL") in ("C", "POSIX"):
        return ""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for wanted in known.get(name, "").split(":"):
            if found := _known(wanted):
                return found
        if known.get(name) and name != "LANGUAGE":
            return ""
    return ""


def _known(language: str) -> str:
    short = language.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return short if short in LANGUAGES else ""
