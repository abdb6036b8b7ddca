"""Logs that tell no secrets: what looks like a credential is blanked before a line is written."""

from __future__ import annotations

import logging
import re

_SECRET = re.compile(
    r"(?i)\b(authorization|password|passwd|secret|token|api[-_]?key|cookie|set-cookie)\b(['\"]?\s*[:=]\s*)"
    r"(?:(?:bearer|basic)\s+)?[^\s,;'\"}]+"
)
_IN_URL = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")


def hide_secrets(text: str) -> str:
    return _IN_URL.sub("…:…", _SECRET.sub(r"\1\2…", text))


class HideSecrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = hide_secrets(record.getMessage()), ()
        return True
