"""What we listen for, what was found, how much of it when, and where was searched for it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.conversations.models import Conversation, Post
from kith.core.fields import Record
from kith.networks.models import ChannelAccount
from kith.teams.models import Scope, User


class Monitor(Record):
    """A saved query over public talk, for those of one scope.

    `version` grows over all monitors with each change, so that whoever keeps them ready knows what is new. `looked_back_at`:
    when what had been seen before was searched; `looked_back_to` how far.
    """

    class State(models.TextChoices):
        ON = "on", _("Listening")
        OFF = "off", _("Switched off")
        REMOVED = "removed", _("Removed")

    name = models.CharField(max_length=120)
    query = models.TextField()
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="monitors")
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ON)
    version = models.BigIntegerField(unique=True)
    looked_back_at = models.DateTimeField(null=True)
    looked_back_to = models.DateTimeField(null=True)


class Mention(Record):
    """A post that a monitor found: where its words stand in the text, and what a colleague does about it.

    `published_at`, `network`, `language` and `scope` are those of the post: lists are read in their order.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        DONE = "done", _("Done")
        MUTED = "muted", _("Muted")

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="mentions", db_index=False)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="mentions")
    spans = models.JSONField(default=list)
    published_at = models.DateTimeField()
    network = models.CharField(max_length=40)
    language = models.CharField(max_length=12, blank=True)
    scope = models.ForeignKey(Scope, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    assignee = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="mentions")
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.SET_NULL, related_name="mentions"
    )
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["monitor", "post"], name="mention_once")]
        indexes = [
            models.Index(fields=["monitor", "state", "-published_at", "-post"], name="mention_of_monitor"),
            models.Index(fields=["state", "-published_at", "-post"], name="mention_newest"),
            models.Index(fields=["monitor", "-published_at", "-post"], name="mention_all_of_monitor"),
            models.Index(fields=["-published_at", "-post"], name="mention_all"),
        ]


class MentionCount(models.Model):
    """How many posts a monitor found in an hour, by who may see them; rebuilt from mentions."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="counts", db_index=False)
    hour = models.DateTimeField()
    scope = models.ForeignKey(Scope, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["monitor", "hour", "scope"], name="mentioncount_once", nulls_distinct=False
            )
        ]


class Search(Record):
    """What is asked of a network by its search, for the monitors that want these words: how far, when, and with what result."""

    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="searches")
    words = models.CharField(max_length=300)
    position = models.TextField(blank=True)
    next_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    found = models.BigIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel_account", "words"], name="search_once"),
        ]
        indexes = [models.Index(fields=["next_at"], name="search_due")]
