"""Jobs: Procrastinate on Django's own connection."""

from __future__ import annotations

from typing import Any


def on_app_ready(app: Any) -> None:
    """Called by Procrastinate once Django is ready."""
