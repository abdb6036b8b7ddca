"""Merges and their undo: an alias with a date, and no foreign key rewritten.

What a merge adds while it lasts is written on the survivor, and stays with it. What it takes away (a tag, a link, a fact
that was called wrong) may belong to the loser, who was never asked: such a row remembers whom its contact was read as, and
is given back as soon as the two are no longer one. Undone is the same history without the merge.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import connection, transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Contact, Merge
from kith.contacts.services.contacts import ContactError
from kith.contacts.services.facts import contact_project
from kith.core import audit, events
from kith.teams.models import User

_REALIAS = """
WITH RECURSIVE up AS (
    SELECT loser_id AS id, survivor_id AS root, 1 AS depth FROM contacts_merge WHERE undone_at IS NULL
    UNION ALL
    SELECT up.id, m.survivor_id, up.depth + 1 FROM up
    JOIN contacts_merge m ON m.loser_id = up.root AND m.undone_at IS NULL
),
top AS (SELECT DISTINCT ON (id) id, root FROM up ORDER BY id, depth DESC),
wanted AS (
    SELECT m.loser_id AS id, coalesce(t.root, m.loser_id) AS root
    FROM (SELECT DISTINCT loser_id FROM contacts_merge) m LEFT JOIN top t ON t.id = m.loser_id
)
UPDATE contacts_contact c SET canonical_id = w.root FROM wanted w WHERE c.id = w.id AND c.canonical_id <> w.root
"""
_APART = "c.canonical_id = ANY (%(ids)s) AND r.canonical_id <> c.canonical_id"
_FACTS_BACK = f"""
UPDATE contacts_fact f SET retracted_at = NULL, retracted_by_id = NULL, retracted_as = NULL
FROM contacts_contact c, contacts_contact r WHERE f.contact_id = c.id AND r.id = f.retracted_as AND {_APART}
"""  # noqa: S608
_TAGS_BACK = f"""
WITH back AS (
    DELETE FROM contacts_tagsetaside t USING contacts_contact c, contacts_contact r
    WHERE t.contact_id = c.id AND r.id = t.removed_as AND {_APART} RETURNING t.id, t.contact_id, t.tag_id, t.created_at
)
INSERT INTO contacts_contacttag (id, contact_id, tag_id, created_at)
SELECT id, contact_id, tag_id, created_at FROM back ON CONFLICT DO NOTHING
"""  # noqa: S608
# An identity that was linked again since belongs where it was linked to.
_LINKS_BACK = f"""
WITH back AS (
    UPDATE contacts_identitylink l SET unlinked_at = NULL, unlinked_by_id = NULL, unlinked_as = NULL
    FROM contacts_contact c, contacts_contact r
    WHERE l.contact_id = c.id AND r.id = l.unlinked_as AND {_APART}
      AND NOT EXISTS (SELECT 1 FROM contacts_identitylink n WHERE n.identity_id = l.identity_id AND n.id <> l.id
                      AND (n.unlinked_at IS NULL OR n.linked_at >= l.unlinked_at))
    RETURNING l.identity_id, l.contact_id
)
UPDATE contacts_identity i SET contact_id = back.contact_id FROM back WHERE i.id = back.identity_id
"""  # noqa: S608


def contact_merge(*, survivor: Contact, loser: Contact, user: User | None = None, reason: str = "") -> Merge:
    """Read `loser` as `survivor` from now on. `contact_merge_undo` takes it back. Raises ContactError."""
    with transaction.atomic():
        _lock_all()
        canonical = dict(
            Contact.objects.filter(pk__in=[survivor.pk, loser.pk]).values_list("pk", "canonical_id")
        )
        if len(canonical) < len({survivor.pk, loser.pk}):
            raise ContactError(_("There is no such person."))
        keep, lose = canonical[survivor.pk], canonical[loser.pk]
        if keep == lose:
            raise ContactError(_("These two are the same person already."))
        merge = Merge.objects.create(survivor_id=keep, loser_id=lose, decided_by=user, reason=reason)
        _realias()
        contact_project([keep, lose])
        audit.record("contact_merged", "contact", keep, loser=str(lose))
        events.record("contact_merged", [keep, lose])
    return merge


def contact_merge_undo(*, merge: Merge, user: User | None = None) -> None:
    """As if the merge had not been: what belonged to the loser is its own again, later edits stay with the survivor."""
    with transaction.atomic():
        _lock_all()
        merge.refresh_from_db()
        if merge.undone_at is not None:
            raise ContactError(_("This merge was undone already."))
        merge.undone_at, merge.undone_by = now(), user
        merge.save(update_fields=["undone_at", "undone_by"])
        _realias()
        ids = {merge.survivor_id, merge.loser_id}
        ids |= set(Contact.objects.filter(pk__in=ids).values_list("canonical_id", flat=True))
        _give_back(ids)
        # Hidden while they were one: hidden was the survivor.
        Contact.objects.filter(canonical_id=merge.loser_id, deleted_at__gt=merge.created_at).update(
            deleted_at=None
        )
        contact_project(list(ids))
        audit.record("contact_merge_undone", "contact", merge.survivor_id, loser=str(merge.loser_id))
        events.record("contact_merged", list(ids))


def _lock_all() -> None:
    """Merges are rare and form chains: one at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('kith.contacts.merge'))")


def _realias() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_REALIAS)


def _give_back(ids: Iterable[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        for statement in (_FACTS_BACK, _TAGS_BACK, _LINKS_BACK):
            cursor.execute(statement, {"ids": list(ids)})
