"""A mailing, and whom it is for: one row a person, from the dry run to the sending."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Contact, Identity
from kith.core.fields import Record
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.trust.models import Touch


class Mailing(Record):
    """One text to a list of people, each greeted by the name that suits them.

    `purpose` is the key of a topic; `people` says who is on the list ({"query": the list's own query, or "ids", and "said"});
    `based_on` are the facts that chose them, as the gate is asked about them. `numbers` is the result of the dry run.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Ready")
        SENDING = "sending", _("Being sent")
        STOPPED = "stopped", _("Stopped")
        DONE = "done", _("Sent")

    title = models.CharField(max_length=200)
    purpose = models.CharField(max_length=60)
    account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT, related_name="mailings")
    subject = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True)
    people = models.JSONField(default=dict)
    based_on = models.JSONField(default=list)
    priority = models.SmallIntegerField(default=0)
    expires_days = models.PositiveSmallIntegerField(default=14)
    digest = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="mailings")
    sent_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    numbers = models.JSONField(default=dict)
    progress = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-id"], name="mailing_newest")]


class Recipient(models.Model):
    """One person on the list of a mailing: what the gate said in the dry run, and what became of it.

    `outcome` "none": nobody can be reached on this channel. `touch`: set in the transaction that asked the gate in earnest,
    so that nobody is asked, or written to, twice. Who was erased leaves no row (`privacy`); the database itself does not look
    at each of a hundred thousand references of a dry run, which takes it longer than all the rest.
    """

    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="recipients", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=6)
    rule = models.CharField(max_length=60)
    values = models.JSONField(null=True)
    until = models.DateTimeField(null=True)
    touch = models.ForeignKey(Touch, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    asked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailing", "contact"], name="recipient_once")]
        indexes = [
            models.Index(fields=["mailing", "rule", "id"], name="recipient_rule"),
            models.Index(fields=["mailing", "id"], name="recipient_waits", condition=models.Q(asked_at=None)),
        ]
