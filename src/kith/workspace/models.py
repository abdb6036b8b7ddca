"""What joins rooms: imports and their undo."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.core.fields import Record
from kith.teams.models import User
from kith.workspace.retention.models import LegalHold, RetentionRule, RetentionRun

__all__ = ["Import", "ImportedRow", "LegalHold", "PersonRequest", "RetentionRule", "RetentionRun"]


class Import(Record):
    """One import of files: how far it is, what it made, and whether it was undone."""

    kind = models.CharField(max_length=12)
    source = models.CharField(max_length=500)
    state = models.CharField(max_length=10, default="running")
    total = models.PositiveBigIntegerField(null=True)
    read = models.PositiveBigIntegerField(default=0)
    visible = models.PositiveBigIntegerField(default=0)
    unreadable = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)
    examples = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    file = models.CharField(max_length=64, blank=True)  # what was uploaded, until it is done with
    found = models.JSONField(default=dict)  # what a dry run found
    problems = models.JSONField(default=list)
    error = models.CharField(max_length=300, blank=True)
    updated = models.PositiveBigIntegerField(default=0)
    erased = models.PositiveBigIntegerField(default=0)  # of people who were erased: not brought back
    started_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)


class ImportedRow(models.Model):
    """What an import made, so that it can be taken back."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=20)
    object_id = models.UUIDField()


class PersonRequest(Record):
    """An export of all that is kept about one person, or their erasure: how far it is, and what came of it.

    Holds no word about the person: `report` has numbers, by model.
    """

    class Kind(models.TextChoices):
        EXPORT = "export", _("Export")
        ERASURE = "erasure", _("Erasure")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    contact_id = models.UUIDField(db_index=True)
    state = models.CharField(max_length=8, default="waiting")  # waiting, running, done, failed, gone
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    never_again = models.BooleanField(default=False)
    # What they proved to be theirs, where they asked themselves: what is joined to them while it waits does not go with it.
    proven = ArrayField(models.UUIDField(), null=True)
    and_backups = models.BooleanField(default=False)  # older ones go at once, behind a new one
    journal = models.JSONField(default=dict)  # its line in the journal of erasures, for machines that lack it
    again_at = models.DateTimeField(null=True)  # when it was applied once more, after a restore
    error = models.CharField(max_length=300, blank=True)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField(null=True)


class OwnExport(Record):
    """A customer's own data as a zip, for the visit in which they asked for it; it goes two hours later."""

    visit_id = models.UUIDField(db_index=True)
    identity_ids = ArrayField(models.UUIDField())
    language = models.CharField(max_length=12, blank=True)
    state = models.CharField(max_length=8, default="waiting")  # waiting, running, done, failed
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)


class AskedDeletion(Record):
    """A network told us that somebody wants their data deleted. The code, a keyed hash, opens its public page.

    `identity_ids` until it is passed on; then `requests`, the erasures that do it.
    """

    code = models.CharField(max_length=32, unique=True)
    network = models.CharField(max_length=40)
    identity_ids = ArrayField(models.UUIDField(), default=list)
    requests = ArrayField(models.UUIDField(), default=list)
    state = models.CharField(max_length=8, default="waiting")  # waiting, held, failed, passed
    finished_at = models.DateTimeField(null=True)
