"""Templates say the same as Jinja2's own compiler makes of them, and say it in the reader's language."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.template import engines
from django.utils import translation
from jinja2 import UndefinedError
from jinja2.compiler import CodeGenerator
from markupsafe import Markup

from kith.web import pages
from kith.web.compiling import Templates, shown
from kith.web.templating import environment

VALUES: dict[str, Any] = {
    "evil": "<b>&\"'",
    "safe": Markup("<i>x</i>"),
    "key": uuid.UUID(int=7),
    "number": 3,
    "items": [{"name": "a"}, {"name": "<c>"}],
    "at": datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    "nothing": None,
}
SOURCES = [
    "{{ evil }} {{ safe }} {{ key }} {{ number }} {{ number * 1.5 }} {{ nothing }} {{ items }}",
    "{% macro cell(x, y='<') %}<td>{{ x }}{{ y }}{{ caller() if caller is defined }}</td>{% endmacro %}"
    "{{ cell(evil) }}{{ cell(safe, y=evil) }}{% call cell(1) %}{{ evil }}{% endcall %}",
    "{% for item in items %}{{ loop.index }}{{ loop.cycle('<', 'b') }}{{ item.name }}{{ item.get('name') }}{% endfor %}",
    "{% for n in items recursive %}{{ n.name }}{{ loop([]) }}{% endfor %}",
    "{{ _('Close') }} {{ _('Nothing fits “%(text)s”.', text=evil) }} {{ _('Pick %(name)s', name=evil) }} {{ _('Pick %(name)s', name=safe) }} {{ 'a' ~ _('Close') }}",
    "{{ ngettext('%(num)s image', '%(num)s images', number) }} {{ evil|upper }} {{ (evil ~ safe)|length }}",
    "{% set x %}{{ evil }}{% endset %}{{ x }} {% set y = _('Close') %}{{ y|upper }}{{ evil if number > 5 }}",
    "{{ time(at, 'ago', 'a') }} {{ icon('x') }} {{ icon('x', evil) }} {{ url('inbox', query={'a': evil}) }}"
    "{{ addresses('conversation', query={'in': evil, 'b': ''})(key) }} {{ network_icon('email') }}",
    "{% autoescape false %}{{ evil }}{% endautoescape %}{{ evil|safe }}{{ {'a': evil}|xmlattr }}",
    "{{ dict(a=evil)['a'] }} {{ joiner(evil)() }} {{ cell is defined }} {{ evil.replace('<', '&') }}",
]


class Plain(Templates):
    """Ours, with Jinja2's generator and nothing worked out beforehand."""

    code_generator_class = CodeGenerator

    def in_language(self, language: str | None) -> Templates:
        return self


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_template_says_what_jinja_says(
    source: str, language: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    ours = environment()
    monkeypatch.setattr("kith.web.templating.Templates", Plain)
    theirs = environment()
    with translation.override(language):
        told = ours.in_language(language).from_string(source).render(VALUES)
        assert told == theirs.from_string(source).render(VALUES)
        assert "<b>" not in told or "autoescape" in source


def test_each_language_has_its_own_sentences() -> None:
    ours = environment()
    said = {}
    for language in ("en", "de", "es"):
        with translation.override(language):
            said[language] = ours.in_language(language).from_string("{{ _('Close') }}").render()
    assert len(set(said.values())) == 3
    # A template asked for in one language never answers in another.
    with translation.override("de"):
        assert pages.jinja().language == "de"
        assert (
            said["de"]
            in pages.jinja()
            .get_template("nav_list.html")
            .environment.from_string("{{ _('Close') }}")
            .render()
        )
    assert engines["jinja2"].env.language == ""  # type: ignore[attr-defined]


def test_a_misspelt_name_still_raises() -> None:
    ours = environment().in_language("en")
    for source in (
        "{{ nobody }}",
        "{{ nobody() }}",
        "{% macro m(a) %}{% endmacro %}{{ m(b=1) }}",
        "{{ items.x }}",
    ):
        with pytest.raises((UndefinedError, TypeError)):
            ours.from_string(source).render(items=object())


def test_what_is_written_is_escaped() -> None:
    class Sly(str):
        __slots__ = ()

    class Page:
        def __html__(self) -> str:
            return "<p>"

    assert shown(Sly("<a>")) == "&lt;a&gt;"
    assert shown("<a>") == "&lt;a&gt;"
    assert shown("'\"") == "&#39;&#34;"
    assert shown(Page()) == "<p>"
    assert shown(True) == "True"
    assert shown(1) == "1"
    assert shown(1.5) == "1.5"
