"""Every route of the house, from the URL configuration."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

SAMPLES = {
    "uuidstr": str(uuid.UUID(int=7)),
    "uuid": str(uuid.UUID(int=7)),
    "int": "7",
    "slug": "x",
    "str": "x",
    "path": "x",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its pattern as text, its full name, its view, and the names and kinds of its arguments."""

    pattern: str
    name: str
    view: Callable[..., Any]
    arguments: tuple[tuple[str, str], ...]

    @property
    def permission(self) -> str | None:
        found: str | None = getattr(self.view, "permission", None)
        return found

    def address(self, **values: object) -> str:
        """A path that the pattern matches, with `values` or samples for its arguments."""
        text = self.pattern
        for name, kind in self.arguments:
            text = text.replace(f"<{kind}:{name}>", str(values.get(name, SAMPLES.get(kind, "x"))))
        return "/" + text


def _part(pattern: Any) -> tuple[str, list[tuple[str, str]]]:
    if isinstance(pattern, RoutePattern):
        kinds = [
            (name, type(converter).__name__.removesuffix("Converter").lower().replace("string", "str"))
            for name, converter in pattern.converters.items()
        ]
        text = str(pattern)
        for name, kind in kinds:
            if f"<{name}>" in text:
                text = text.replace(f"<{name}>", f"<{kind}:{name}>")
        return text, kinds
    if isinstance(pattern, RegexPattern) and str(pattern) in ("", "^"):
        return "", []
    if isinstance(pattern, RegexPattern) and "password/reset/key" in str(pattern):
        return "password/reset/key/<str:uidb36>-<str:key>/", [("uidb36", "str"), ("key", "str")]
    raise AssertionError(f"write routes with path(), not {pattern}")


def _walk(
    items: list[URLPattern | URLResolver], prefix: str, space: str, known: list[tuple[str, str]]
) -> Iterator[Route]:
    for item in items:
        text, arguments = _part(item.pattern)
        if isinstance(item, URLResolver):
            inner = f"{space}{item.namespace}:" if item.namespace else space
            yield from _walk(item.url_patterns, prefix + text, inner, known + arguments)
        else:
            yield Route(prefix + text, f"{space}{item.name or ''}", item.callback, tuple(known + arguments))


def all_routes() -> list[Route]:
    return list(_walk(get_resolver().url_patterns, "", "", []))
