"""What people may ask to hear about. The key never changes: touches and consents are kept under it."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.text import clean
from kith.core import audit
from kith.policy.types import KINDS
from kith.teams.models import Division
from kith.trust.gather import company_rules
from kith.trust.models import Topic
from kith.trust.services.suppressions import TrustError

# Words that mean something to the gate: consent to all, an objection, our own mails, and kinds of touches.
RESERVED = frozenset(
    {
        "all",
        "selling",
        "marketing",
        "direct_marketing",
        "service",
        "confirmation",
        "visit",
        "identity",
        *KINDS,
    }
)


def topic_key(name: str) -> str:
    """The key that a name makes; "" for one without letters and digits."""
    return slugify(clean(name))[:60]


@transaction.atomic
def topic_save(
    *, name: str, about: str = "", key: str = "", division: Division | None = None, topic: Topic | None = None
) -> Topic:
    """Make one, or change all but its key. Raises TrustError for no name, and for a key that is taken or means something."""
    name = " ".join(clean(name).split())[:120]
    if not name:
        raise TrustError(_("Give it a name."), field="name")
    row = topic
    if row is None:
        key = topic_key(key or name)
        if not key:
            raise TrustError(_("Choose another key: letters, digits and hyphens."), field="key")
        # What a person writes for a purpose of service is no offer: a topic of that name would escape the caps.
        if key in RESERVED or key in company_rules().service_purposes:
            raise TrustError(_("“%s” means something else here. Choose another word.") % key, field="key")
        if Topic.objects.filter(key=key).exists():
            raise TrustError(_("There is a topic with this key already."), field="key")
        last = Topic.objects.aggregate(last=Max("position"))["last"]
        row = Topic(key=key, position=0 if last is None else last + 1)
    row.name, row.about, row.division = name, " ".join(clean(about).split())[:300], division
    row.save()
    audit.record("topic_saved", "topic", row.pk, key=row.key)
    return row


@transaction.atomic
def topic_archive(*, topic_id: uuid.UUID, archived: bool = True) -> None:
    """Offer it to nobody any more, or again; what people said of it stays."""
    changed = Topic.objects.filter(pk=topic_id, archived_at__isnull=archived).update(
        archived_at=now() if archived else None
    )
    if changed and archived:
        audit.record("topic_archived", "topic", topic_id)
    elif changed:
        audit.record("topic_restored", "topic", topic_id)
