"""How a channel is doing, in words: read, in trouble, or to be connected again by a person."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction

from kith.base.clock import now
from kith.channels.limits import words_of
from kith.connectors.contract import Forged, RetryLater
from kith.core import events
from kith.networks.models import ChannelAccount, ChannelHealth

log = logging.getLogger(__name__)
LONGEST_PAUSE = 900.0


def account_read(account: ChannelAccount) -> None:
    moment = now()
    ChannelHealth.objects.update_or_create(
        channel_account=account,
        defaults={
            "last_try_at": moment,
            "last_success_at": moment,
            "failures_in_a_row": 0,
            "last_error": "",
            "next_try_at": None,
        },
    )


def account_troubled(account: ChannelAccount, error: BaseException, failures: int) -> float:
    """Note what is wrong, in words; returns after how many seconds to try again."""
    told = words_of(error, account)
    if isinstance(error, RetryLater):
        pause = min(max(error.after, 1.0), LONGEST_PAUSE)
    else:
        log.warning("reading %s failed: %s: %s", account.name, type(error).__name__, told)
        pause = min(5.0 * 2 ** min(failures, 8), LONGEST_PAUSE)
    if isinstance(error, Forged):
        log.error("a forged item reached %s", account.name)
    ChannelHealth.objects.update_or_create(
        channel_account=account,
        defaults={
            "last_try_at": now(),
            "last_error": told,
            "last_error_at": now(),
            "failures_in_a_row": failures,
            "next_try_at": now() + timedelta(seconds=pause),
        },
    )
    return pause


def account_needs_reconnect(account: ChannelAccount, error: str) -> None:
    """Stop reading and sending until a person connects the channel again; the rooms above tell them."""
    with transaction.atomic():
        if ChannelAccount.objects.filter(pk=account.pk, state=ChannelAccount.State.ACTIVE).update(
            state=ChannelAccount.State.RECONNECT
        ):
            events.record("channel_needs_reconnect", [account.pk])
        ChannelHealth.objects.update_or_create(
            channel_account=account, defaults={"last_error": error[:1000], "last_error_at": now()}
        )
