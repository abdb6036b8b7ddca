"""Every address of the house with something in its place-holders: ids of things that are there where we have them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

NOWHERE = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def patterns(found: Any = None, prefix: str = "") -> Iterator[tuple[str, str, URLPattern]]:
    """(route with place-holders, full name, pattern) of each."""
    for entry in found if found is not None else get_resolver().url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns, route)
        else:
            yield route, str(entry.name or ""), entry


def address(route: str, pattern: URLPattern, known: dict[str, Any]) -> str:
    """The route with `known` values (by "route name.argument", or by argument) or ones that lead nowhere."""
    if isinstance(pattern.pattern, RegexPattern):
        return "/" + {
            "account_reset_password_from_key": "accounts/password/reset/key/1-abc/",
            "api-nothing": "api/v1/nothing",
        }.get(str(pattern.name), route.lstrip("^").rstrip("$"))
    assert isinstance(pattern.pattern, RoutePattern)

    def value(found: re.Match[str]) -> str:
        name = found[1]
        kind = type(converters[name]).__name__
        fallback: Any = {"UUIDConverter": NOWHERE, "IntConverter": 1, "SlugConverter": "email"}.get(
            kind, "mine"
        )
        return str(known.get(f"{pattern.name}.{name}", known.get(name, fallback)))

    converters = pattern.pattern.converters
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, route)
