"""Lines of JSON in and out of commands that are filters."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

CHUNK = 1 << 18


def chunks() -> Iterator[bytes]:
    """Standard input as it comes: no waiting for more."""
    while chunk := os.read(sys.stdin.fileno(), CHUNK):
        yield chunk


def as_line(answer: dict[str, object]) -> bytes:
    try:
        return json.dumps(answer, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a character, which UTF-8 can't hold and JSON can
        return json.dumps(answer).encode() + b"\n"
