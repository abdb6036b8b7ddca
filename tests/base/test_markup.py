"""Plain formatting: what is marked becomes that mark, and nothing else becomes HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kith.base.markup import html_of


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("It is **here** now", "<p>It is <strong>here</strong> now</p>"),
        ("*Soon*, _really_", "<p><em>Soon</em>, <em>really</em></p>"),
        ("We need:\n- a hub\n- a chain", "<p>We need:</p><ul><li>a hub</li><li>a chain</li></ul>"),
        ("1. first\n2) *second*", "<ol><li>first</li><li><em>second</em></li></ol>"),
        ("**A**\nB\n\nC", "<p><strong>A</strong><br>B</p>\n<p>C</p>"),
        (
            "**See** https://x.example/a_b_c?d=1&e=2.",
            '<p><strong>See</strong> <a href="https://x.example/a_b_c?d=1&amp;e=2" rel="noopener noreferrer">'
            "https://x.example/a_b_c?d=1&amp;e=2</a>.</p>",
        ),
        ("**<b onclick=x>**", "<p><strong>&lt;b onclick=x&gt;</strong></p>"),
    ],
)
def test_what_is_marked_becomes_html(text: str, html: str) -> None:
    assert html_of(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain words.",
        "2*3*4 and 5 * 6",
        "snake_case_name",
        "- one line alone",
        "a ** b ** c",
        "<b>bold</b>",
        "**",
    ],
)
def test_what_is_not_marked_needs_no_html(text: str) -> None:
    assert html_of(text) == ""


@given(st.text(alphabet="ab*_-<>&\"'\n 1.hts:/\x02\x03", max_size=80))
def test_nothing_that_was_typed_becomes_a_tag_of_its_own(text: str) -> None:
    import re

    tags = re.findall(r"<[^>]*>", html_of(text))
    assert all(
        re.fullmatch(
            r'</?(?:p|br|strong|em|ul|ol|li)>|</a>|<a href="https?://[^"<>]*" rel="noopener noreferrer">', tag
        )
        for tag in tags
    )
    assert html_of(text).count("<strong>") == html_of(text).count("</strong>")
