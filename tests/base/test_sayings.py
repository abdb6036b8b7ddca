"""Sentences are put into words when they are read, above all what the doctor says of a domain's mail."""

from __future__ import annotations

import pytest

from kith.base import dns_mail, languages
from kith.base.sayings import Said, said, told


def test_a_sentence_is_english_until_it_is_told() -> None:
    sentence = said("{what} of {domain}", what=said("the clock"), domain="x.example")
    assert sentence == "the clock of x.example"
    german = {"{what} of {domain}": "{domain}: {what}", "the clock": "die Uhr"}
    assert told(sentence, lambda text: german.get(text, text)) == "x.example: die Uhr"
    assert told("as it is", lambda text: "other") == "as it is"
    assert told(said("{a}", a="{b} {"), lambda text: text) == "{b} {", "values are no templates"
    assert told(sentence, lambda text: text + "{missing}") == sentence


@pytest.mark.parametrize("language", ["de", "es"])
@pytest.mark.parametrize(
    "records",
    [
        {},
        {"TXT": ["v=spf1 +all"]},
        {"TXT": ["v=spf1 a", "v=spf1 b"]},
        {"TXT": ["v=spf1 mx"]},
        {
            "TXT": ["v=spf1 " + "a " * 12 + "-all", "v=DMARC1; p=none", "v=DKIM1; p="],
            "MX": ["10 mx.x.example."],
        },
        {"TXT": ["v=spf1 -all", "v=DMARC1; p=reject", "v=DKIM1; p=abc"], "MX": ["0 ."]},
        {"TXT": ["v=spf1 -all", "v=DMARC1; p=maybe"]},
        {"TXT": ["v=DMARC1; p=none", "v=DMARC1; p=none"]},
        None,
    ],
)
def test_everything_about_mail_is_said_in_the_language(
    records: dict[str, list[str]] | None, language: str
) -> None:
    def resolve(name: str, kind: str) -> list[str]:
        if records is None:
            raise dns_mail.LookupUnclear
        return records.get(kind, [])

    words = languages.translator(language)
    for selectors in ((), ("s1",)):
        for found in dns_mail.check_domain("x.example", resolve, selectors=selectors):
            for sentence in filter(None, (found.sentence, found.remedy)):
                assert isinstance(sentence, Said), sentence
                assert told(sentence, words.gettext) != sentence, sentence


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "es"}, "es"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "de_CH"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, ""),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "fr_FR.UTF-8"}, ""),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "fr:es:de"}, "es"),
        ({"LANG": "C.UTF-8"}, ""),
        ({}, ""),
    ],
)
def test_the_shell_says_which_language(environment: dict[str, str], language: str) -> None:
    assert languages.of_shell(environment) == language
