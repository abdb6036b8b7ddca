from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Identity
from kith.conversations.models.conversation import Thread
from kith.core.fields import Record
from kith.networks.models import ChannelAccount
from kith.teams.models import Scope, User


class Message(Record):
    """One message or post, stored once; its copies say where it was seen."""

    class Direction(models.TextChoices):
        IN = "in", _("Received")
        OUT = "out", _("Sent")
        NOTE = "note", _("Note to colleagues")

    class State(models.TextChoices):
        """Of what we send; "received" for all else."""

        RECEIVED = "received", _("received")
        SCHEDULED = "scheduled", _("planned")
        HELD = "held", _("held back")
        QUEUED = "queued", _("on its way")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        READ = "read", _("read")
        FAILED = "failed", _("not delivered")
        UNKNOWN = "unknown", _("perhaps sent")
        CANCELLED = "cancelled", _("cancelled")

    network = models.CharField(max_length=40)
    external_id = models.CharField(max_length=1000)
    content_hash = models.CharField(max_length=64)
    direction = models.CharField(max_length=4, choices=Direction.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    sender = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="messages_sent")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    subject = models.CharField(max_length=1000, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    quote_at = models.IntegerField(null=True)
    signature_at = models.IntegerField(null=True)
    visibility = models.CharField(max_length=8, default="private")
    automatic = models.CharField(max_length=20, blank=True)
    unreadable = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=12, blank=True)
    url = models.URLField(max_length=2000, blank=True)
    content_warning = models.CharField(max_length=500, blank=True)
    in_reply_to = models.CharField(max_length=1000, blank=True)
    authentication = models.JSONField(default=dict)
    extra = models.JSONField(default=dict)
    raw_id = models.UUIDField(null=True)
    edited_at = models.DateTimeField(null=True)
    deleted_upstream_at = models.DateTimeField(null=True)
    history = models.BooleanField(default=False)
    mentions = ArrayField(models.UUIDField(), default=list)  # users called by @ in a note
    labels = ArrayField(
        models.CharField(max_length=16), default=list, db_default=[]
    )  # what `understanding` reads

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "external_id", "content_hash"], name="message_once")
        ]
        indexes = [
            models.Index(
                fields=["-at"],
                name="message_unsent",
                condition=models.Q(state__in=["held", "failed", "unknown"]),
            ),
        ]


class MessageCopy(models.Model):
    """A message in one thread, as one of our channel accounts saw it (folder and uid, for mail)."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="copies")
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="copies")
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="+")
    channel_account = models.ForeignKey(
        ChannelAccount, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    folder = models.CharField(max_length=300, blank=True)
    uid = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    first_in_thread = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "thread"],
                condition=models.Q(first_in_thread=True),
                name="messagecopy_first",
            ),
            models.UniqueConstraint(
                fields=["message", "thread", "channel_account", "folder", "uid"],
                nulls_distinct=False,
                name="messagecopy_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["thread", "-at", "-message"],
                name="messagecopy_thread",
                condition=models.Q(first_in_thread=True),
            ),
        ]


class Participant(models.Model):
    """Who took part in a message, in which role, and how that was verified."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="participants")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="participations")
    role = models.CharField(max_length=10)
    verified = models.CharField(max_length=10, default="none")
    display_name = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "identity", "role"], name="participant_once")
        ]
        indexes = [models.Index(fields=["identity", "-at", "-message"], name="participant_timeline")]


class Attachment(Record):
    """A file of a message; its bytes lie in the blob store under `digest` ("" until they are fetched)."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    digest = models.CharField(max_length=64, blank=True, db_index=True)
    file_name = models.CharField(max_length=300)
    content_type = models.CharField(max_length=150)
    size = models.BigIntegerField(default=0)
    content_id = models.CharField(max_length=300, blank=True)
    inline = models.BooleanField(default=False)
    alt_text = models.TextField(blank=True)
    source_url = models.URLField(max_length=2000, blank=True)


class Reaction(Record):
    """A like, boost or emoji on a message."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reactions")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    reaction = models.CharField(max_length=30)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "identity", "reaction"], name="reaction_once")
        ]
