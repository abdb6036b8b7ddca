"""What this room keeps of people."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import F, TextField
from django.db.models.functions import Cast

from kith.channels.models import ChatVisitor, Delivery, RawItem, WebhookDelivery, WebhookSubscription
from kith.core.registry import is_certain, keeps, names_blobs, on_erased


def register() -> None:
    on_erased(_forget)
    names_blobs(
        RawItem, "digest", where="body IS NULL AND size > 0"
    )  # small ones stand in their row, erased ones are 0
    keeps(
        ChatVisitor,
        "identity__contact",
        erase="delete",
        export=("typed_name", "typed_email", "last_seen_at", "page_url"),
    )
    keeps(
        Delivery,
        "message__sender__contact",
        erase="blank",
        fields=("outgoing", "error"),
        why="How a message of ours went out; the message itself is exported.",
    )


def _forget(ids: Sequence[uuid.UUID], words: Sequence[str]) -> None:
    """Webhooks tell ids; but an address of theirs may stand in what a server answered."""
    told = WebhookDelivery.objects.annotate(whole=Cast(F("data"), TextField()))
    for word in filter(is_certain, words):
        told.filter(whole__icontains=word).delete()
        WebhookDelivery.objects.filter(error__icontains=word).update(error="")
        WebhookSubscription.objects.filter(last_error__icontains=word).update(last_error="")
