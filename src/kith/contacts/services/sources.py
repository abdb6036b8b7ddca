"""What was drawn from a message goes when the message does (law 8)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction

from kith.contacts.models import Fact
from kith.contacts.services.facts import contact_project


@transaction.atomic
def facts_without_source(message_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Delete the facts whose source were these messages, with their quotes; returns their ids.

    What a colleague wrote down has its source in the colleague, and stays without the quote and the way to the message.
    """
    drawn = Fact.objects.filter(message_id__in=message_ids)
    if not drawn.exists():
        return []
    contacts = set(drawn.values_list("contact__canonical_id", flat=True))
    drawn.filter(source=Fact.Source.COLLEAGUE).update(quote="", message_id=None)
    gone = list(drawn.values_list("pk", flat=True))
    drawn.delete()
    contact_project(sorted(contacts))
    return gone
