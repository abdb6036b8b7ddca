"""`winmail.dat`: the envelope (TNEF) into which Outlook packs files for readers that it takes for Outlook.

Read as [MS-OXTNEF] describes it: a list of attributes, among them for each file its short name, its content, and a list of
properties with the long name and the type. Formatted text in it is left where it is: the mail says the same in plain text.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = 0x223E9F78
MOST_FILES = 200
_RENDERING, _TITLE, _DATA, _PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_LONG_NAME, _TYPE, _CONTENT, _CONTENT_ID = 0x3707, 0x370E, 0x3701, 0x3712
_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE = (0x0D, 0x1E, 0x1F, 0x0102)


@dataclass(slots=True)
class Packed:
    """One file of the envelope."""

    name: str = ""
    content: bytes = b""
    content_type: str = ""
    content_id: str = ""


def unpack(data: bytes) -> list[Packed]:
    """The files of an envelope, as far as it can be read; [] for what is none. Never raises."""
    found: list[Packed] = []
    try:
        if len(data) < 6 or struct.unpack_from("<I", data)[0] != SIGNATURE:
            return []
        for attribute, value in _attributes(data):
            if attribute == _RENDERING:
                if len(found) == MOST_FILES:
                    break
                found.append(Packed())
            elif found and attribute == _TITLE:
                found[-1].name = found[-1].name or _text(value)
            elif found and attribute == _DATA:
                found[-1].content = value
            elif found and attribute == _PROPERTIES:
                _describe(found[-1], value)
    except (struct.error, ValueError, IndexError):
        pass  # what was whole before it counts
    return [one for one in found if one.content]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 6
    while place + 9 <= len(data):
        _level, attribute, length = struct.unpack_from("<BII", data, place)
        place += 9
        if place + length > len(data):
            return
        yield attribute, data[place : place + length]
        place += length + 2  # and a checksum


def _describe(one: Packed, value: bytes) -> None:
    for name, content in _properties(value):
        if name == _LONG_NAME:
            one.name = content
        elif name == _TYPE:
            one.content_type = content.lower()
        elif name == _CONTENT_ID:
            one.content_id = content.strip("<>")


def _properties(value: bytes) -> Iterator[tuple[int, str]]:
    """(id, text) of the properties that are texts."""
    (count,) = struct.unpack_from("<I", value)
    place = 4
    for _ in range(min(count, 1000)):
        kind, name = struct.unpack_from("<HH", value, place)
        place += 4
        if name >= 0x8000:
            place = _past_name(value, place)
        many, kind = bool(kind & 0x1000), kind & 0xEFFF
        if kind in _FIXED:
            number = 1
            if many:
                (number,) = struct.unpack_from("<I", value, place)
                place += 4
            place += _FIXED[kind] * number
            continue
        if kind not in _VARIABLE:
            raise ValueError("a property of an unknown type")
        (number,) = struct.unpack_from("<I", value, place)
        place += 4
        for _ in range(min(number, 1000)):
            (length,) = struct.unpack_from("<I", value, place)
            content = value[place + 4 : place + 4 + length]
            place += 4 + length + -length % 4
            if kind == 0x1F:
                yield name, content.decode("utf-16-le", "replace").rstrip("\0")
            elif kind == 0x1E:
                yield name, _text(content)


def _past_name(value: bytes, place: int) -> int:
    (by_text,) = struct.unpack_from("<I", value, place + 16)
    place += 20
    (number,) = struct.unpack_from("<I", value, place)
    return place + 4 + (number + -number % 4 if by_text else 0)


def _text(content: bytes) -> str:
    content = content.rstrip(b"\0")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
