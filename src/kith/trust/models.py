"""The gate's memory: what may never be sent, what was sent or held, and why."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Contact, Identity
from kith.core.fields import Record
from kith.teams.models import Division, User


class Suppression(Record):
    """Never contact: a keyed hash of network and address, which survives an erasure."""

    key_hash = models.CharField(max_length=64)
    channel = models.CharField(max_length=12, default="all")
    reason = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lift_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key_hash", "channel"], condition=models.Q(lifted_at=None), name="suppression_once"
            )
        ]


class Consent(Record):
    """That an identity allowed (or withdrew) one purpose on one channel, with the proof."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=60)
    channel = models.CharField(max_length=12)
    status = models.CharField(max_length=10)
    proof = models.JSONField(default=dict)
    given_at = models.DateTimeField()


class Touch(Record):
    """One planned or made outbound contact to one identity (a public post: one, without recipient)."""

    class State(models.TextChoices):
        ALLOWED = "allowed", _("Allowed")
        HELD = "held", _("Held back")
        DENIED = "denied", _("Denied")
        MADE = "made", _("Made")
        CANCELLED = "cancelled", _("Cancelled")

    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="touches")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="touches")
    kind = models.CharField(max_length=20)
    channel = models.CharField(max_length=10)
    purpose = models.CharField(max_length=60, default="service")
    actor = models.CharField(max_length=12, default="person")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    division = models.ForeignKey(Division, null=True, on_delete=models.SET_NULL, related_name="+")
    subject_id = models.UUIDField(null=True, db_index=True)  # the message it is for
    state = models.CharField(max_length=10, choices=State.choices)
    planned_for = models.DateTimeField()
    made_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["contact", "-planned_for"], name="touch_contact"),
            models.Index(fields=["identity", "-planned_for"], name="touch_identity"),
            models.Index(fields=["state", "planned_for"], name="touch_state"),
        ]


class Decision(Record):
    """What the gate said of a touch, when, by which rule, and in which words.

    `sentence` is the English of that day; `values` fill the rule's sentence in the reader's language (null: a row from
    before they were kept, of which only the sentence is known). Read by `sentences.of`.
    """

    touch = models.ForeignKey(Touch, on_delete=models.CASCADE, related_name="decisions")
    outcome = models.CharField(max_length=6, choices=[("allow", "allow"), ("hold", "hold"), ("deny", "deny")])
    rule = models.CharField(max_length=60)
    sentence = models.TextField()
    values = models.JSONField(null=True)
    until = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict)
    overridden_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    override_reason = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["id", "outcome"], name="decision_with_outcome")]


class Situation(models.Model):
    """What the gate must know from rooms above it, about one identity; written by them in their own transaction."""

    identity = models.OneToOneField(
        Identity, primary_key=True, on_delete=models.CASCADE, related_name="situation"
    )
    last_inbound_at = models.DateTimeField(null=True)
    last_inbound_automatic = models.BooleanField(default=False)
    last_inbound_authenticated = models.BooleanField(default=False)
    open_complaint = models.BooleanField(default=False)
    last_automatic_reply_at = models.DateTimeField(null=True)
