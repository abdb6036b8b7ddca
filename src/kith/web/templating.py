"""The Jinja2 environment of our screens."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined


def environment(**options: Any) -> Environment:
    return Environment(**{**options, "undefined": StrictUndefined, "autoescape": True})
