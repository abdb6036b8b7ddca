"""Mails of networks that are not connected: which network, and where to answer. The rules lie in a file beside."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

_URL = re.compile(r"https://[^\s<>\"')\]]{4,2000}")


@dataclass(frozen=True, slots=True)
class Rule:
    network: str
    senders: tuple[str, ...]
    about: re.Pattern[str]
    links: tuple[str, ...]
    local: re.Pattern[str] | None
    path: re.Pattern[str] | None


@cache
def rules() -> dict[str, list[Rule]]:
    """The rules by sender domain."""
    data = tomllib.loads((Path(__file__).parent / "notifications.toml").read_text(encoding="utf-8"))
    found: dict[str, list[Rule]] = {}
    for item in data["rule"]:
        rule = Rule(
            network=item["network"],
            senders=tuple(item["senders"]),
            about=re.compile(item["about"]),
            links=tuple(item["links"]),
            local=re.compile(item["local"]) if "local" in item else None,
            path=re.compile(item["path"]) if "path" in item else None,
        )
        for domain in rule.senders:
            found.setdefault(domain, []).append(rule)
    return found


def mention(address: str, subject: str, links: Callable[[], list[str]]) -> tuple[str, str]:
    """(network, where to answer) for a mail from `address`; ("", "") when it tells of no mention.

    `links` gives the addresses in the mail, in order; it is called for mails of these networks only.
    """
    local, _, domain = address.rpartition("@")
    candidates = rules().get(domain)
    if not candidates:
        return "", ""
    for rule in candidates:
        if (rule.local is None or rule.local.search(local)) and rule.about.search(subject[:500]):
            return rule.network, _where(rule, links())
    return "", ""


def _where(rule: Rule, found: list[str]) -> str:
    for url in found:
        if not url.startswith("https://"):
            continue
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError:
            continue
        if not any(host == name or host.endswith("." + name) for name in rule.links):
            continue
        if rule.path is not None and not rule.path.search(parts.path):
            continue
        if re.search(
            r"(?i)unsubscri|/help|/settings|preferences|/legal|privacy|\.(?:png|gif|jpg|css)$|email_open|/o\.php",
            url,
        ):
            continue
        if parts.path in ("", "/") and not parts.query:
            continue
        return url
    return ""


def urls_in(text: str) -> list[str]:
    """The https addresses in plain text, in order, at most 200."""
    return [
        found[0].rstrip(".,;") for _, found in zip(range(200), _URL.finditer(text[:200_000]), strict=False)
    ]
