"""What was typed into the form for topics and never confirmed goes after a week, with the address if nothing else knows it."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import transaction

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.trust.models import Consent, Touch
from kith.trust.services.subscriptions import ASKED_LASTS, CONFIRMATION
from kith.workspace.retention.holds import identities_held

BATCH = 500
_OURS = ("consents", "touches")  # looked at by themselves


@transaction.atomic
def unconfirmed_sweep() -> tuple[int, int]:
    """Returns how many askings went, and how many addresses. What was confirmed keeps what was asked in its own proof."""
    rows = list(
        Consent.objects.select_for_update()
        .filter(status=Consent.Status.ASKED, created_at__lte=now() - ASKED_LASTS)
        .exclude(identity_id__in=identities_held())
        .order_by("created_at")
        .values_list("pk", "identity_id")[:BATCH]
    )
    Consent.objects.filter(pk__in=[pk for pk, _ in rows]).delete()
    return len(rows), _forget({identity_id for _, identity_id in rows})


def _forget(ids: Collection[uuid.UUID]) -> int:
    """Those addresses that nothing refers to but the mail which asked them to confirm."""
    found = list(Identity.objects.select_for_update().filter(pk__in=ids, contact=None, kind="person"))
    alone = [one.pk for one in found if not _known_otherwise(one)]
    Identity.objects.filter(pk__in=alone).delete()
    return len(alone)


def _known_otherwise(identity: Identity) -> bool:
    if Consent.objects.filter(identity=identity).exists():
        return True
    if Touch.objects.filter(identity=identity).exclude(purpose=CONFIRMATION).exists():
        return True
    return any(
        relation.related_model._default_manager.filter(**{relation.field.name: identity.pk}).exists()
        for relation in Identity._meta.related_objects
        if relation.get_accessor_name() not in _OURS
    )
