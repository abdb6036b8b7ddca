"""Logs that tell no secrets: what looks like a credential is blanked before a line is written."""

from __future__ import annotations

import logging
import re

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


class HideSecrets(logging.Filter):
    """For handlers of others; our own formatter hides what stands in tracebacks, too."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = hide_secrets(record.getMessage()), ()
        return True


class Line(logging.Formatter):
    """A line, with its traceback if it has one, as a whole without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return hide_secrets(super().format(record))
