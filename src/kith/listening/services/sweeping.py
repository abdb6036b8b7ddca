"""What goes by itself: posts that nobody looks for, what a network lets nobody keep longer, what removed monitors found."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db.models import Q

from kith.base.clock import now
from kith.base.ids import id_for_time
from kith.conversations.models import Post
from kith.conversations.services.posts import posts_link
from kith.listening.models import Mention, Monitor
from kith.listening.services.mentions import counts_rebuild, mentions_remove
from kith.networks.selectors import limited_networks

UNWANTED_DAYS = 90  # as far as a new monitor looks back
CHUNK = 1000


def sweep() -> int:
    """Returns how many posts went. Those of a message go with the message."""
    posts_link(id_for_time(now() - timedelta(days=2)))
    gone = _forget(Q(mentions=None, published_at__lt=now() - timedelta(days=UNWANTED_DAYS)))
    for network, _title, days, _reason in limited_networks():
        gone += _forget(Q(network=network, created_at__lt=now() - timedelta(days=days)))
    for monitor in Monitor.objects.exclude(state=Monitor.State.REMOVED):
        counts_rebuild(monitor)
    return gone


def _forget(which: Q) -> int:
    gone = 0
    rows = Post.objects.filter(which, message=None, deleted_at=None)
    while ids := list(rows.values_list("pk", flat=True)[:CHUNK]):
        Post.objects.filter(pk__in=ids).delete()
        gone += len(ids)
    return gone


def monitors_sweep() -> None:
    """The row stays, without its words: versions must not be given out again."""
    for monitor in Monitor.objects.filter(state=Monitor.State.REMOVED).exclude(name=""):
        _empty(monitor.pk)
        Monitor.objects.filter(pk=monitor.pk).update(name="", query="")


def _empty(monitor_id: uuid.UUID) -> None:
    while ids := list(Mention.objects.filter(monitor=monitor_id).values_list("pk", flat=True)[:CHUNK]):
        mentions_remove(ids)
