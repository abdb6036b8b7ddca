"""Posts and searches for tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from kith.conversations.services.posts import posts_record
from kith.conversations.types import PostSeen
from kith.core import events
from kith.listening.models import Monitor
from kith.listening.services.lookback import monitor_look_back
from kith.listening.services.monitors import monitor_make
from kith.teams.types import Viewer
from tests.support.cast import NOON

_numbers = iter(range(1, 1_000_000))


def post(text: str, *, at: datetime = NOON, network: str = "bluesky", **rest: Any) -> UUID:
    """A post that was found in public, and is matched."""
    [key] = posts_record([seen(text, at=at, network=network, **rest)])
    events.pump()
    return key


def seen(text: str, *, at: datetime = NOON, network: str = "bluesky", **rest: Any) -> PostSeen:
    values: dict[str, Any] = {
        "network": network,
        "external_id": f"post-{next(_numbers)}",
        "published_at": at,
        "text": text,
        "author_external_id": "did:plc:somebody",
        "author_handle": "@somebody.example",
        "author_name": "Some Body",
    }
    return PostSeen(**values | rest)


def monitor(viewer: Viewer, query: str, *, name: str = "", audience: str = "everyone") -> Monitor:
    made = monitor_make(viewer=viewer, name=name or query[:40], query=query, audience=audience)
    monitor_look_back(made.pk, made.version)
    return made
