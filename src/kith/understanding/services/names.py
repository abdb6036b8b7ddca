"""Names that we look for: our products, competitors, places."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kith.core import audit
from kith.queries.fold import fold
from kith.understanding.errors import UnderstandingError
from kith.understanding.models import Entity


def entity_save(
    *, kind: str, name: str, spellings: Sequence[str] = (), entity: Entity | None = None
) -> Entity:
    """Make or change a name; what was said before is looked through again. Raises UnderstandingError."""
    from kith.understanding.sweeps import names_changed

    row = entity or Entity()
    title = " ".join(name.split())[:80]
    if not any(c.isalnum() for c in fold(title)) or len(title) < 2:
        raise UnderstandingError(_("A name has two letters at least."), field="name")
    if kind not in Entity.Kind.values:
        raise UnderstandingError(_("Say what it is."), field="kind")
    short = [s for s in spellings if len(s) < 2]
    if short:
        raise UnderstandingError(
            _("“%s” is too short: it would be found everywhere.") % short[0], field="spellings"
        )
    row.kind, row.name, row.spellings = kind, title, [s for s in spellings if s != title]
    try:
        with transaction.atomic():
            row.save()
            audit.record("entity_saved", "entity", row.pk, name=title, kind=kind)
            names_changed()
    except IntegrityError as error:
        raise UnderstandingError(_("This name is there already."), field="name") from error
    return row


@transaction.atomic
def entity_delete(*, entity: Entity) -> None:
    """Look for a name no more; what was found of it goes from the readings."""
    from kith.understanding.sweeps import names_changed

    audit.record("entity_deleted", "entity", entity.pk, name=entity.name)
    entity.delete()
    names_changed()
