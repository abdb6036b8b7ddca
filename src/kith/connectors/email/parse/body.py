"""What a mail says and carries: its text, its HTML and its files, taken from the tree of parts."""

from __future__ import annotations

import html as entities
import mimetypes
import re
from dataclasses import dataclass, field

from kith.connectors.contract import Media
from kith.connectors.email.parse.html import MAX_HTML, html_to_text
from kith.connectors.email.parse.mime import Part, decode_transfer, split_headers
from kith.connectors.email.parse.text import clean, decode_bytes, decode_words
from kith.connectors.email.parse.tnef import unpack

MAX_TEXT = 2_000_000
MAX_MEDIA = 500

_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069]+")
_CHARSET_META = re.compile(rb"<meta\b[^<>]{0,300}\bcharset\s{0,3}=\s{0,3}[\"']?\s{0,3}([\w:-]{2,40})", re.I)
_PLACEHOLDER = re.compile(
    r"(?i)(?:does ?n.t|not|cannot|unable to|doesn't) (?:support|display|view|read|show)[^\n]{0,60}\bhtml|html[- ](?:e-?mail|version|only)|"
    r"view (?:this|the) (?:e-?mail|message) (?:in|online|as)"
)


@dataclass(slots=True)
class _Segment:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Body:
    """`quote_hint` is the offset in `text` at which the HTML's own marks begin the quote, if they were used."""

    text: str = ""
    html: str = ""
    media: list[Media] = field(default_factory=list)
    quote_hint: int | None = None
    cut: bool = False
    media_total: int = 0
    defect: str = ""


def read_body(root: Part) -> Body:
    body = Body()
    segments: list[_Segment] = []
    stack: list[tuple[Part, _Segment | None]] = [(root, None)]
    room = MAX_TEXT * 2
    while stack:
        part, segment = stack.pop()
        body.defect = body.defect or part.defect
        if part.children:
            if part.content_type == "multipart/alternative" and segment is None:
                segment = _Segment()
                segments.append(segment)
            stack.extend((child, segment) for child in reversed(part.children))
            continue
        kind = part.content_type
        if kind in ("text/plain", "text/html", "text/enriched", "text/richtext") and not _is_file(part):
            text = _text_of(part)[: max(0, room)]
            room -= len(text)
            if room <= 0:
                body.cut = True
            if segment is None:
                segment = _Segment()
                segments.append(segment)
            if kind == "text/html":
                segment.html.append(text)
            elif kind == "text/plain":
                segment.plain.append(text)
            else:
                segment.plain.append(re.sub(r"<[^<>]{0,40}>", "", text))
        elif not kind.startswith("multipart/"):
            room_left = MAX_MEDIA - len(body.media)
            found = (_unpacked(part) or [_media(part, len(body.media) + 1)]) if room_left else []
            body.media_total += len(found) or 1
            body.media += found[:room_left]
    _compose(body, segments)
    return body


def _compose(body: Body, segments: list[_Segment]) -> None:
    texts: list[str] = []
    htmls: list[str] = []
    has_html = any(segment.html for segment in segments)
    length = 0
    for segment in segments:
        plain = "\n".join(segment.plain)
        source = "\n".join(segment.html)
        text = plain.strip("\n\r")
        if source and (
            not text.strip() or (len(text) < 400 and len(source) > 400 and _PLACEHOLDER.search(text))
        ):
            text, hint = html_to_text(source)
            if hint is not None and body.quote_hint is None:
                body.quote_hint = length + hint
        if text.strip():
            texts.append(text)
            length += len(text) + 2
        if has_html:
            htmls.append(source or ("<pre>" + entities.escape(plain) + "</pre>" if plain.strip() else ""))
    text = "\n\n".join(texts)
    body.html = "\n".join(piece for piece in htmls if piece)
    if len(text) > MAX_TEXT:
        text, body.cut = text[:MAX_TEXT], True
    if len(body.html) > MAX_HTML:
        body.html, body.cut = body.html[:MAX_HTML], True
    body.text = text


def _is_file(part: Part) -> bool:
    kind, parameters = part.disposition()
    if kind == "attachment":
        return True
    return bool(
        parameters.get("filename")
        or (kind != "inline" and part.parameters.get("name") and part.raw("content-id"))
    )


def _text_of(part: Part) -> str:
    data = part.content()
    charset = part.parameters.get("charset", "")
    if part.content_type == "text/html" and not charset and (found := _CHARSET_META.search(data[:4000])):
        charset = found[1].decode("ascii", "replace")
    text = decode_bytes(data, charset)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.parameters.get("format", "").lower() == "flowed":
        text = _unflow(text, part.parameters.get("delsp", "").lower() == "yes")
    return text


def _unflow(text: str, delete_space: bool) -> str:
    out: list[str] = []
    open_line: list[str] = []
    for line in text.split("\n"):
        if line.startswith(">"):
            if open_line:
                out.append("".join(open_line))
                open_line = []
            out.append(line)
            continue
        line = line[1:] if line.startswith(" ") else line
        if line.endswith(" ") and line != "-- " and line.strip():
            open_line.append(line[:-1] if delete_space else line)
            continue
        if line == "-- " and open_line:
            out.append("".join(open_line))
            open_line = []
        open_line.append(line)
        out.append("".join(open_line))
        open_line = []
    if open_line:
        out.append("".join(open_line))
    return "\n".join(out)


def _media(part: Part, number: int) -> Media:
    kind, parameters = part.disposition()
    content = part.content()
    name = parameters.get("filename") or part.parameters.get("name") or ""
    content_id = decode_bytes(part.raw("content-id")[:1000], "").strip().strip("<>")
    if part.content_type == "message/rfc822":
        headers, _ = split_headers(content[:20_000])
        subject = next((decode_words(value[:500]) for key, value in headers if key == "subject"), "")
        name = name or (subject or "message") + ".eml"
    inline = (bool(content_id) and kind != "attachment") or (
        kind == "inline" and part.content_type.startswith("image/")
    )
    return Media(
        file_name=safe_name(name) or _made_up_name(part.content_type, number),
        content_type=clean(part.content_type)[:120],
        size=len(content),
        content=content,
        content_id=content_id,
        inline=inline,
        alt_text=part.text("content-description", 1000)[:300],
    )


def _unpacked(part: Part) -> list[Media]:
    """The files in an envelope of Outlook's; [] when it is none, or none that can be opened: it then stays as it is."""
    if part.content_type not in ("application/ms-tnef", "application/vnd.ms-tnef"):
        return []
    return [
        Media(
            file_name=safe_name(one.name) or f"file-{number}.bin",
            content_type=clean(one.content_type)[:120]
            or mimetypes.guess_type(one.name)[0]
            or "application/octet-stream",
            size=len(one.content),
            content=one.content,
            content_id=clean(one.content_id)[:1000],
            inline=bool(one.content_id),
        )
        for number, one in enumerate(unpack(part.content()), 1)
    ]


def safe_name(name: str) -> str:
    """A name that stays in its folder and on its line, at most 180 characters, its ending kept."""
    name = _UNSAFE_NAME.sub("_", name).strip(". _")
    if len(name) <= 180:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:160]}.{ending}" if dot and len(ending) <= 12 else name[:180]


def _made_up_name(content_type: str, number: int) -> str:
    known = {
        "application/ms-tnef": "winmail.dat",
        "text/calendar": "invite.ics",
        "message/delivery-status": "delivery-status.txt",
        "text/rfc822-headers": "headers.txt",
        "application/pgp-signature": "signature.asc",
    }
    if content_type in known:
        return known[content_type]
    return f"file-{number}{mimetypes.guess_extension(content_type) or '.bin'}"


def raw_text(raw: bytes, limit: int = 200_000) -> str:
    """What can be saved of a mail that can't be parsed."""
    return clean(decode_bytes(decode_transfer(raw[:limit], b""), "utf-8")).replace("\r\n", "\n").strip()
