"""Plain formatting: **bold**, *italic*, lists and addresses of the web, as people type them, to HTML of nothing else."""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise

_BOLD = re.compile(r"(?<![\w*])\*\*(?=[^\s*])([^\n]{0,400}?[^\s*])\*\*(?![\w*])")
_ITALIC = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*\n]{0,400}?[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])([^_\n]{0,400}?[^\s_])_(?!\w)"
)
_ITEM = re.compile(r"(?:[-*•]|(\d{1,3})[.)])\s+(?=\S)")
_URL = re.compile(r"https?://[^\s<>\"']{2,500}[^\s<>\"'.,;:!?)\]}]")
LONGEST = 50_000


def is_marked(text: str) -> bool:
    """Whether there is formatting in a text that would be lost as plain text."""
    lines = text[:LONGEST].split("\n")
    return bool(_BOLD.search(text[:LONGEST]) or _ITALIC.search(text[:LONGEST])) or any(
        _ITEM.match(line) and _ITEM.match(following) for line, following in pairwise(lines)
    )


def html_of(text: str) -> str:
    """Paragraphs, lists, bold, italic and links; everything else is escaped. "" for a text without formatting."""
    if not is_marked(text):
        return ""
    return "\n".join(_block(block) for block in re.split(r"\n{2,}", text[:LONGEST].strip("\n")))


def _block(block: str) -> str:
    parts: list[str] = []
    words: list[str] = []
    items: list[str] = []
    kind = ""

    def close() -> None:
        if words:
            parts.append(f"<p>{'<br>'.join(words)}</p>")
            words.clear()
        if items:
            parts.append(f"<{kind}>{''.join(f'<li>{item}</li>' for item in items)}</{kind}>")
            items.clear()

    for line in block.split("\n"):
        found = _ITEM.match(line)
        wanted = ("ol" if found[1] else "ul") if found else ""
        if wanted != kind or not wanted:
            if items or wanted:
                close()
            kind = wanted
        if found:
            items.append(_inline(line[found.end() :]))
        else:
            words.append(_inline(line))
    close()
    return "".join(parts)


def _inline(text: str) -> str:
    """One line. Addresses are taken out first, so that their signs format nothing."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        address = escape(match[0])
        kept.append(f'<a href="{address}" rel="noopener noreferrer">{address}</a>')
        return f"\x02{len(kept) - 1}\x03"

    line = escape(_URL.sub(keep, text.replace("\x02", "").replace("\x03", "")), quote=False)
    line = _BOLD.sub(r"<strong>\1</strong>", line)
    line = _ITALIC.sub(lambda m: f"<em>{m[1] or m[2]}</em>", line)
    return re.sub("\x02(\\d+)\x03", lambda m: kept[int(m[1])], line)
