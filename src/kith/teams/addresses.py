"""Who asks, as an address: the peer's own, or what proxies of ours say of it (KITH_TRUSTED_PROXIES)."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The nearest address that is no proxy of ours; "127.0.0.1" where there is none (a local socket)."""
    peer = str(request.META.get("REMOTE_ADDR") or "")
    trusted = [ipaddress.ip_network(text) for text in settings.KITH.trusted_proxies]

    def ours(text: str) -> bool:
        try:
            return any(ipaddress.ip_address(text) in network for network in trusted)
        except ValueError:
            return False

    if not peer:
        return "127.0.0.1"
    if not ours(peer):
        return peer
    for text in reversed(str(request.headers.get("X-Forwarded-For", "")).split(",")):
        candidate = text.strip().removeprefix("[").partition("]")[0]
        try:
            found = str(ipaddress.ip_address(candidate))
        except ValueError:
            break
        if not ours(found):
            return found
    return peer
