"""Who somebody is and which post is meant, in ids that last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kith.connectors.answers import clean
from kith.connectors.contract import BadPayload, OwnIdentity, Party, Role
from kith.connectors.words import say

# snac2 puts the time of the last change before the hash of a post's address, and looks only at the hash
_TIME_AND_HASH = re.compile(r"[0-9]{10}[0-9a-f]{32}")


def stable(status_id: str) -> str:
    """The id of a post as it stays when the post is edited; servers know the post by it."""
    return "0" * 10 + status_id[10:] if _TIME_AND_HASH.fullmatch(status_id) else status_id


def order(raw_id: str) -> tuple[int, str]:
    """Ids compare like this on every server known: by length, then as text."""
    return len(raw_id), raw_id


def id_of(entity: Mapping[str, Any], what: str = "id") -> str:
    """An id as text; raises BadPayload."""
    found = entity.get("id")
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not found or len(found) > 500:
        raise BadPayload(say("{what} has no id", what=what))
    return clean(found)


def actor(account: Mapping[str, Any], uris: Mapping[str, Any], domain: str) -> str:
    """The actor's address, which is unique everywhere and never changes.

    An account gives it as `uri`; older servers, and mentions, only give `url`. A mention's account may have been looked
    up (`uris`, by the mention's id). Without any address: `acct:user@server`.
    """
    said = account.get("uri") or uris.get(str(account.get("id", ""))) or account.get("url")
    text = clean(said, 500).strip()
    if text.startswith(("https://", "http://")):
        return text
    handle = full_acct(account, domain)
    if not handle:
        raise BadPayload(say("an account has neither address nor name"))
    return f"acct:{handle.lower()}"


def full_acct(account: Mapping[str, Any], domain: str) -> str:
    """`user@server`, also for those on our own server, whose names come without it."""
    acct = clean(account.get("acct") or account.get("username"), 300).strip().lstrip("@")
    if not acct or "@" in acct:
        return acct
    return f"{acct}@{domain}" if domain else acct


def party(
    account: object,
    *,
    role: Role,
    domain: str,
    own: OwnIdentity | None,
    uris: Mapping[str, Any] | None = None,
) -> Party:
    """An account as a party; raises BadPayload. The server vouches for who wrote (verified: network)."""
    if not isinstance(account, dict):
        raise BadPayload(say("an account is missing"))
    external_id, handle = actor(account, uris or {}, domain), "@" + full_acct(account, domain)
    is_us = own is not None and (external_id == own.external_id or handle.lower() == own.handle.lower())
    flags = []
    if account.get("noindex") is True or account.get("indexable") is False:
        flags.append("noindex")
    if account.get("locked") is True:
        flags.append("protected")
    return Party(
        external_id=own.external_id if is_us and own else external_id,
        handle=handle,
        display_name=clean(account.get("display_name"), 300).strip(),
        role=role,
        verified="network",
        is_us=is_us,
        automated=account.get("bot") is True,
        profile_url=_web(account.get("url")) or _web(external_id),
        avatar_url=_web(account.get("avatar_static") or account.get("avatar")),
        flags=tuple(flags),
    )


def _web(said: object) -> str:
    text = clean(said, 2000).strip()
    return text if text.startswith(("https://", "http://")) else ""


def host_of(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""
