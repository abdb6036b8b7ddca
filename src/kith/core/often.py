"""How often one address or one browser may ask; counted in the database's cache, so that all web processes count together."""

from __future__ import annotations

import hashlib
import time

from django.core.cache import cache


def too_often(what: str, who: str, *, most: int, seconds: int) -> bool:
    """Count one more; True when `who` did `what` more than `most` times in the running window of `seconds`."""
    window = int(time.time()) // seconds
    key = f"often:{what}:{hashlib.sha256(who.encode('utf-8', 'replace')).hexdigest()[:32]}:{window}"
    if cache.add(key, 1, seconds):
        return False
    try:
        return cache.incr(key) > most
    except ValueError:  # it ran out between the two
        return False
