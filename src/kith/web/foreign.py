"""HTML from outside: cleaned by an allow-list, and shown only in a sandboxed frame from an address of its own.

Three layers: nh3 here; `Content-Security-Policy: default-src 'none'` with `sandbox` on the answer; the frame's own
`sandbox` attribute. Each holds alone. Images from other servers are left out until a person asks for them; they come
through our signed proxy then, so that their owner learns neither who reads nor from where.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

import nh3

FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; form-action 'none'; "
    "base-uri 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
FRAME_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
    ]
)
_ATTRIBUTES = {
    "*": {"align", "dir", "lang", "title", "valign", "bgcolor", "color", "style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "table": {"width", "cellpadding", "cellspacing", "border"},
    "td": {"width", "height", "colspan", "rowspan"},
    "th": {"width", "height", "colspan", "rowspan"},
    "font": {"size", "face", "color"},
    "ol": {"start", "type"},
}
_STYLES = frozenset(
    [
        "background-color",
        "border",
        "border-bottom",
        "border-collapse",
        "border-color",
        "border-left",
        "border-radius",
        "border-right",
        "border-style",
        "border-top",
        "border-width",
        "color",
        "display",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "height",
        "letter-spacing",
        "line-height",
        "list-style-type",
        "margin",
        "margin-bottom",
        "margin-left",
        "margin-right",
        "margin-top",
        "max-width",
        "padding",
        "padding-bottom",
        "padding-left",
        "padding-right",
        "padding-top",
        "text-align",
        "text-decoration",
        "text-indent",
        "text-transform",
        "vertical-align",
        "white-space",
        "width",
    ]
)
_DANGEROUS_STYLE = re.compile(r"url\s*\(|expression|@import|\\", re.I)

ImageAddress = Callable[[str], str | None]


def no_images(_address: str) -> str | None:
    return None


def clean_html(html: str, *, image: ImageAddress = no_images) -> str:
    """What may be shown of foreign HTML. `image` gives the address to show for an image's source, or None to drop it."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return None if _DANGEROUS_STYLE.search(value) else value
        if tag == "img" and name == "src":
            return image(value)
        if name == "href" and value.strip().lower().startswith(("data:", "cid:")):
            return None
        return value

    return nh3.clean(
        html,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        clean_content_tags={
            "script",
            "style",
            "title",
            "head",
            "noscript",
            "template",
            "iframe",
            "object",
            "svg",
            "math",
        },
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        filter_style_properties=set(_STYLES),
        attribute_filter=attribute,
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def remote_images(html: str) -> int:
    """How many images would be loaded from other servers."""
    return len(re.findall(r"<img\b[^>]*\bsrc\s*=\s*[\"']?\s*https?:", html, re.I))


def frame_document(html: str, *, title: str, image: ImageAddress = no_images) -> str:
    """A whole document for the frame; it has no script, and the policy lets none run."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>html{{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff}}"
        "body{margin:12px;overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}</style></head>"
        f"<body>{clean_html(html, image=image)}</body></html>"
    )
