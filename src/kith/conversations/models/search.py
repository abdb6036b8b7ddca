from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from kith.conversations.models.message import Message


class SearchDocument(models.Model):
    """What full-text search reads; rebuilt from messages at any time.

    Scopes stand among the lexemes as `scope:<id>`, and with their month as `seen:<id>:<YYYYMM>`: a common word in a small
    scope is looked up for the few documents of that scope and month, not for all of the scope's.
    """

    message = models.OneToOneField(
        Message, primary_key=True, on_delete=models.CASCADE, related_name="search_document"
    )
    at = models.DateTimeField()
    vector = SearchVectorField()
    cjk = models.TextField(blank=True)  # text in scripts without spaces, found by trigrams

    class Meta:
        indexes = [
            # New documents wait in a list of two megabytes and enter the index together, which takes a fifth of what it
            # takes one by one; a search reads the list from end to end, half a millisecond at most.
            GinIndex(fields=["vector"], name="search_vector", fastupdate=True, gin_pending_list_limit=2048),
            models.Index(fields=["-at", "-message"], name="search_at"),
            GinIndex(
                OpClass(models.F("cjk"), name="gin_trgm_ops"), name="search_cjk", condition=~models.Q(cjk="")
            ),
        ]
