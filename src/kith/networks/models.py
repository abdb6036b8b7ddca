"""Networks as we use them: channel accounts with their credentials and scopes."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.core.fields import EncryptedJSONField, Record
from kith.teams.models import Scope, Team, User


class ChannelAccount(Record):
    """Our mailbox, page, number or handle on one network."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Working")
        RECONNECT = "reconnect", _("Needs to be connected again")
        PAUSED = "paused", _("Paused")
        REMOVED = "removed", _("Removed")

    class Intake(models.TextChoices):
        """Which messages of a mailbox become conversations."""

        ALL = "all", _("Everything")
        KNOWN = "known", _("Only from people we know")
        LABEL = "label", _("Only one label or folder")

    network = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=320, blank=True)
    external_id = models.CharField(max_length=500, blank=True)
    realm = models.CharField(max_length=255, blank=True)
    display_name = models.CharField(max_length=200, blank=True)
    settings = models.JSONField(default=dict)
    details = models.JSONField(
        default=dict
    )  # what the network told of us when connecting; given back to the connector
    secrets = EncryptedJSONField(null=True)
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="channel_accounts")
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    intake = models.CharField(max_length=8, choices=Intake.choices, default=Intake.ALL)
    intake_label = models.CharField(max_length=200, blank=True)
    history_since = models.DateTimeField(null=True)
    history_until = models.DateTimeField()  # what is older arrives closed
    aliases = ArrayField(models.CharField(max_length=320), default=list)
    signature = models.TextField(blank=True)
    acknowledge = models.BooleanField(default=False)
    acknowledgement = models.TextField(blank=True)
    connected_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["network", "state"], name="channelaccount_network")]


class ChannelHealth(models.Model):
    """How a channel account fares: written by `channels`, shown on its page."""

    channel_account = models.OneToOneField(
        ChannelAccount, primary_key=True, on_delete=models.CASCADE, related_name="health"
    )
    last_item_at = models.DateTimeField(null=True)
    last_try_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    lag_seconds = models.PositiveIntegerField(null=True)
    budget_remaining = models.IntegerField(null=True)
    stream_gap_at = models.DateTimeField(null=True)
