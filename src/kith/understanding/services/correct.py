"""What a person says of a reading counts at once, is kept with what stood there before, and can be taken back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import new_id
from kith.conversations.models import Message, MessageCopy
from kith.conversations.services import messages_label
from kith.core import audit
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer
from kith.understanding.errors import UnderstandingError
from kith.understanding.labels import EMOTIONS, INTENTS, OFFENSIVE, SENTIMENTS, URGENT
from kith.understanding.models import Annotation, Correction
from kith.understanding.services.annotate import correct, corrections_of, value_of
from kith.understanding.types import FIELDS, Corrected


def message_correct(viewer: Viewer, message_id: uuid.UUID, *, values: Mapping[str, Any]) -> Corrected:
    """Say what fields of a message's reading should be; those that say so already are left. Raises UnderstandingError."""
    wanted = {name: checked(name, value) for name, value in values.items()}
    with transaction.atomic():
        row = _held(viewer, message_id)
        in_force = corrections_of([message_id]).get(message_id, {})
        batch = new_id()
        changed: dict[str, Any] = {}
        for name, value in wanted.items():
            old = in_force.get(name)
            counted = old is not None and old.digest == row.digest
            if same(row, name, value) and (counted or old is None):
                continue
            before = old.value if old is not None and counted else plain(name, value_of(row, name))
            if old is not None:
                old.undone_at = now()
                old.save(update_fields=["undone_at"])
            Correction.objects.create(
                message_id=message_id,
                field=name,
                value=value,
                before=before,
                by_id=viewer.user_id,
                batch=batch,
                digest=row.digest,
                replaces=old if counted else None,
            )
            changed[name] = {"before": before, "after": value}
        if changed:
            _count(row)
            audit.record("label_corrected", "message", message_id, fields=sorted(changed))
    return Corrected(batch if changed else None, tuple(changed))


def correction_undo(viewer: Viewer, batch: uuid.UUID) -> uuid.UUID:
    """Take back what was said with one click; what had stood there before counts again. Returns the message's id."""
    with transaction.atomic():
        said = Correction.objects.filter(batch=batch).first()
        if said is None:
            raise NotAllowed(_("There is no such message."))
        row = _held(viewer, said.message_id)
        rows = list(Correction.objects.select_for_update().filter(batch=batch, undone_at__isnull=True))
        if not rows:
            raise UnderstandingError(_("This was taken back already."))
        for correction in rows:
            correction.undone_at = now()
            correction.save(update_fields=["undone_at"])
            # An earlier one that it replaced is in force again, where it was said of the same words.
            if correction.replaces_id:
                earlier = Correction.objects.filter(pk=correction.replaces_id, digest=row.digest)
                earlier.update(undone_at=None)
        _count(row)
        audit.record(
            "label_correction_undone", "message", row.message_id, fields=sorted(c.field for c in rows)
        )
    return row.message_id


def _held(viewer: Viewer, message_id: uuid.UUID) -> Annotation:
    """The reading of a message that the viewer may see and write to, locked by the message as annotating does."""
    if not viewer.may_write:
        raise NotAllowed(_("You may read here, not change."))
    seen = MessageCopy.objects.filter(message_id=message_id, scope_id__in=viewer.scope_ids).exists()
    gone = Message.objects.select_for_update(no_key=True).filter(pk=message_id).first() if seen else None
    if gone is None:
        raise NotAllowed(_("There is no such message."))
    row = Annotation.objects.filter(message_id=message_id, state="read").first()
    if row is None or gone.deleted_upstream_at is not None:
        raise UnderstandingError(_("This message has not been read yet."))
    return row


def _count(row: Annotation) -> None:
    correct(row, corrections_of([row.message_id]).get(row.message_id, {}))
    row.save()
    messages_label({row.message_id: row.labels})


def same(row: Annotation, name: str, value: Any) -> bool:
    return bool(plain(name, value_of(row, name)) == value)


def plain(name: str, value: Any) -> Any:
    """A field's value as a person says it: yes or no for what is a score."""
    if name == "urgent":
        return float(value) >= URGENT
    if name == "offensive":
        return float(value) >= OFFENSIVE
    return sorted(value) if name == "intents" else value


def checked(name: str, value: Any) -> Any:
    """The value of a field as it is kept. Raises UnderstandingError for what it can't be."""
    if name not in FIELDS:
        raise UnderstandingError(_("There is no label called %s.") % str(name)[:40], field="fields")
    fits = {
        "sentiment": lambda: value in SENTIMENTS,
        "emotion": lambda: value in EMOTIONS,
        "urgent": lambda: isinstance(value, bool),
        "offensive": lambda: isinstance(value, bool),
        "language": lambda: (
            isinstance(value, str) and 2 <= len(value) <= 3 and value.isascii() and value.islower()
        ),
        "intents": lambda: (
            isinstance(value, (list, tuple)) and all(isinstance(v, str) and v in INTENTS for v in value)
        ),
    }
    if not fits[name]():
        raise UnderstandingError(_("This label cannot say that."), field=name)
    return sorted(set(value)) if name == "intents" else value
