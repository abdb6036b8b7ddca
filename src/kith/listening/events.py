"""What this room does on news from below: what was said to us in public is a post, and each post is matched."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import Q

from kith.base.clock import now
from kith.conversations.services.posts import posts_gone, posts_of_messages
from kith.core import events
from kith.listening.models import Monitor
from kith.listening.services.mentions import posts_match, posts_unmention


def register() -> None:
    """Called when Django is ready."""
    events.subscribe(
        "listening.inbox", ["message_recorded", "message_edited", "message_deleted_upstream"], on_message
    )
    events.subscribe("listening.match", ["post_recorded", "post_deleted"], on_post)


def on_message(kind: str, ids: Sequence[uuid.UUID]) -> None:
    if kind == "message_deleted_upstream":
        posts_gone(Q(message__in=ids), at=now())
    elif Monitor.objects.exclude(state=Monitor.State.REMOVED).exists():
        posts_of_messages(ids)


def on_post(kind: str, ids: Sequence[uuid.UUID]) -> None:
    if kind == "post_deleted":
        posts_unmention(ids)
    else:
        posts_match(ids)
