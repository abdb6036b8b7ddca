"""What joins rooms: imports and their undo."""

from __future__ import annotations

from django.db import models

from kith.core.fields import Record
from kith.teams.models import User


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
    started_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)


class ImportedRow(models.Model):
    """What an import made, so that it can be taken back."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=20)
    object_id = models.UUIDField()
