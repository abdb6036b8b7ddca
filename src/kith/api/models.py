"""What the API remembers: answers by Idempotency-Key, and how often each token asked."""

from __future__ import annotations

from django.db import models

from kith.core.fields import Record
from kith.teams.models import ApiToken


class IdempotentAnswer(Record):
    """The answer to a request that carried an Idempotency-Key; replayed for `idempotency.KEPT`, then removed."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    rights = models.BigIntegerField(null=True)  # of whom it was given to; none where everybody gets the same

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="idempotentanswer_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotentanswer_age")]


class TokenUse(models.Model):
    """Requests of a token in the running minute. Unlogged: after a crash everybody starts at nothing."""

    token = models.OneToOneField(ApiToken, primary_key=True, on_delete=models.CASCADE, related_name="use")
    minute = models.BigIntegerField()
    count = models.IntegerField()
