"""Names are split as their culture does it, judged before they are used, and a greeting is chosen, not filled in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kith.contacts.models import Contact, Fact, Identity
from kith.contacts.names import USABLE, greeting, greeting_confidence, parse
from kith.contacts.names.confidence import LEFT
from kith.contacts.names.greet import WHY
from kith.contacts.services import (
    contact_create,
    contact_for_identity,
    contact_set,
    fact_record,
    fact_retract,
)


@pytest.mark.parametrize(
    ("name", "known", "first", "last", "order"),
    [
        ("Anna Schmidt", {}, "Anna", "Schmidt", "given_first"),
        ("Schmidt, Anna", {}, "Anna", "Schmidt", "family_first"),
        ("Dr. Anna von der Heide", {}, "Anna", "von der Heide", "given_first"),
        ("Jan van der Berg", {"country": "NL"}, "Jan", "van der Berg", "given_first"),
        ("van der Berg, Jan", {}, "Jan", "van der Berg", "family_first"),
        ("Osama bin Laden", {}, "Osama", "bin Laden", "given_first"),
        ("Maria de la Cruz", {}, "Maria", "de la Cruz", "given_first"),
        ("DUPONT Jean", {}, "Jean", "DUPONT", "family_first"),
        ("GARCÍA LÓPEZ Ana", {}, "Ana", "GARCÍA LÓPEZ", "family_first"),
        ("Jean DUPONT", {}, "Jean", "DUPONT", "given_first"),
        ("John Smith Jr.", {}, "John", "Smith", "given_first"),
        ("Gabriel García Márquez", {"language": "es"}, "Gabriel", "García Márquez", "given_first"),
        ("Juan Carlos García", {"country": "ES"}, "Juan", "García", "given_first"),
        ("Nagy László", {"country": "HU"}, "László", "Nagy", "family_first"),
        ("László Nagy", {"language": "hu"}, "László", "Nagy", "given_first"),
        ("Nguyễn Văn An", {}, "An", "Nguyễn", "family_first"),
        ("Nguyen Van An", {"country": "VN"}, "An", "Nguyen", "family_first"),
        ("Kim Minjun", {"country": "KR"}, "Minjun", "Kim", "family_first"),
        ("김민준", {}, "민준", "김", "family_first"),
        ("山田 太郎", {}, "太郎", "山田", "family_first"),
        ("高橋 みなみ", {}, "みなみ", "高橋", "family_first"),
        ("マイケル・ジャクソン", {}, "マイケル", "ジャクソン", "given_first"),
        ("毛泽东", {"language": "zh"}, "泽东", "毛", "family_first"),
        ("Сидоров Иван Петрович", {}, "Иван", "Сидоров", "family_first"),
        ("Иван Сидоров", {}, "Иван", "Сидоров", "given_first"),
        ("محمد بن سلمان", {}, "محمد", "بن سلمان", "given_first"),
        ("Anna Schmidt (she/her)", {}, "Anna", "Schmidt", "given_first"),
        ("Anna Schmidt 🌻", {}, "Anna", "Schmidt", "given_first"),
        ("Jan Vlk", {}, "Jan", "Vlk", "given_first"),
        ("Srđan Krk", {}, "Srđan", "Krk", "given_first"),
        ("Bryn Jones", {}, "Bryn", "Jones", "given_first"),
        ("Charlotte Church", {}, "Charlotte", "Church", "given_first"),
        ("Christopher Guest", {}, "Christopher", "Guest", "given_first"),
        ("Christopher Null", {}, "Christopher", "Null", "given_first"),
        ("DeShawn Carter", {}, "DeShawn", "Carter", "given_first"),
        ("Þór Ægisson", {}, "Þór", "Ægisson", "given_first"),
    ],
)
def test_a_name_is_split_as_its_culture_does_it(
    name: str, known: dict[str, str], first: str, last: str, order: str
) -> None:
    found = parse(name, **known)
    assert (found.given, found.family, found.order) == (first, last, order)
    assert found.confidence >= USABLE, found.reasons


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Stphn Miller", "no_vowels"),
        ("Wm Smith", "no_vowels"),
        ("JOHN SMITH", "capitals"),
        ("bell hooks", "lower_case"),
        ("jOHN Smith", "odd_case"),
        ("J. R. Tolkien", "initials"),
        ("J R", "initials"),
        ("JP Morgan", "initials"),
        ("JosÃ© García", "mojibake"),
        ("MÃ¼ller", "mojibake"),
        ("Jos\ufffd García", "mojibake"),
        ("РђРЅРЅР° Иванова", "mojibake"),
        ("=?utf-8?q?Anna?=", "mojibake"),
        ("M?ller Anna", "mojibake"),
        ("john.smith", "email_part"),
        ("jsmith99", "email_part"),
        ("anna@example.com", "email_part"),
        ("Acme GmbH", "company"),
        ("Müller & Söhne", "company"),
        ("株式会社トヨタ", "company"),
        ("Sales Team", "desk"),
        ("info", "desk"),
        ("Miller Customer Service", "desk"),
        ("Kundenservice", "desk"),
        ("Test", "test"),
        ("Anna Test", "test"),
        ("asdfgh", "keyboard"),
        ("Qwer Tz", "keyboard"),
        ("First Name", "placeholder"),
        ("Max Mustermann", "placeholder"),
        ("N/A", "placeholder"),
        ("Sir/Madam", "placeholder"),
        ("Unknown", "placeholder"),
        ("{{first_name}}", "markup"),
        ("[Name]", "markup"),
        ("M&uuml;ller", "markup"),
        ("😀🎉", "no_letters"),
        ("", "empty"),
        ("Anna & Ben Müller", "several"),
        ("Frau Schmidt", "no_given"),
        ("Madonna", "one_word"),
        ("Nagy László", "order_unsure"),
        ("Anna Schmidt, Acme", "order_unsure"),
        ("毛泽东", "unsplit"),
        ("李 明", "one_sign"),
        ('Robert "Bob" Jones', "nickname"),
        ("Аnna Schmidt", "mixed_scripts"),
        ("𝓐𝓷𝓷𝓪 Schmidt", "styled"),
    ],
)
def test_what_is_not_usable_is_said_with_its_reason(name: str, reason: str) -> None:
    found = parse(name)
    assert reason in found.reasons
    assert found.confidence < USABLE


@pytest.mark.parametrize(
    "name",
    [
        "Ng",
        "Gwyn",
        "Lynn",
        "Smrž",
        "Vlk",
        "Srđan",
        "Na",
        "Björk",
        "Ål",
        "Łukasz",
        "Zoë",
        "Jo",
        "李明",
        "Ægir",
        "Ánh",
    ],
)
def test_short_and_unusual_first_names_are_names(name: str) -> None:
    assert greeting_confidence(name) >= USABLE


def test_where_r_and_l_are_vowels_depends_on_the_place() -> None:
    assert greeting_confidence("Strk") < USABLE <= greeting_confidence("Strk", country="HR")
    assert greeting_confidence("Stphn", country="HR") < USABLE


def test_what_is_known_already_is_kept() -> None:
    assert parse("Anna Maria Schmidt", given="Anna Maria").family == "Schmidt"
    assert parse("García Márquez Gabriel", family="García Márquez").given == "Gabriel"


@settings(max_examples=400, deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(
            [
                "Anna",
                "DUPONT",
                "von",
                "Dr.",
                "J.",
                "李",
                "明",
                "김",
                "(x)",
                '"',
                "&",
                "Nagy",
                "😀",
                "\u202e",
                "Ã©",
                "III",
                "・",
            ]
        ),
        max_size=7,
    ).map(" ".join),
    st.sampled_from(["", "HU", "VN", "JP", "ES", "RU", "de"]),
    st.sampled_from(["", "zh", "es", "tr", "ru", "??"]),
)
@example(",", "", "")
@example("\x00", "", "")
@example("\ud800 x", "", "")
@example("((((((", "", "")
def test_no_text_breaks_it_and_nothing_is_made_up(name: str, country: str, language: str) -> None:
    found = parse(name, country=country, language=language)
    assert 0.0 <= found.confidence <= 1.0
    assert set(found.reasons) <= set(LEFT)
    for part in (found.given, found.family, found.middle, found.title, found.suffix, found.nickname):
        assert set(part) <= set(name) | set(" ,")
    assert found.confidence < USABLE or found.given
    assert 0.0 <= greeting_confidence(name) <= 1.0


def test_every_reason_has_its_sentence() -> None:
    assert set(LEFT) <= set(WHY)


@pytest.mark.parametrize(
    ("values", "text", "used", "why"),
    [
        ({"preferred": "Steve", "given": "Stephen", "confidence": 1.0}, "Hello Steve,", "Steve", "told_us"),
        ({"given": "Stephen", "confidence": 0.9}, "Hello Stephen,", "Stephen", "given"),
        ({"given": "Stphn", "confidence": 0.1}, "Hello,", None, "no_vowels"),
        ({"preferred": "xx99", "given": "Anna", "confidence": 0.0}, "Hello Anna,", "Anna", "given"),
        ({"name": "Sales Team", "confidence": 0.0}, "Hello,", None, "desk"),
        ({"confidence": 0.0}, "Hello,", None, "unknown"),
        ({"given": "Anna", "confidence": 0.9, "language": "de"}, "Guten Tag Anna,", "Anna", "given"),
        ({"given": "Anna", "confidence": 0.9, "language": "es"}, "Hola, Anna:", "Anna", "given"),
        ({"given": "Anna", "confidence": 0.9, "formal": True}, "Dear Anna,", "Anna", "given"),
        (
            {"given": "Anna", "confidence": 0.9, "formal": True, "language": "de"},
            "Guten Tag Anna,",
            "Anna",
            "given",
        ),
        (
            {"given": "Anna", "confidence": 0.9, "formal": True, "language": "es"},
            "Buenos días, Anna:",
            "Anna",
            "given",
        ),
        ({"given": "JOHN", "confidence": 0.3, "language": "de"}, "Guten Tag,", None, "capitals"),
    ],
)
def test_a_greeting_is_chosen(values: dict[str, Any], text: str, used: str | None, why: str) -> None:
    found = greeting(**values)
    assert (found.text, found.name_used, found.why) == (text, used, why)
    assert found.why_text


@pytest.mark.django_db
def test_parts_come_from_a_whole_name_while_nothing_better_is_known() -> None:
    identity = Identity.objects.create(
        network="x", external_id="1", handle="anna", display_name="SCHMIDT Anna"
    )
    contact = contact_for_identity(identity=identity)
    assert (contact.given_name, contact.family_name, contact.name_confidence) == ("Anna", "SCHMIDT", 0.85)
    fact = Fact.objects.get(contact=contact)
    assert (fact.attribute, fact.value, fact.source, fact.confidence) == (
        "name",
        "SCHMIDT Anna",
        "profile",
        0.85,
    )
    told = fact_record(contact_id=contact.pk, attribute="given_name", value="Annika", source="told_us")
    contact.refresh_from_db()
    assert (contact.given_name, told.confidence) == ("Annika", 1.0)
    fact_retract(fact=told)
    fact_retract(fact=fact)
    contact.refresh_from_db()
    assert (contact.name, contact.given_name, contact.family_name) == ("", "", "")


@pytest.mark.django_db
def test_a_name_that_is_none_has_no_parts_and_is_corrected_by_a_colleague() -> None:
    contact = contact_create(source=Fact.Source.FORM, name="Stphn Miller")
    assert (contact.given_name, contact.name_confidence) == ("", 0.1)
    assert Fact.objects.get(contact=contact).confidence == 0.1
    contact_set(contact_id=contact.pk, attribute="preferred_name", value="Steve")
    found = Contact.objects.get(pk=contact.pk)
    assert (found.preferred_name, found.name_confidence) == ("Steve", 1.0)


@pytest.mark.django_db
def test_a_test_is_no_name_in_fields_of_their_own_either() -> None:
    contact = contact_create(source=Fact.Source.IMPORT, given_name="Anna", family_name="Test")
    assert contact.name_confidence == 0.0
