"""What comes in before it is understood, and what goes out until it is certain."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Identity
from kith.conversations.models import Message, Thread
from kith.core.fields import Record
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.trust.models import Decision


class Cursor(models.Model):
    """How far a channel account was read; moved in the transaction that stores what was read."""

    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="cursors")
    stream = models.CharField(max_length=40, default="fetch")
    position = models.TextField(blank=True)
    moved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel_account", "stream"], name="cursor_once")]


class RawItem(Record):
    """One thing as the network sent it: durable before anything is acknowledged, parsed afterwards.

    Small bodies stand in `body`; large ones in the blob store under `digest`.
    """

    class State(models.TextChoices):
        NEW = "new", _("waiting to be read")
        DONE = "done", _("read")
        SET_ASIDE = "set_aside", _("set aside")

    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="raw_items")
    external_id = models.CharField(max_length=1000)
    digest = models.CharField(max_length=64)
    body = models.BinaryField(null=True)
    size = models.BigIntegerField()
    at = models.DateTimeField(null=True)
    meta = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    parsed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel_account", "external_id", "digest"], name="rawitem_once")
        ]
        indexes = [
            models.Index(
                fields=["channel_account", "id"], name="rawitem_new", condition=models.Q(state="new")
            ),
            models.Index(
                fields=["channel_account", "-id"],
                name="rawitem_set_aside",
                condition=models.Q(state="set_aside"),
            ),
        ]


class Delivery(Record):
    """One try-until-certain sending of one message. Exists only with a decision that allows it, used once."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        CLAIMED = "claimed", _("being sent")
        SENT = "sent", _("sent")
        UNKNOWN = "unknown", _("perhaps sent")
        FAILED = "failed", _("refused")
        CANCELLED = "cancelled", _("cancelled")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries")
    thread = models.ForeignKey(Thread, null=True, on_delete=models.SET_NULL, related_name="+")
    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.PROTECT, related_name="deliveries")
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="delivery")
    outcome = models.CharField(max_length=6, default="allow")
    idempotency_key = models.UUIDField(unique=True)
    outgoing = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    not_before = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=80, blank=True)
    sent_at = models.DateTimeField(null=True)
    external_id = models.CharField(max_length=1000, blank=True)
    error = models.TextField(blank=True)
    settled_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(outcome="allow"), name="delivery_only_when_allowed"),
        ]
        indexes = [
            models.Index(fields=["not_before"], name="delivery_due", condition=models.Q(state="queued")),
            models.Index(fields=["claimed_at"], name="delivery_claimed", condition=models.Q(state="claimed")),
            models.Index(fields=["-id"], name="delivery_unknown", condition=models.Q(state="unknown")),
        ]


class ChatVisitor(Record):
    """A browser on a customer's page: a random key kept by the widget. What it types proves nothing."""

    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="visitors")
    key_hash = models.CharField(max_length=64, unique=True)
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="+")
    typed_name = models.CharField(max_length=200, blank=True)
    typed_email = models.CharField(max_length=320, blank=True)
    last_seen_at = models.DateTimeField()
    page_url = models.URLField(max_length=1000, blank=True)


class WebhookSubscription(Record):
    """Someone else's address that is told of our events, signed (Standard Webhooks)."""

    url = models.URLField(max_length=1000)
    secret = models.CharField(max_length=200)
    kinds = models.JSONField(default=list)
    created_by = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    paused_at = models.DateTimeField(null=True)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)


class WebhookDelivery(Record):
    """One event that a subscription is told of. Its id makes the `webhook-id`, the same over every try."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        SKIPPED = "skipped", _("left out")

    subscription = models.ForeignKey(WebhookSubscription, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.TextField(blank=True)
    tried_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["subscription", "id"],
                name="webhookdelivery_waiting",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["subscription", "-id"], name="webhookdelivery_newest"),
        ]
