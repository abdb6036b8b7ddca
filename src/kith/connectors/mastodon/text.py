"""A post's HTML as plain text: links whole, mentions as written, paragraphs kept."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"p", "div", "blockquote", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "table"}
)
_SILENT = frozenset({"script", "style", "template", "title"})
_LOOKS_LIKE_ADDRESS = re.compile(r"(https?://|www\.)?[^\s/]+\.[^\s]{2,}", re.IGNORECASE)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._link: tuple[str, str, int] | None = None
        self._silent = 0
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self.parts.append("\n\n")
            self._pre += tag == "pre"
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag == "a":
            said = dict(attrs)
            self._close_link()
            self._link = (said.get("href") or "", said.get("class") or "", len(self.parts))
        elif tag == "img":
            self.parts.append(dict(attrs).get("alt") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n\n")
            self._pre = max(0, self._pre - (tag == "pre"))
        elif tag == "a":
            self._close_link()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data if self._pre else re.sub(r"[ \t\r\n\f]+", " ", data))

    def _close_link(self) -> None:
        if self._link is None:
            return
        href, kind, start = self._link
        self._link = None
        shown = "".join(self.parts[start:])
        named = "mention" in kind.split() or "hashtag" in kind.split() or shown.strip()[:1] in ("@", "#")
        if named or not href.startswith(("https://", "http://", "mailto:")):
            return
        # servers hide parts of long addresses with spans, which text has no way to show
        del self.parts[start:]
        bare = shown.strip().rstrip("…")
        if not bare or _LOOKS_LIKE_ADDRESS.fullmatch(bare):
            self.parts.append(href)
        else:
            self.parts.append(f"{shown} ({href})")

    def text(self) -> str:
        self._close_link()
        found = re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(self.parts)) if not self._pre else "".join(self.parts)
        return re.sub(r"\n{3,}", "\n\n", found).strip()


def plain(html: str) -> str:
    """The text of a post; never raises, whatever the HTML."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError):  # the library asserts on some broken declarations
        return re.sub(r"<[^>]*>", " ", html).strip()
    return reader.text()
