"""Every language says all that the code says, with the same placeholders."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.utils.translation import gettext, override

from kith.channels.discovery import readme
from kith.connectors.manifest import FOLDER, manifests
from kith.networks.selectors import offered

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("de", "es")

# What is filled in later, or read by a machine: %(name)s, %s, {name}, tags, our variables.
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sdr]|\{\w*\}|</?\w[^>]*>|KITH_\w+")


@cache
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compile_messages", ROOT / "tools" / "compile_messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def in_code() -> Catalog:
    catalog: Catalog = tool().extract()
    return catalog


@cache
def translated(language: str) -> Catalog:
    with tool().catalog_path(language).open("rb") as file:
        return read_po(file, locale=language)


def forms(texts: object) -> list[str]:
    return [str(text or "") for text in texts] if isinstance(texts, tuple | list) else [str(texts or "")]


def untranslated(language: str) -> list[str]:
    """Texts of the code that this language lacks in one of their forms."""
    catalog = translated(language)
    found = []
    for message in in_code():
        if not message.id:
            continue
        told = catalog.get(forms(message.id)[0], message.context)
        wanted = catalog.num_plurals if message.pluralizable else 1
        if told is None or told.fuzzy or sum(bool(form.strip()) for form in forms(told.string)) != wanted:
            found.append(forms(message.id)[0])
    return found


def wrong_placeholders(message: Message) -> list[str]:
    """Translations of a text whose placeholders are not those of its own form."""
    originals, told = forms(message.id), forms(message.string)
    return [
        form
        for number, form in enumerate(told)
        if form
        and Counter(PLACEHOLDER.findall(form))
        != Counter(PLACEHOLDER.findall(originals[min(number, len(originals) - 1)]))
    ]


def test_the_code_is_searched() -> None:
    found = {forms(message.id)[0] for message in in_code() if message.id}

    assert len(found) > 800
    # One of a template, of a plural, of Python, of a manifest, of Django's own templates.
    assert {
        "Skip to content",
        "%(num)s message",
        "Held back: %(why)s",
        "Handle",
        "Sign in with a passkey",
    } <= found


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_in_english(language: str) -> None:
    assert untranslated(language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_the_same(language: str) -> None:
    wrong = [text for message in translated(language) if message.id for text in wrong_placeholders(message)]

    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_edges_are_the_same(language: str) -> None:
    """A space or a line's end at an edge joins texts on the screen."""
    for message in translated(language):
        for original, form in zip(forms(message.id), forms(message.string), strict=False):
            if original and form:
                assert form[:1].isspace() == original[:1].isspace(), form
                assert form[-1:].isspace() == original[-1:].isspace(), form


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_said_twice_in_one_breath(language: str) -> None:
    """Catalogues that were joined by machine repeat a line of a longer text, one behind the other."""
    for message in translated(language):
        for form in forms(message.string):
            half = len(form) // 2
            assert half < 5 or form[:half].strip() != form[half:].strip(), form


@pytest.mark.parametrize(
    ("text", "told", "wrong"),
    [
        ("%(num)s of %(all)s", "%(all)s: %(num)s", False),
        ("%(num)s of %(all)s", "%(num)s von allen", True),
        ("{n} new", "{m} neu", True),
        ("Say <b>yes</b>", "Sagen Sie <b>ja", True),
        (("%d file", "%d files"), ("%d Datei", "Dateien"), True),
    ],
)
def test_placeholders_are_noticed(
    text: str | tuple[str, ...], told: str | tuple[str, ...], wrong: bool
) -> None:
    assert bool(wrong_placeholders(Message(text, told))) is wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_screens_read_it(language: str) -> None:
    told = translated(language).get("Go to the inbox")

    assert told is not None
    with override(language):
        assert gettext("Go to the inbox") == told.string != "Go to the inbox"


@pytest.mark.parametrize("language", LANGUAGES)
def test_manifests_are_shown_translated(language: str) -> None:
    with override(language):
        told = {manifest.name: manifest for manifest in offered()}

    assert len(told) > 3
    for name, manifest in told.items():
        original = manifests()[name]
        assert manifest.summary != original.summary
        assert [item.name for item in manifest.fields] == [item.name for item in original.fields]
        assert manifest.limits.reasons.keys() == original.limits.reasons.keys()
        assert all(text != original.limits.reasons[key] for key, text in manifest.limits.reasons.items())
    with override("en"):
        assert {m.name: m.summary for m in offered()} == {name: manifests()[name].summary for name in told}


def readmes() -> list[Path]:
    return sorted(path for code in LANGUAGES for path in FOLDER.glob(f"*/README.{code}.md"))


@pytest.mark.parametrize("path", readmes(), ids=lambda path: f"{path.parent.name}-{path.suffixes[0][1:]}")
def test_a_readme_names_the_same_settings_in_every_language(path: Path) -> None:
    original, told = (file.read_text(encoding="utf-8") for file in (path.with_name("README.md"), path))

    assert _code(told) == _code(original)
    assert told.count("\n## ") == original.count("\n## ")
    assert told.count("\n- ") == original.count("\n- ")
    with override(path.suffixes[0][1:]):
        assert readme(path.parent.name) == told


def _code(text: str) -> Counter[str]:
    return Counter(word.lower() for word in re.findall(r"`[^`\n]+`", text))
