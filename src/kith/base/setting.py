"""A setting from the environment: read, checked, refused in words."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

Kind = Literal["text", "int", "bool", "path", "url", "networks"]


class SettingError(ValueError):
    """A value that can't be used; the message is a sentence for the one who runs the server."""


@dataclass(frozen=True, slots=True)
class SettingSpec:
    name: str
    help: str
    kind: Kind = "text"
    default: Any = ""
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    secret: bool = False


def Setting(name: str, help: str, **rest: Any) -> Any:  # noqa: N802, A002  (reads as a declaration)
    """Declare a setting as the default of a dataclass field."""
    return SettingSpec(name, help, **rest)


def read(spec: SettingSpec, source: Mapping[str, str], *, fallback: Any = None) -> Any:
    """The value of one setting; raises SettingError."""
    text = source.get(spec.name, "").strip()
    if not text:
        return fallback if fallback is not None and spec.default in ("", None) else spec.default
    if spec.choices and text not in spec.choices:
        raise SettingError(f"{spec.name} is {text!r}; it must be one of {', '.join(spec.choices)}.")
    if spec.kind == "int":
        return _number(spec, text)
    if spec.kind == "bool":
        if text.lower() not in ("1", "0", "true", "false", "yes", "no"):
            raise SettingError(f"{spec.name} is {text!r}; it must be yes or no.")
        return text.lower() in ("1", "true", "yes")
    if spec.kind == "path":
        return Path(text).expanduser().absolute()
    if spec.kind == "url":
        _check_url(spec, text)
        return text.rstrip("/")
    if spec.kind == "networks":
        return _networks(spec, text)
    return text


def _number(spec: SettingSpec, text: str) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise SettingError(f"{spec.name} is {text!r}; it must be a whole number.") from error
    if (spec.least is not None and number < spec.least) or (spec.most is not None and number > spec.most):
        raise SettingError(f"{spec.name} is {number}; it must lie between {spec.least} and {spec.most}.")
    return number


def _check_url(spec: SettingSpec, text: str) -> None:
    shown = "the value" if spec.secret else repr(text)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise SettingError(f"{spec.name}: {shown} is not an address ({error}).") from error
    if parts.scheme not in spec.schemes:
        raise SettingError(
            f"{spec.name}: {shown} must begin with {' or '.join(s + '://' for s in spec.schemes)}."
        )


def _networks(spec: SettingSpec, text: str) -> tuple[str, ...]:
    found = []
    for part in text.split(","):
        try:
            found.append(str(ipaddress.ip_network(part.strip(), strict=False)))
        except ValueError as error:
            raise SettingError(
                f"{spec.name}: {part.strip()!r} is not an address or network ({error})."
            ) from error
    return tuple(found)
