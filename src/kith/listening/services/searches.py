"""What is asked of networks for the monitors: which words, how far, and when again."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

from django.db import transaction

from kith.base.clock import now
from kith.channels.listening import SearchFailed, posts_take, search, searching_accounts
from kith.listening.models import Monitor, Search
from kith.listening.words import words_for
from kith.networks.models import ChannelAccount

EVERY = 60.0  # seconds between two questions for the same words
CALLS_A_MINUTE = 30  # of one account, all searches together
LEAST_BUDGET = 100  # calls that are left to reading and answering
PAGES = 5  # of one search, one after the other


def searches_follow() -> None:
    """One search for each account and the words that monitors want of its network; those that nobody wants go."""
    monitors = list(Monitor.objects.filter(state=Monitor.State.ON).values_list("query", flat=True))
    for account in ChannelAccount.objects.filter(pk__in=searching_accounts()):
        wanted = {words for query in monitors for words in words_for(query, account.network)}
        with transaction.atomic():
            Search.objects.filter(channel_account=account).exclude(words__in=wanted).delete()
            known = set(Search.objects.filter(channel_account=account).values_list("words", flat=True))
            Search.objects.bulk_create(
                [
                    Search(channel_account=account, words=words, next_at=now())
                    for words in sorted(wanted - known)
                ],
                ignore_conflicts=True,
            )
    Search.objects.exclude(channel_account__in=searching_accounts()).delete()


def searches_run(*, seconds: float = 50.0) -> int:
    """Ask what is due, the longest due first, until nothing is due or the time is over; returns how many posts were new."""
    until, new = time.monotonic() + seconds, 0
    passed: set[uuid.UUID] = set()
    while time.monotonic() < until:
        due = Search.objects.filter(next_at__lte=now(), channel_account__state=ChannelAccount.State.ACTIVE)
        row = due.exclude(pk__in=passed).select_related("channel_account").order_by("next_at").first()
        if row is None:
            break
        passed.add(row.pk)
        new += _ask(row)
    return new


def _ask(row: Search) -> int:
    """Pages until there are no more; each is stored with its position before the next is asked for."""
    account, new = row.channel_account, 0
    pause = max(EVERY, 60.0 * Search.objects.filter(channel_account=account).count() / CALLS_A_MINUTE)
    for _page in range(PAGES):
        row.asked_at = now()
        try:
            answer = search(account, row.words, row.position, failures=row.failures)
        except SearchFailed as error:
            row.error, row.failures = str(error)[:500], row.failures + 1
            row.next_at = now() + timedelta(seconds=error.after)
            row.save(update_fields=["asked_at", "error", "failures", "next_at"])
            return new
        with transaction.atomic():
            found = posts_take(account, answer.items)
            row.position, row.answered_at, row.error, row.failures = answer.position, now(), "", 0
            row.found += len(found)
            short = answer.budget is not None and answer.budget < LEAST_BUDGET
            row.next_at = now() + timedelta(seconds=pause * 10 if short else pause)
            row.save(
                update_fields=[
                    *("asked_at", "position", "answered_at", "error", "failures", "found", "next_at")
                ]
            )
        new += len(found)
        if not answer.more or short:
            break
    return new
