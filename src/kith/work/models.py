"""What is pending and who does it: tasks, notes, promises."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Contact
from kith.core.fields import Record
from kith.teams.models import Team, User


class Task(Record):
    title = models.CharField(max_length=300)
    details = models.TextField(blank=True)
    contact = models.ForeignKey(Contact, null=True, on_delete=models.CASCADE, related_name="tasks")
    assignee = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="tasks")
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="tasks")
    due_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    message_id = models.UUIDField(null=True)
    scope_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["assignee", "due_at"], name="task_mine", condition=models.Q(done_at=None)),
            models.Index(fields=["contact", "-id"], name="task_contact"),
        ]


class Note(Record):
    """Something written down on a contact: a remark, or what happened elsewhere (a visit, a call, a letter)."""

    class Kind(models.TextChoices):
        NOTE = "note", _("Note")
        VISIT = "visit", _("Visit")
        CALL = "call", _("Call")
        LETTER = "letter", _("Letter")
        MEETING = "meeting", _("Meeting")

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.NOTE)
    text = models.TextField(blank=True)
    happened_at = models.DateTimeField()
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    photo = models.CharField(max_length=64, blank=True)
    photo_type = models.CharField(max_length=60, blank=True)
    pinned = models.BooleanField(default=False)
    scope_id = models.UUIDField(null=True)  # who may see it; null: every colleague

    class Meta:
        indexes = [
            models.Index(fields=["contact", "-happened_at", "-id"], name="note_contact"),
            GinIndex(SearchVector("text", config="kith"), name="note_words"),
        ]


class Promise(Record):
    """Something we said we would do."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="promises")
    who = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="promises")
    what = models.CharField(max_length=300)
    quote = models.TextField(blank=True)
    message_id = models.UUIDField(null=True)
    scope_id = models.UUIDField(null=True)
    due_at = models.DateTimeField(null=True)
    condition = models.CharField(max_length=200, blank=True)
    kept_at = models.DateTimeField(null=True)
    broken_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["contact", "-id"], name="promise_contact")]
