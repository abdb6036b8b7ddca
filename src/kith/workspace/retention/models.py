"""How long what is kept, what may not go, and what went."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Contact
from kith.conversations.models import Conversation
from kith.core.fields import Record
from kith.networks.models import ChannelAccount
from kith.teams.models import User


class RetentionRule(Record):
    """What of which channel goes after how many days. It takes nothing before `enabled_at`, which a change clears."""

    class Purpose(models.TextChoices):
        MESSAGES = "messages", _("All messages and posts")
        PRIVATE = "private", _("Conversations with people")
        AUTOMATIC = "automatic", _("Automatic mail, lists and newsletters")
        PUBLIC = "public", _("Public posts")
        STRANGERS = "strangers", _("People we do not know, whom nobody answered")

    class Action(models.TextChoices):
        DELETE = "delete", _("Delete the messages")
        FILES = "files", _("Keep the text, remove files and original bytes")
        RAW = "raw", _("Keep the message, remove the original bytes")

    class Since(models.TextChoices):
        MESSAGE = "message", _("since the message itself")
        ACTIVITY = "activity", _("since the last message of its conversation")

    name = models.CharField(max_length=120)
    network = models.CharField(max_length=40, blank=True)  # "": every network
    channel_account = models.ForeignKey(
        ChannelAccount, null=True, on_delete=models.CASCADE, related_name="retention_rules"
    )
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.MESSAGES)
    action = models.CharField(max_length=8, choices=Action.choices, default=Action.DELETE)
    since = models.CharField(max_length=8, choices=Since.choices, default=Since.ACTIVITY)
    days = models.PositiveIntegerField()
    enabled_at = models.DateTimeField(null=True)
    enabled_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    may_take = models.PositiveBigIntegerField(
        default=0
    )  # what was seen when it was let go: one run may take as much
    stopped_at = models.DateTimeField(null=True)  # it wanted too much in one night, and waits to be let go
    stopped_due = models.PositiveBigIntegerField(default=0)
    stopped_of = models.PositiveBigIntegerField(default=0)


class RetentionRun(Record):
    """One going-through of one rule, or of one network's own limit: how far it is and what went."""

    rule = models.ForeignKey(RetentionRule, null=True, on_delete=models.SET_NULL, related_name="runs")
    network = models.CharField(max_length=40, blank=True)  # whose own limit it was, where there is no rule
    name = models.CharField(max_length=120)  # the rule's at that time
    action = models.CharField(max_length=8)
    state = models.CharField(max_length=8, default="running")  # running, done, stopped
    total = models.PositiveBigIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    report = models.JSONField(default=dict)  # rows that went, by model
    finished_at = models.DateTimeField(null=True)


class LegalHold(Record):
    """A person, a conversation or a channel of which nothing may go, until it is lifted. Exactly one of the three is set."""

    contact = models.ForeignKey(Contact, null=True, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.CASCADE, related_name="+")
    channel_account = models.ForeignKey(ChannelAccount, null=True, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=500)
    placed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lifted_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    contact__isnull=False, conversation__isnull=True, channel_account__isnull=True
                )
                | models.Q(contact__isnull=True, conversation__isnull=False, channel_account__isnull=True)
                | models.Q(contact__isnull=True, conversation__isnull=True, channel_account__isnull=False),
                name="legalhold_on_one",
            )
        ]
