"""RFC 5322 and MIME on bytes, in time linear in the size of the message.

The standard library's parser is not used: it costs most of the time that we have for one mail, and it raises on
some of the mails that people really send. Here nothing raises, and the depth of nesting and the number of parts are
bounded, so that a hostile message costs no more than a large one.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from kith.connectors.email.parse.text import decode_bytes, decode_words

MAX_DEPTH = 40
MAX_PARTS = 2000
MAX_HEADERS = 2000
MAX_PARAMETER_BYTES = 16_384

_END_OF_HEADERS = re.compile(rb"\n\r?\n")
_HEADER_NAME = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_PARAMETER = re.compile(r';[ \t\r\n]*([^=;\s"]{1,80})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.S)
_UUENCODED = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.M)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


@dataclass(slots=True)
class Part:
    """One node of a message. `body` is still transfer-encoded; `children` is empty for leaves."""

    headers: list[tuple[str, bytes]]
    body: bytes = field(repr=False)
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    children: list[Part] = field(default_factory=list)
    defect: str = ""

    def raw(self, name: str) -> bytes:
        """The first header of that (lower-case) name, unfolded; b"" when there is none."""
        for key, value in self.headers:
            if key == name:
                return value
        return b""

    def all_raw(self, name: str) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    def text(self, name: str, limit: int = 20_000) -> str:
        """The first header of that name with its encoded words decoded."""
        value = self.raw(name)
        return decode_words(value[:limit]) if value else ""

    def disposition(self) -> tuple[str, dict[str, str]]:
        value = self.raw("content-disposition")
        return parse_parameters(value, "") if value else ("", {})

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in order, without recursion."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))

    def content(self) -> bytes:
        """The body with its transfer encoding undone; what can't be decoded comes back as it was."""
        encoding = self.raw("content-transfer-encoding")
        return (
            decode_transfer(self.body, encoding.split(b";", 1)[0].strip().lower()) if encoding else self.body
        )


def decode_transfer(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"base64":
        return _base64(body)
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(body)
    if encoding in (b"x-uuencode", b"uuencode", b"uue", b"x-uue"):
        return _uudecode(body)
    return body


def _base64(body: bytes) -> bytes:
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        clean = _NOT_BASE64.sub(b"", body)
        clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
        try:
            return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
        except binascii.Error:
            return body


def _uudecode(body: bytes) -> bytes:
    start = _UUENCODED.search(body)
    if start is None:
        return body
    out = bytearray()
    for line in body[start.end() :].split(b"\n"):
        line = line.rstrip(b"\r")
        if line in (b"end", b"`", b""):
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out += binascii.a2b_uu(line[:wanted])
            except binascii.Error:
                break
    return bytes(out)


def parse_parameters(value: bytes, default: str) -> tuple[str, dict[str, str]]:
    """`text/plain; charset="utf-8"` as ("text/plain", {"charset": "utf-8"}), RFC 2231 pieces joined."""
    text = decode_bytes(value[:MAX_PARAMETER_BYTES], "")
    head, semicolon, _ = text.partition(";")
    main = head.strip().lower() or default
    if not semicolon:
        return main, {}
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for found in _PARAMETER.finditer(text, len(head)):
        name = found[1].lower()
        quoted = found[2]
        given = found[3].strip() if quoted is None else quoted
        if quoted is not None and "\\" in given:
            given = re.sub(r"\\(.)", r"\1", given, flags=re.S)
        if "*" in name:
            base, _, rest = name.partition("*")
            number = rest.rstrip("*")
            index = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0
            pieces.setdefault(base, {}).setdefault(index, (name.endswith("*"), given))
        else:
            plain.setdefault(name, decode_words(given.encode("utf-8", "replace")) if "=?" in given else given)
    for base, found_pieces in pieces.items():
        plain[base] = _join_2231(found_pieces)
    return main, plain


def _join_2231(pieces: dict[int, tuple[bool, str]]) -> str:
    charset = ""
    out = bytearray()
    for position, index in enumerate(sorted(pieces)):
        encoded, value = pieces[index]
        if encoded:
            if position == 0 and value.count("'") >= 2:
                charset, _, value = value.split("'", 2)
            out += _percent(value)
        else:
            out += value.encode("utf-8", "replace")
    return decode_bytes(bytes(out), charset or "utf-8")


def _percent(value: str) -> bytes:
    first, *rest = value.encode("utf-8", "replace").split(b"%")
    out = bytearray(first)
    for piece in rest:
        try:
            out += bytes.fromhex(piece[:2].decode("ascii")) + piece[2:]
        except ValueError:
            out += b"%" + piece
    return bytes(out)


def split_headers(raw: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Header fields (name in lower case, value unfolded) and the body."""
    if raw.startswith((b"\n", b"\r\n")):
        return [], raw.split(b"\n", 1)[1]
    found = _END_OF_HEADERS.search(raw)
    if found is None:
        block, body = raw, b""
    else:
        block, body = raw[: found.start() + 1], raw[found.end() :]
    headers: list[tuple[str, bytes]] = []
    name = ""
    value: list[bytes] = []
    offset, blank = 0, False
    for line in block.split(b"\n"):
        start, offset = offset, offset + len(line) + 1
        line = line.rstrip(b"\r")
        if line[:1] in (b" ", b"\t"):
            blank = not line.strip()
            if name:
                value.append(line)
            continue
        colon = line.find(b":")
        known = _name(line[:colon]) if 0 < colon <= 200 else _long_name(line, colon)
        if not known:
            if not line or line.startswith((b"From ", b">From ")):
                continue
            # Text where a header should be: the body begins here, unless headers go on after a stray line. A line of
            # spaces before it was meant to be the empty one.
            if blank or (not headers and not name) or len(headers) < 3:
                return _closed(headers, name, value), raw[start:]
            continue
        blank = False
        if name:
            headers.append((name, b"".join(value).strip() if len(value) > 1 else value[0].strip()))
            if len(headers) >= MAX_HEADERS:
                name = ""
                break
        name = known
        value = [line[colon + 1 :]]
    return _closed(headers, name, value), body


@lru_cache(maxsize=2048)
def _name(before: bytes) -> str:
    """The name of a header field in lower case, from what stands before its colon; "" when that is none."""
    return before.rstrip().lower().decode("ascii") if _HEADER_NAME.match(before + b":") else ""


def _long_name(line: bytes, colon: int) -> str:
    if colon <= 0 or not _HEADER_NAME.match(line):
        return ""
    return line[:colon].rstrip().lower().decode("ascii", "replace")


def _closed(headers: list[tuple[str, bytes]], name: str, value: list[bytes]) -> list[tuple[str, bytes]]:
    if name:
        headers.append((name, b"".join(value).strip()))
    return headers


def parse_message(raw: bytes) -> Part:
    """The whole tree. Never raises; what is too deep or too much stays undivided in its part, with a defect named."""
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    budget = [MAX_PARTS]
    root = _make(raw, "text/plain")
    pending = [(root, 0)]
    while pending:
        part, depth = pending.pop()
        for child in _divide(part, depth, budget):
            part.children.append(child)
            if child.content_type.startswith("multipart/"):
                pending.append((child, depth + 1))
    return root


def _make(raw: bytes, default: str) -> Part:
    headers, body = split_headers(raw)
    part = Part(headers, body)
    declared = part.raw("content-type")
    part.content_type, part.parameters = parse_parameters(declared, default) if declared else (default, {})
    if "/" not in part.content_type:
        part.content_type = (
            "text/plain" if part.content_type in ("text", "plain", default) else "application/octet-stream"
        )
    return part


def _divide(part: Part, depth: int, budget: list[int]) -> list[Part]:
    if not part.content_type.startswith("multipart/"):
        return []
    boundary = part.parameters.get("boundary", "")
    if depth >= MAX_DEPTH:
        part.defect = "nested too deeply"
        return []
    delimiter = b"--" + boundary.rstrip().encode("utf-8", "replace")
    if not boundary.strip() or delimiter not in part.body:
        # Declared as multipart and it is not one: its text is all that there is.
        part.defect = "no boundary"
        part.content_type = "text/plain"
        return []
    default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    children: list[Part] = []
    for piece in _pieces(part.body, delimiter):
        if budget[0] <= 0:
            part.defect = "too many parts"
            break
        budget[0] -= 1
        children.append(_make(piece, default))
    if children:
        part.body = b""  # or every level of a deep message would hold a copy of all below it
    return children


def _pieces(body: bytes, delimiter: bytes) -> Iterator[bytes]:
    begun = -1
    position = 0
    length = len(delimiter)
    while True:
        found = body.find(delimiter, position)
        if found < 0:
            break
        position = found + length
        if found and body[found - 1] != 10:
            continue
        end = body.find(b"\n", position)
        rest = body[position : end if end >= 0 else None].strip()
        if rest not in (b"", b"--"):
            continue
        if begun >= 0:
            yield _without_newline(body[begun:found])
        begun = end + 1 if end >= 0 else len(body)
        if rest == b"--":
            return
        position = begun
    if begun >= 0:
        yield body[begun:]


def _without_newline(piece: bytes) -> bytes:
    if piece.endswith(b"\r\n"):
        return piece[:-2]
    return piece[:-1] if piece.endswith(b"\n") else piece
