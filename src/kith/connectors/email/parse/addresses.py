"""Address lists as mailers write them: tolerant, linear, and never two answers for one header."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import idna

from kith.connectors.email.parse.text import decode_words

MAX_LOCAL = 128
MAX_DOMAIN = 253

_TOKEN = re.compile(rb'[^"()<>,;:\\]+|\\.|.', re.S)
_SIMPLE = re.compile(rb'\s*("?)([^"<>(),;:@\\]*)\1\s*<([^\s"<>(),;:\\@]+@[^\s"<>(),;:\\@]+)>\s*\Z')
_LOCAL = re.compile(r"[^\s\"(),:;<>@\[\]\\\x00-\x1f\x7f]+\Z")
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\\r\n\x00]|\\[^\r\n\x00])+"\Z')
_DOMAIN = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\Z")
_LITERAL = re.compile(r"\[(?:IPv6:[0-9a-fA-F:.]{2,45}|\d{1,3}(?:\.\d{1,3}){3})\]\Z", re.I)


@dataclass(frozen=True, slots=True)
class Address:
    """`address` is lower-cased with its domain in ASCII.

    `valid` is False when it is no address and kept as it came; `exact` is False when it had to be guessed from a
    header that follows no grammar (and then proves nothing).
    """

    address: str
    name: str = ""
    written: str = ""
    valid: bool = True
    exact: bool = True

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2] if self.valid else ""


@lru_cache(maxsize=8192)
def normalise(address: str) -> str:
    """The address as an id: lower case, domain by IDNA; "" when it is not a mail address."""
    address = address.strip()
    if len(address) > MAX_LOCAL + MAX_DOMAIN + 1:
        return ""
    local, at, domain = address.rpartition("@")
    if not at or not local or len(local) > MAX_LOCAL:
        return ""
    if local[0] == '"':
        if not _QUOTED_LOCAL.match(local):
            return ""
        inner = re.sub(r"\\(.)", r"\1", local[1:-1])
        if _LOCAL.match(inner) and _dots(inner):
            local = inner  # quotes that were not needed name the same mailbox
    elif not _LOCAL.match(local) or not _dots(local):
        return ""
    host = normalise_domain(domain)
    return f"{local.lower()}@{host}" if host else ""


def _dots(local: str) -> bool:
    return local[0] != "." and local[-1] != "." and ".." not in local


@lru_cache(maxsize=8192)
def normalise_domain(domain: str) -> str:
    domain = domain.strip()
    if domain.startswith("["):
        return domain.lower() if _LITERAL.match(domain) else ""
    domain = domain.lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain[:MAX_DOMAIN], uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError, ValueError, IndexError):
            return ""
    return domain if len(domain) <= MAX_DOMAIN and _DOMAIN.match(domain) else ""


def parse_addresses(value: bytes, limit: int) -> tuple[list[Address], int]:
    """The first `limit` addresses of a list, and how many there are in all."""
    if len(value) < 300 and limit == 500:
        return _parse_short(value)
    return _parse(value, limit)


@lru_cache(maxsize=4096)
def _parse_short(value: bytes) -> tuple[list[Address], int]:
    if simple := _SIMPLE.match(value):
        return [_address(simple[2] or b"", simple[3], b"", has_angle=True)], 1
    return _parse(value, 500)


def _parse(value: bytes, limit: int) -> tuple[list[Address], int]:
    found: list[Address] = []
    total = 0
    for name, angle, comment, pairs in _mailboxes(value):
        if not pairs and not name.strip():
            continue
        total += 1
        if len(found) < limit:
            address = _address(name, angle, comment, has_angle=pairs > 0)
            found.append(address if pairs < 2 else replace(address, exact=False))
    return found, total


def _mailboxes(value: bytes) -> list[tuple[bytes, bytes, bytes, int]]:
    """(text before, text in angle brackets, comment, pairs of brackets) of each mailbox of a list."""
    out: list[tuple[bytes, bytes, bytes, int]] = []
    name = bytearray()
    angle = bytearray()
    comment = bytearray()
    in_angle = in_quotes = False
    depth = pairs = 0
    # A mark that is never closed is an ordinary character.
    quotes_left = value.count(b'"') - value.count(b'\\"')
    closing = value.rfind(b")")
    last_angle = value.rfind(b">")
    position = 0
    for token in _TOKEN.findall(value):
        start, position = position, position + len(token)
        if in_quotes:
            (angle if in_angle else name).extend(token)
            if token == b'"':
                in_quotes = False
                quotes_left -= 1
        elif depth:
            if token == b"(":
                depth += 1
            elif token == b")":
                depth -= 1
            else:
                comment.extend(token)
        elif token == b'"':
            quotes_left -= 1
            (angle if in_angle else name).extend(token)
            in_quotes = quotes_left > 0
        elif token == b"(" and closing > start:
            depth = 1
        elif in_angle:
            if token == b">":
                in_angle = False
            else:
                angle.extend(token)
        elif token == b"<" and last_angle > start:
            in_angle = True
            pairs += 1
            angle.clear()
        elif token in (b",", b";"):
            out.append((bytes(name), bytes(angle), bytes(comment), pairs))
            name.clear()
            angle.clear()
            comment.clear()
            pairs = 0
        elif token == b":":
            name.clear()  # the name of a group
        else:
            name.extend(token)
    out.append((bytes(name), bytes(angle), bytes(comment), pairs))
    return out


def _address(name: bytes, angle: bytes, comment: bytes, has_angle: bool) -> Address:
    if has_angle:
        spec, shown = angle, name
        if spec.startswith(b"@") and b":" in spec:
            spec = spec.rpartition(b":")[2]
    else:
        spec, shown = name, comment
    written = decode_words(spec.strip())[:400]
    if written.lower().startswith("mailto:"):
        written = written[7:]
    address = normalise(written)
    display = _display(shown)
    if not address and not has_angle and " " in written.strip():
        # A name and an address without brackets: the last word that is an address.
        words = written.split()
        for index in (-1, 0):
            if candidate := normalise(words[index].strip("'<>[]()")):
                rest = words[:-1] if index else words[1:]
                return Address(candidate, display or " ".join(rest).strip("\"' "), words[index], exact=False)
    if not address:
        return Address(written.lower()[:320], display, written, valid=False, exact=False)
    return Address(address, "" if display.lower() == address else display, written)


def _display(shown: bytes) -> str:
    shown = shown.strip()
    if not shown:
        return ""
    text = decode_words(shown[:4000])
    if len(text) > 1 and text[0] == '"' and text[-1] == '"':
        text = text[1:-1]
    if "\\" in text:
        text = re.sub(r"\\(.)", r"\1", text)
    if len(text) > 2 and text[0] == text[-1] == "'":
        text = text[1:-1]
    return text.replace('"', "").strip()[:300]
