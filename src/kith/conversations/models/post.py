"""Public items."""

from __future__ import annotations

from django.db import models

from kith.contacts.models import Identity
from kith.conversations.models.message import Message
from kith.core.fields import Record
from kith.teams.models import Scope


class Post(Record):
    """A public item as it was found, once, whoever found it; its author as seen then.

    Nobody becomes an identity by talking in public: `author` is set only for somebody whom we know otherwise. `scope` is that
    of the message which it was made of (law 4); null: it was found in public. `raw` is kept for what somebody looks for.
    Of a post that was deleted where it stood nothing is left but its id, so that it does not come back.
    """

    network = models.CharField(max_length=40)
    external_id = models.CharField(max_length=1000)
    url = models.URLField(max_length=2000, blank=True)
    realm = models.CharField(max_length=255, blank=True)
    author_external_id = models.CharField(max_length=500, blank=True)
    author_handle = models.CharField(max_length=500, blank=True)
    author_name = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="posts")
    text = models.TextField(blank=True)
    language = models.CharField(max_length=12, blank=True)
    place = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField()
    raw = models.BinaryField(null=True)
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="posts")
    scope = models.ForeignKey(Scope, null=True, on_delete=models.PROTECT, related_name="+")
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "external_id"], name="post_once")]
        indexes = [
            models.Index(fields=["-published_at", "-id"], name="post_newest"),
            models.Index(fields=["network", "realm", "author_external_id"], name="post_of_author"),
        ]
