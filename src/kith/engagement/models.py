"""How we answer: saved replies, macros, assignment rules, saved views."""

from __future__ import annotations

from django.db import models

from kith.core.fields import Record
from kith.teams.models import Team, User


class SavedReply(Record):
    name = models.CharField(max_length=120)
    shortcut = models.SlugField(max_length=40, blank=True)
    text = models.TextField()
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="saved_replies")
    language = models.CharField(max_length=12, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    use_count = models.PositiveIntegerField(default=0)


class Macro(Record):
    """Several steps by one key: `[{"do": "reply", "text": ...}, {"do": "tag", "tag": ...}, {"do": "close"}]`."""

    name = models.CharField(max_length=120)
    steps = models.JSONField(default=list)
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="macros")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")


class AssignmentRule(Record):
    """First rule that fits a new conversation assigns it; `conditions` are all to hold."""

    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField(default=0)
    conditions = models.JSONField(
        default=list
    )  # [{"field": "subject", "op": "contains", "value": "invoice"}]
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="assignment_rules")
    assignee = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    spread = models.BooleanField(
        default=False
    )  # to the member of the team with the fewest open conversations
    priority = models.SmallIntegerField(null=True)
    tag = models.CharField(max_length=60, blank=True)
    enabled = models.BooleanField(default=True)


class SavedView(Record):
    """A list of conversations by name: the query of the inbox, kept."""

    name = models.CharField(max_length=120)
    owner = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="saved_views")
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="saved_views")
    query = models.CharField(max_length=500)
    position = models.PositiveIntegerField(default=0)
