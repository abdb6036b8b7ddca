"""What is read in messages: the labels of each, what people corrected, and the names that we look for."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from kith.conversations.models import Message
from kith.core.fields import Record
from kith.teams.models import User


class Annotation(Record):
    """What one message says, as a model read it and people corrected it; one a message, and it goes when the message goes.

    The columns hold what counts: a corrected value stands in place of the model's, which `said` keeps. Who may see the
    message may see this (law 4): it has no scope of its own.
    """

    class State(models.TextChoices):
        READ = "read", _("read")
        EMPTY = "empty", _("no words of its own")
        FAILED = "failed", _("could not be read")

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="annotation")
    direction = models.CharField(max_length=4)
    at = models.DateTimeField()  # the message's own
    state = models.CharField(max_length=8, choices=State.choices, default=State.READ)
    problem = models.CharField(max_length=300, blank=True)
    digest = models.CharField(max_length=64)  # of the words that were read: an edit makes another
    cut = models.BooleanField(default=False)  # only the beginning and the end were read
    language = models.CharField(max_length=8, blank=True)
    language_score = models.FloatField(default=0.0)
    sentiment = models.CharField(max_length=8, blank=True)
    sentiment_scores = models.JSONField(default=dict)
    emotion = models.CharField(max_length=12, blank=True)
    emotion_scores = models.JSONField(default=dict)
    offensive = models.FloatField(default=0.0)
    intents = ArrayField(models.CharField(max_length=16), default=list)
    intent_scores = models.JSONField(default=dict)
    aspects = models.JSONField(default=list)  # [{"aspect": "battery", "sentiment": "negative"}]
    urgency = models.FloatField(default=0.0)
    entities = models.JSONField(default=list)  # [{"id", "kind", "name", "text"}]
    labels = ArrayField(models.CharField(max_length=16), default=list)
    said = models.JSONField(default=dict)  # corrected field -> what the model says of it
    tier = models.CharField(max_length=8, blank=True)
    model = models.CharField(max_length=80, blank=True)
    rules = models.PositiveSmallIntegerField(default=0)
    read_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["-at"], name="annotation_at"),
            models.Index(fields=["-at"], name="annotation_failed", condition=models.Q(state="failed")),
            GinIndex(fields=["labels"], name="annotation_labels", fastupdate=False),
        ]


class Correction(Record):
    """What a person said that one field of a message's reading should be, and what stood there before."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="corrections")
    field = models.CharField(max_length=12)
    value = models.JSONField()
    before = models.JSONField(null=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    batch = models.UUIDField()  # what was said with one click, and is undone with one
    digest = models.CharField(max_length=64)  # the words that it was said of
    replaces = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "field"],
                condition=models.Q(undone_at__isnull=True),
                name="correction_in_force",
            )
        ]
        indexes = [models.Index(fields=["batch"], name="correction_batch")]


class Check(Record):
    """A message drawn at random, and whether a person found its reading right. What a figure of accuracy rests on."""

    class Outcome(models.TextChoices):
        RIGHT = "right", _("right")
        WRONG = "wrong", _("wrong")
        SKIPPED = "skipped", _("can't say")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="checks")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    wrong = ArrayField(models.CharField(max_length=12), default=list)  # fields
    language = models.CharField(max_length=8, blank=True)
    tier = models.CharField(max_length=8, blank=True)
    model = models.CharField(max_length=80, blank=True)
    sure = models.BooleanField(default=True)  # whether its labels were shown as such, or as "not sure"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message"], name="check_once")]


class Entity(Record):
    """A name that we look for in what people say: a product of ours, a competitor, a place that we serve."""

    class Kind(models.TextChoices):
        PRODUCT = "product", _("Our product")
        COMPETITOR = "competitor", _("Competitor")
        PLACE = "place", _("Place that we serve")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=80)
    spellings = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="entity_once")]


class Sweep(Record):
    """One walk over all messages: to read what was there before, to read again by a new model, to look for new names.

    It goes from the newest to the oldest; `below` is how far it has come, written with each batch.
    """

    kind = models.CharField(max_length=8)  # "read", "names"
    version = models.CharField(max_length=200)  # what it brings everything up to
    below = models.UUIDField(null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "version"], name="sweep_once")]
