"""HTML to plain text by substitutions that each pass once over the text. For reading and searching, not for showing."""

from __future__ import annotations

import html as entities
import re

MAX_HTML = 2_000_000

_OPEN, _CLOSE, _QUOTE = "\x01", "\x02", "\x03"  # a blockquote begins, ends; from here on it is quoted
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_SPACES = re.compile(" {2,}")
_BREAK = re.compile(r"<br\b[^<>]*>", re.I)
_PARAGRAPH = re.compile(r"</?(?:p|h[1-6]|table|ul|ol|dl|pre|form|fieldset|center)\b[^<>]*>", re.I)
_BLOCK = re.compile(
    r"</?(?:div|tr|section|article|header|footer|address|dt|dd|figure|main|nav|aside|body|caption|thead|tbody)\b[^<>]*>",
    re.I,
)
_ITEM = re.compile(r"<li\b[^<>]*>", re.I)
_CELL = re.compile(r"</t[dh]\b[^<>]*>", re.I)
_RULE = re.compile(r"<hr\b[^<>]*>", re.I)
_QUOTED = re.compile(r"<(/?)blockquote\b[^<>]*>", re.I)
_QUOTE_MARK = re.compile(
    r"<(?:div|hr|span|table|p|blockquote)\b[^<>]{0,400}(?:"
    r"\b(?:class|id)\s{0,3}=\s{0,3}[\"']?[^\"'<>]{0,200}\b(?:gmail_quote|gmail_extra|gmail_attr|moz-cite-prefix|yahoo_quoted|divRplyFwdMsg|"
    r"stopSpelling|appendonsend|reply-intro|protonmail_quote|zmail_extra|OLK_SRC_BODY_SECTION|"
    r"mail_android_quote|ms-outlook-mobile-reference-message|hmquote)\b"
    r"|border-top\s*:\s*solid\s+#(?:b5c4df|e1e1e1)\s+1(?:\.0)?pt"
    r"|border\s*:\s*none\s*;\s*border-top\s*:\s*solid\s+#(?:b5c4df|e1e1e1))[^<>]*>",
    re.I,
)
_LINES = re.compile(r"\n{3,}")
_LONG_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{8,};?")
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"<>]{1,4000})\"|'([^'<>]{1,4000})'|([^\s\"'<>]{1,2000}))", re.I)
_ALT = re.compile(r"<img\b[^<>]*?\balt\s*=\s*(?:\"([^\"<>]{1,500})\"|'([^'<>]{1,500})')[^<>]*>", re.I)
_MARKED = re.compile(f"[{_OPEN}{_CLOSE}{_QUOTE}]")


def _without(text: str, lower: str, tag: str) -> tuple[str, str]:
    """Without every `<tag ...>...</tag>`; an unclosed one takes the rest of the text with it."""
    start = lower.find("<" + tag)
    if start < 0:
        return text, lower
    out: list[str] = []
    position = 0
    ending = "</" + tag
    while start >= 0:
        after = lower[start + len(tag) + 1 : start + len(tag) + 2]
        if after.isalnum() or after == "-":
            start = lower.find("<" + tag, start + 1)
            continue
        out.append(text[position:start])
        end = lower.find(ending, start)
        if end < 0:
            position = len(text) if tag != "head" else start + 5
            break
        close = lower.find(">", end)
        position = close + 1 if close >= 0 else len(text)
        start = lower.find("<" + tag, position)
    out.append(text[position:])
    text = "".join(out)
    return text, text.lower()


def _without_comments(text: str) -> str:
    start = text.find("<!--")
    if start < 0:
        return text
    out: list[str] = []
    position = 0
    while start >= 0:
        out.append(text[position:start])
        end = text.find("-->", start)
        if end < 0:
            position = start + 4
            break
        position = end + 3
        start = text.find("<!--", position)
    out.append(text[position:])
    return "".join(out)


def _one_space(text: str) -> str:
    """Each run of spaces and line ends as one space. Most are one already, and need no match of their own."""
    return _SPACES.sub(" ", text.replace("\n", " ").replace("\r", " ").replace("\t", " ").replace("\f", " "))


def html_to_text(source: str) -> tuple[str, int | None]:
    """Plain text, quoted lines with "> " in front, and the offset at which the mailer's own marks say it quotes."""
    text = _MARKED.sub("", _without_comments(source[:MAX_HTML]))
    lower = text.lower()
    if len(lower) != len(text):  # a few letters grow when lowered; offsets must agree
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    for tag in ("head", "style", "script", "title", "template"):
        text, lower = _without(text, lower, tag)
        if len(lower) != len(text):
            lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    text = _keep_pre(text, lower) if "<pre" in lower else _one_space(text)
    text = _BREAK.sub("\n", text)
    text = _QUOTE_MARK.sub(lambda found: "\n" + _QUOTE + found[0], text)
    if "<blockquote" in lower:
        text = _QUOTED.sub(lambda found: "\n" + (_CLOSE if found[1] else _OPEN) + "\n", text)
    text = _PARAGRAPH.sub("\n\n", text)
    text = _BLOCK.sub("\n", text)
    if "<li" in lower:
        text = _ITEM.sub("\n- ", text)
    if "<td" in lower or "<th" in lower:
        text = _CELL.sub("\t", text)
    if "<hr" in lower:
        text = _RULE.sub("\n\n", text)
    bare = _TAG.sub("", text)
    if "<img" in lower and len(bare.strip()) < 200:
        bare = _TAG.sub("", _ALT.sub(lambda found: found[1] or found[2] or "", text))
    text = bare
    if "&" in text:
        text = entities.unescape(_LONG_NUMBER.sub("", text))
        text = text.replace("\x00", "")
    text = text.replace("\xa0", " ").replace("\u200c", "").replace("\ufeff", "")
    text = "\n".join([line.strip(" \t\r\u200b") for line in text.split("\n")])
    if _OPEN in text:
        text = _quote_lines(text)
    text = _LINES.sub("\n\n", text).strip(" \n\t\r")
    return _take_mark(text)


def _take_mark(text: str) -> tuple[str, int | None]:
    mark = text.find(_QUOTE)
    if mark < 0:
        return text, None
    head = text[:mark].rstrip()
    tail = text[mark:].replace(_QUOTE, "").lstrip("\n ")
    if not tail:
        return head, None
    if not head:
        return tail, 0
    return head + "\n\n" + tail, len(head) + 2


def _keep_pre(text: str, lower: str) -> str:
    out: list[str] = []
    position = 0
    start = lower.find("<pre")
    while start >= 0:
        out.append(_one_space(text[position:start]))
        end = lower.find("</pre", start)
        end = len(text) if end < 0 else end
        out.append(text[start:end].replace("\r\n", "\n").replace("\n", "<br>"))
        position = end
        start = lower.find("<pre", end)
    out.append(_one_space(text[position:]))
    return "".join(out)


def _quote_lines(text: str) -> str:
    out: list[str] = []
    depth = 0
    for line in text.split("\n"):
        depth += line.count(_OPEN)
        depth = max(0, depth - line.count(_CLOSE))
        line = line.replace(_OPEN, "").replace(_CLOSE, "").strip()
        # Layout by blockquote is common and deep; more than nine levels say no more than nine do.
        out.append("> " * min(depth, 9) + line if line else "")
    return "\n".join(out)


def links(source: str) -> list[str]:
    """The addresses that the HTML links to, in order, at most 400."""
    found: list[str] = []
    for match in _HREF.finditer(source[:MAX_HTML]):
        found.append(entities.unescape(_LONG_NUMBER.sub("", match[1] or match[2] or match[3])).strip())
        if len(found) >= 400:
            break
    return found
