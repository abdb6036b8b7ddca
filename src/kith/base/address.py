"""Network addresses of who asks, for limits: what one machine has, however it is written."""

from __future__ import annotations

import ipaddress

SITE = 64  # bits of an IPv6 address that are given out; whoever has them has 2^64 addresses


def plain(address: str) -> str:
    """An IPv4 address that is written as IPv6 (::ffff:192.0.2.1) as IPv4, no zone (%eth0); other text as it is."""
    try:
        found = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return address
    return str(getattr(found, "ipv4_mapped", None) or found)


def counted(address: str) -> str:
    """What is counted as one: an IPv4 address, or the /64 of an IPv6 address; text that is no address as it is."""
    text = plain(address)
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text
    return text if found.version == 4 else str(ipaddress.IPv6Network((int(found), SITE), strict=False))
