"""What every room leans on: the audit log, news on its way up, blobs that are named, company-wide values."""

from __future__ import annotations

from django.db import models

from kith.base.ids import new_id


class AuditEvent(models.Model):
    """Who did what to which record. Nothing is updated or deleted here but by retention."""

    id = models.UUIDField(primary_key=True, default=new_id)
    at = models.DateTimeField(auto_now_add=True)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=200, blank=True)
    action = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.UUIDField(null=True)
    details = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_id", "-id"], name="audit_subject"),
            models.Index(fields=["actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-id"], name="audit_action"),
        ]


class EventDelivery(models.Model):
    """One event for one subscriber, waiting to be handled; the row goes when the handler has committed."""

    id = models.BigAutoField(primary_key=True)
    subscriber = models.CharField(max_length=80)
    kind = models.CharField(max_length=60)
    subject_id = models.UUIDField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    set_aside = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["subscriber", "id"], name="event_waiting", condition=models.Q(set_aside=False)
            ),
        ]


class CompanyValue(models.Model):
    """One value for the whole company (its name, its public address), by key."""

    key = models.CharField(max_length=60, primary_key=True)
    value = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)


class LooseBlob(models.Model):
    """A file that nobody named when the sweep looked first."""

    digest = models.CharField(max_length=64, primary_key=True)
    since = models.DateTimeField()
