"""Logs that tell no secrets: what looks like a credential is blanked before a line is written."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

# A name that ends in one of the words (access_token, smtp_password), a sign, then the value, quoted or bare.
_SECRET = re.compile(
    r"(?i)(?<![a-z0-9])([a-z0-9_-]{0,40}(?:authorization|password|passwd|passphrase|secret|token|api[-_]?key|cookie"
    r"|sessionid))(['\"]?\s{0,3}(?:=>|[:=])\s{0,3})"
    r"(?:(?:bearer|basic|dpop)\s+)?(?:b?'[^']*'|b?\"[^\"]*\"|[^\s,;'\"}&]+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|dpop)\s+[a-z0-9._~+/=-]{8,}")
_OURS = re.compile(r"\bkith_[A-Za-z0-9_-]{16,}")
_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")
_LINK = re.compile(r"(/(?:invitation|password/reset/key)/)[^/\s'\"]+")


def hide_secrets(text: str) -> str:
    text = _IN_URL.sub("…:…", text)
    text = _SECRET.sub(r"\1\2…", text)
    return _LINK.sub(r"\1…", _OURS.sub("kith_…", _BEARER.sub(r"\1 …", text)))


SHORTEST_SECRET = 6


def hide(text: str, secrets: Iterable[str]) -> str:
    """`hide_secrets`, and these secrets wherever they stand: as they are, in an address, in base64."""
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            continue
        for form in {
            secret,
            quote(secret),
            quote(secret, safe=""),
            quote_plus(secret),
            *_in_base64(secret.encode()),
        }:
            text = text.replace(form, "\u2022\u2022\u2022")
    return hide_secrets(text)


def _in_base64(secret: bytes) -> Iterator[str]:
    """What base64 makes of a secret wherever it begins in a longer text (a user's name before it, say)."""
    for shift in range(3):
        letters = base64.b64encode(b"\0" * shift + secret).decode().rstrip("=")
        core = letters[(0, 2, 3)[shift] : len(letters) - bool((shift + len(secret)) % 3)]
        if len(core) >= SHORTEST_SECRET:
            yield core
            yield core.replace("+", "-").replace("/", "_")


class HideSecrets(logging.Filter):
    """For handlers of others; our own formatter hides what stands in tracebacks, too."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = hide_secrets(record.getMessage()), ()
        return True


# What PostgreSQL says of a row that it refused: whose address it was, what they wrote.
_ROW = re.compile(
    r"DETAIL: .*?(?=\n(?:CONTEXT:|HINT:|QUERY:|LINE \d|Traceback|\s*File \"|The above|During handling)|\Z)",
    re.DOTALL,
)


class Line(logging.Formatter):
    """A line, with its traceback if it has one, as a whole without secrets and without the rows of an error."""

    def format(self, record: logging.LogRecord) -> str:
        return hide_secrets(_ROW.sub("DETAIL: …", super().format(record)))
