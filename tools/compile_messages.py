"""Compiles the translations (`.po`) into what gettext reads (`.mo`); with `--extract`, collects new strings first.

`make messages` compiles. `python tools/compile_messages.py --extract` brings the `.po` files up to date with the code.
"""

from __future__ import annotations

import json
import sys
import tomllib
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "kith"
LOCALE = PACKAGE / "locale"
LANGUAGES = ("de", "es")
SAID = "said by a connector"
METHODS = [
    ("**/migrations/**", "ignore"),
    ("**/static/**", "ignore"),
    ("**.py", "python"),
    ("web/templates/**.html", "jinja2"),
    ("web/django_templates/**.html", "django.utils.translation.template:templatize"),
]
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "N_": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3), "said": None,
}  # fmt: skip
OPTIONS = {"web/templates/**.html": {"trimmed": "true", "silent": "false"}}


def extract() -> Catalog:
    """All strings of the code and of our templates; Django's own templates go through its lexer."""
    catalog = Catalog(project="Kith", charset="utf-8")
    methods = [m for m in METHODS if not m[1].startswith("django.")]
    for name, line, message, comments, context in extract_from_dir(
        PACKAGE, methods, OPTIONS, KEYWORDS, ("Translators:",)
    ):
        catalog.add(message, None, [(name, line)], auto_comments=comments, context=context)
    for path in sorted((PACKAGE / "web" / "django_templates").rglob("*.html")):
        _django_template(catalog, path)
    for path in sorted((PACKAGE / "connectors").glob("*/manifest.toml")):
        _manifest(catalog, path)
    _said(catalog)
    return catalog


def _said(catalog: Catalog) -> None:
    """The sentences of connectors (`say("...")`), marked so that a screen can recognise them: see kith.channels.words."""
    for room in ("channels", "connectors"):
        for name, _line, message, _comments, _context in extract_from_dir(
            PACKAGE / room, [("**.py", "python")], {}, {"say": None}
        ):
            catalog.add(message, None, [(f"{room}/{name}", 1)], auto_comments=[SAID])


def _manifest(catalog: Catalog, path: Path) -> None:
    """What a manifest says to people: its screens translate it when they show it."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    if data.get("availability") == "internal":
        return
    limits = data.get("limits", {})
    texts = [
        data["title"],
        data["summary"],
        *limits.get("reasons", {}).values(),
        *limits.get("audiences", {}).values(),
    ]
    for field in data.get("fields", ()):
        texts += [field["label"], field.get("help", ""), *field.get("choices", ())]
    for text in filter(None, texts):
        catalog.add(text, None, [(str(path.relative_to(PACKAGE)), 1)])


def _django_template(catalog: Catalog, path: Path) -> None:
    from babel.messages.extract import extract as extract_stream
    from django.utils.translation.template import templatize

    source = templatize(path.read_text(encoding="utf-8")).encode()
    for line, message, comments, context in extract_stream("python", BytesIO(source), KEYWORDS):
        catalog.add(
            message, None, [(str(path.relative_to(PACKAGE)), line)], auto_comments=comments, context=context
        )


def catalog_path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def update() -> None:
    """Bring every language's `.po` up to date; what is gone from the code goes from there too."""
    template = extract()
    for language in LANGUAGES:
        path = catalog_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            with path.open("rb") as file:
                catalog = read_po(file, locale=language)
        else:
            catalog = Catalog(locale=language, project="Kith", charset="utf-8")
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, catalog, width=110, sort_output=True, omit_header=False, include_lineno=False)


def compile_all() -> None:
    for language in LANGUAGES:
        path = catalog_path(language)
        if not path.exists():
            continue
        target = path.with_suffix(".mo")
        made = (target, path.with_name("said.json"))
        if all(one.exists() and one.stat().st_mtime >= path.stat().st_mtime for one in made):
            continue
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
        with target.open("wb") as file:
            write_mo(file, catalog)
        said = {str(m.id): str(m.string) for m in catalog if SAID in m.auto_comments and m.string}
        path.with_name("said.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")


def missing(language: str) -> list[str]:
    """Strings that have no translation yet."""
    with catalog_path(language).open("rb") as file:
        catalog = read_po(file, locale=language)
    found = []
    for message in catalog:
        texts = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        if message.id and not all(texts):
            found.append(str(message.id))
    return found


if __name__ == "__main__":
    if "--extract" in sys.argv:
        update()
    compile_all()
