from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Identity, Tag
from kith.core.fields import Record
from kith.networks.models import ChannelAccount
from kith.teams.models import Scope, Team, User


class Conversation(Record):
    """Threads of one outside person or group, over any channels; what colleagues assign, snooze and close."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        SNOOZED = "snoozed", _("Snoozed")
        CLOSED = "closed", _("Closed")

    class Priority(models.IntegerChoices):
        LOW = -1, _("Low")
        NORMAL = 0, _("Normal")
        HIGH = 1, _("High")
        URGENT = 2, _("Urgent")

    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    assignee = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="conversations")
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="conversations")
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    snoozed_until = models.DateTimeField(null=True)
    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.SET_NULL, related_name="conversations"
    )  # whom it is with: the outside sender of its first message
    joined_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="joined")
    closed_at = models.DateTimeField(null=True)
    first_response_at = models.DateTimeField(null=True)
    tray_decided = models.CharField(max_length=12, null=True)  # (null: nobody decided; "": inbox)
    complaint = models.BooleanField(
        default=False, db_default=False
    )  # while it is not closed, nothing is sold to them
    ruled_at = models.DateTimeField(null=True)  # when the rules of assignment looked at it


class Thread(Record):
    """The network's own thread, in one scope and of one visibility."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="threads")
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="+")
    network = models.CharField(max_length=40)
    channel_account = models.ForeignKey(
        ChannelAccount, null=True, on_delete=models.SET_NULL, related_name="threads"
    )
    visibility = models.CharField(max_length=8, default="private")
    subject = models.CharField(max_length=500, blank=True)
    subject_key = models.CharField(max_length=200, blank=True)
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="threads")
    last_at = models.DateTimeField()
    regroupings = ArrayField(
        models.UUIDField(), default=list
    )  # log entries in force that moved it or took from it

    class Meta:
        indexes = [
            models.Index(fields=["conversation"], name="thread_conversation"),
            models.Index(fields=["identity", "scope", "-last_at"], name="thread_identity"),
        ]


class ThreadKey(models.Model):
    """A key under which the network knows a thread (a Message-ID, a root post), unique in one scope."""

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="keys")
    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=40)
    key = models.CharField(max_length=1000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "scope", "key"], name="threadkey_once")]


class ConversationScope(models.Model):
    """A conversation as those of one scope see it: the rows of the inbox, rebuilt from threads and messages."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="scopes")
    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=8)
    tray = models.CharField(
        max_length=12, blank=True
    )  # "" inbox, or why it is held: spam, bounce, automatic, list
    assignee_id = models.UUIDField(null=True)
    team_id = models.UUIDField(null=True)
    priority = models.SmallIntegerField(default=0)
    identity_id = models.UUIDField(null=True)
    subject = models.CharField(max_length=500, blank=True)
    snippet = models.CharField(max_length=300, blank=True)
    networks = ArrayField(models.CharField(max_length=40), default=list)
    is_public = models.BooleanField(default=False)
    message_count = models.PositiveIntegerField(default=0)
    language = models.CharField(max_length=8, default="", db_default="")  # of their newest words: "de"
    labels = ArrayField(
        models.CharField(max_length=16), default=list, db_default=[]
    )  # of what waits, or was last said
    last_at = models.DateTimeField()
    last_direction = models.CharField(max_length=4, default="in")
    waiting_since = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "scope"], name="conversationscope_once")
        ]
        indexes = [
            models.Index(
                fields=["scope", "status", "-last_at", "-conversation"],
                name="cs_list",
                condition=models.Q(tray=""),
            ),
            models.Index(
                fields=["status", "-last_at", "-conversation"], name="cs_all", condition=models.Q(tray="")
            ),
            models.Index(
                fields=["assignee_id", "status", "-last_at", "-conversation"],
                name="cs_mine",
                condition=models.Q(tray=""),
            ),
            models.Index(
                fields=["status", "waiting_since", "conversation"],
                name="cs_waiting",
                condition=models.Q(waiting_since__isnull=False, tray=""),
            ),
            models.Index(
                fields=["scope", "status", "-last_at", "-conversation"],
                name="cs_unassigned",
                condition=models.Q(tray="", assignee_id__isnull=True),
            ),
            models.Index(
                fields=["team_id", "status", "-last_at", "-conversation"],
                name="cs_team",
                condition=models.Q(tray=""),
            ),
            models.Index(
                fields=["scope", "status", "waiting_since", "conversation"],
                name="cs_waiting_scope",
                condition=models.Q(waiting_since__isnull=False, tray=""),
            ),
            models.Index(
                fields=["scope", "-last_at", "-conversation"],
                name="cs_tray_scope",
                condition=~models.Q(tray=""),
            ),
            models.Index(fields=["identity_id", "-last_at"], name="cs_identity"),
            models.Index(fields=["snoozed_until"], name="cs_snoozed", condition=models.Q(status="snoozed")),
        ]


class ConversationLogEntry(Record):
    """What was done to a conversation, by whom; joins, splits and moves carry what their undo needs."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="log")
    kind = models.CharField(max_length=24)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    details = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["conversation", "-id"], name="log_conversation"),
            models.Index(models.F("details__batch"), name="log_batch"),
        ]


class ConversationTag(Record):
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="conversations")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "tag"], name="conversationtag_once")]


class Draft(Record):
    """What a user is writing, kept as it is typed."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="drafts")
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.CASCADE, related_name="drafts")
    mode = models.CharField(max_length=8, default="reply")
    channel_account = models.ForeignKey(
        ChannelAccount, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reply_to_id = models.UUIDField(null=True)
    recipients = models.JSONField(default=dict)
    subject = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)
    attachments = models.JSONField(default=list)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "conversation", "mode"], nulls_distinct=True, name="draft_once_a_conversation"
            )
        ]


class Presence(models.Model):
    """Who looks at or types in a conversation; rows older than half a minute count for nothing."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="presences")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    typing = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "user"], name="presence_once")]


class Seen(models.Model):
    """Up to when a user has read a conversation; without a row it is unread."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="seen_by")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "conversation"], name="seen_once")]
