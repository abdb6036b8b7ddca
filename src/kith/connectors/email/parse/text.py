"""Bytes to clean text: charsets as mailers name them, encoded words, and nothing that a database can't hold."""

from __future__ import annotations

import binascii
import codecs
import re
from functools import lru_cache

MAX_WORDS = 60_000

# Names that mailers use and Python does not know, or knows as something narrower than what is really sent.
_ALIASES = {
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "euc-cn": "gb18030",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "euc-kr": "cp949", "ksc5601": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932", "sjis": "cp932", "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext", "iso-8859-8-i": "iso8859-8", "iso-8859-8-e": "iso8859-8", "big5": "big5hkscs",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso8859-1": "cp1252", "us-ascii": "utf-8",
    "ascii": "utf-8", "unicode-1-1-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8", "utf8": "utf-8", "utf-8": "utf-8",
    "x-unknown": "utf-8", "unknown": "utf-8", "unknown-8bit": "utf-8", "8bit": "utf-8", "default": "utf-8",
    "default_charset": "utf-8", "x-user-defined": "utf-8", "iso-10646": "utf-8", "ansi_x3.4-1968": "utf-8",
    "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "windows-874": "cp874", "x-windows-949": "cp949",
    "tis-620": "cp874", "cp-850": "cp850", "x-cp1252": "cp1252", "win-1251": "cp1251", "windows1251": "cp1251",
}  # fmt: skip
# Slow on long input, or not charsets of mail at all.
_NEVER = frozenset(
    ("idna", "punycode", "unicode_escape", "unicode-escape", "raw_unicode_escape", "raw-unicode-escape",
     "undefined", "mbcs", "oem", "charmap")
)  # fmt: skip
_WORD = re.compile(rb"=\?([!-<>-~]{1,60}?)\?([bBqQ])\?([^?\r\n]{0,20000})\?=")
_ASCII = bytes(range(128))
_NOISE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_ASCII_NOISE = bytes(n for n in range(128) if _NOISE.match(chr(n)))


@lru_cache(maxsize=512)
def codec_for(charset: str) -> str:
    """Python's codec for a declared charset; "" when it names none that we use."""
    name = charset.strip("\"' \t").lower().split("*", 1)[0][:60]
    name = _ALIASES.get(name, name)
    if not name or name in _NEVER:
        return ""
    try:
        info = codecs.lookup(name)
        b"a".decode(name)
    except (LookupError, ValueError, UnicodeError):
        return ""
    return "" if info.name in _NEVER else info.name


def decode_bytes(data: bytes, charset: str) -> str:
    """Text of `data`; a wrong or missing charset costs single characters, never the text."""
    if data.isascii() and charset.lower() in ("", "us-ascii", "utf-8", "iso-8859-1"):
        return data.translate(None, _ASCII_NOISE).decode("ascii")
    codec = codec_for(charset) if charset else "utf-8"
    codec = codec or "utf-8"
    try:
        return clean(data.decode(codec))
    except (UnicodeError, ValueError):
        pass
    if codec == "utf-8":
        text = data.decode("utf-8", "replace")
        # Most of what lies above ASCII is broken: it never was UTF-8.
        if text.count("\ufffd") * 2 > len(data.translate(None, _ASCII)):
            text = data.decode("cp1252", "replace")
        return clean(text)
    if codec == "cp1252":
        return clean(data.decode("latin-1"))
    try:
        return clean(data.decode(codec, "replace"))
    except (UnicodeError, ValueError):
        return clean(data.decode("utf-8", "replace"))


def clean(text: str) -> str:
    """Without NULs, other control characters and lone surrogates."""
    if text.isprintable():
        return text
    return _NOISE.sub("", text) if _NOISE.search(text) else text


def decode_words(value: bytes) -> str:
    """A header's text with RFC 2047 words decoded, also words that break a character in two; one line."""
    if b"=?" not in value:
        return one_line(decode_bytes(value, ""))
    out: list[str] = []
    pending = bytearray()
    charset = ""
    position = 0
    for count, found in enumerate(_WORD.finditer(value)):
        if count >= MAX_WORDS:
            break
        between = value[position : found.start()]
        blank = not between.strip() and position > 0
        name = found[1].decode("ascii", "replace").lower()
        if pending and (not blank or name != charset):
            out.append(decode_bytes(bytes(pending), charset))
            pending.clear()
        if not blank and between:
            out.append(decode_bytes(between, ""))
        charset = name
        pending += _word_bytes(found[2], found[3])
        position = found.end()
    if pending:
        out.append(decode_bytes(bytes(pending), charset))
    if position < len(value):
        out.append(decode_bytes(value[position:], ""))
    return one_line("".join(out))


def _word_bytes(encoding: bytes, data: bytes) -> bytes:
    if encoding in b"qQ":
        return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)
    data = data.strip().rstrip(b"=")
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return data


def one_line(text: str) -> str:
    """On one line, so that nothing can smuggle a second header into what is made of it."""
    if text.isprintable():
        return text.strip()
    return " ".join(text.split())
