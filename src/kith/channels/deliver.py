"""Sending: claim, send, confirm (law 6). What may or may not have happened is never done again by itself.

A claim commits before the network is touched and a confirmation after; between the two a process may die. Then others
ask the network.
"""

from __future__ import annotations

import logging

from django.db import Error

from kith.channels import gateway
from kith.channels.absorb import thread_follow
from kith.channels.claims import Claimer, deliveries_claim, orphans_claim
from kith.channels.health import account_needs_reconnect
from kith.channels.limits import call_within, words_of
from kith.channels.models import Delivery
from kith.channels.outcomes import (
    delivery_clears,
    delivery_failed,
    delivery_later,
    delivery_name,
    delivery_sent,
    delivery_settle,
    delivery_unknown,
)
from kith.channels.outgoing import outgoing_of
from kith.channels.tokens import tokens_fresh, tokens_renew, tokens_renewable
from kith.connectors.contract import (
    ConnectorError,
    FoundSent,
    NotSupported,
    OutcomeUnknown,
    Outgoing,
    Receipt,
    ReconnectNeeded,
    Refused,
    RetryLater,
    Sends,
)
from kith.connectors.words import say
from kith.networks.models import ChannelAccount

__all__ = ["Claimer", "deliver", "deliveries_claim", "delivery_settle", "orphans_recover"]
log = logging.getLogger(__name__)
# No sending takes longer; one that does is asked for, and its thread no longer waited for.
SEND_SECONDS = 600.0


def deliver(delivery: Delivery) -> None:
    """Send a claimed delivery, outside any transaction, and confirm what happened."""
    delivery = _whole(delivery)
    account = delivery.channel_account
    try:
        if account.state == ChannelAccount.State.REMOVED:
            raise Refused(say("The channel was removed before this was sent."))
        delivery.channel_account = account = tokens_fresh(account)
        connector, outgoing = _prepared(delivery)
        delivery_name(delivery, connector, outgoing)
    except RetryLater as error:
        delivery_later(delivery, words_of(error, account), error.after)
    except (ReconnectNeeded, OutcomeUnknown) as error:
        _not_connected(delivery, error)
    except Error:
        raise
    except Exception as error:  # noqa: BLE001  (shown on the message)
        log.warning("delivery %s can't be sent: %s", delivery.pk, words_of(error, account))
        delivery_failed(delivery, words_of(error, account))
    else:
        if delivery_clears(delivery):
            _send(delivery, connector, outgoing, may_renew=True)


def _whole(delivery: Delivery) -> Delivery:
    found = Delivery.objects.select_related("message__author", "channel_account", "thread").get(
        pk=delivery.pk
    )
    return thread_follow(found)


def _prepared(delivery: Delivery) -> tuple[Sends, Outgoing]:
    connector = gateway.connector_for(delivery.channel_account)
    if not isinstance(connector, Sends):
        raise NotSupported(say("This network takes no messages from us."))
    return connector, outgoing_of(delivery)


def _send(delivery: Delivery, connector: Sends, outgoing: Outgoing, *, may_renew: bool) -> None:
    account = delivery.channel_account
    try:
        receipt = call_within(SEND_SECONDS, lambda: connector.send(outgoing))
        if not isinstance(receipt, Receipt):
            raise OutcomeUnknown(say("The network gave no receipt."))
    except OutcomeUnknown as error:
        _ask_what_happened(delivery, connector, outgoing, words_of(error, account))
    except RetryLater as error:
        delivery_later(delivery, words_of(error, account), error.after)
    except ReconnectNeeded as error:
        if may_renew and tokens_renewable(account, error) and (renewed := _renewed(delivery)) is not None:
            _send(delivery, renewed, outgoing, may_renew=False)
        else:
            _not_connected(delivery, error)
    except ConnectorError as error:
        delivery_failed(delivery, words_of(error, account))
    except Exception as error:  # noqa: BLE001  (whatever a connector raises: the network is asked what happened)
        told = f"{type(error).__name__}: {words_of(error, account)}"
        log.warning("delivery %s broke off: %s", delivery.pk, told)
        _ask_what_happened(delivery, connector, outgoing, told)
    else:
        delivery_sent(delivery, receipt)


def _renewed(delivery: Delivery) -> Sends | None:
    """The connector with new tokens; None when there are none to be had."""
    try:
        delivery.channel_account = tokens_renew(delivery.channel_account)
    except Error:
        raise
    except Exception as error:  # noqa: BLE001  (then it is not connected, which is told)
        log.warning("no new tokens: %s", words_of(error, delivery.channel_account))
        return None
    connector = gateway.connector_for(delivery.channel_account)
    return connector if isinstance(connector, Sends) else None


def _not_connected(delivery: Delivery, error: Exception) -> None:
    """Surely not sent. It waits until a person has connected the channel again."""
    account = delivery.channel_account
    if isinstance(error, ReconnectNeeded):
        account_needs_reconnect(account, words_of(error, account))
    delivery_later(delivery, words_of(error, account), 60.0)


def _ask_what_happened(delivery: Delivery, connector: Sends, outgoing: Outgoing, error: str) -> None:
    """Only the network knows. Sent: confirmed. Not sent: tried again. Anything else is shown to a person."""
    since = delivery.claimed_at or delivery.created_at
    try:
        found = call_within(SEND_SECONDS, lambda: connector.find_sent(outgoing, since=since))
        if not isinstance(found, FoundSent):
            found = FoundSent("unknown")
    except Exception as problem:  # noqa: BLE001  (whatever goes wrong while asking, the answer is that we don't know)
        found = FoundSent("unknown")
        error = f"{error} ({type(problem).__name__}: {words_of(problem, delivery.channel_account)})"
    if found.state == "sent" and found.receipt is not None:
        delivery_sent(delivery, found.receipt)
    elif found.state == "not_sent":
        delivery_later(delivery, error, 5.0)
    else:
        delivery_unknown(delivery, error)


def orphans_recover(claimer: Claimer, *, limit: int = 50) -> int:
    """Deal with claims whose claimer died: ask the network what happened. Returns how many there were."""
    done = 0
    for delivery in map(_whole, orphans_claim(claimer, limit)):
        done += 1
        try:
            connector, outgoing = _prepared(delivery)
        except Error:
            raise
        except Exception as error:  # noqa: BLE001  (one that can't even be asked for holds up no other)
            delivery_unknown(delivery, words_of(error, delivery.channel_account))
            continue
        _ask_what_happened(delivery, connector, outgoing, "Kith was interrupted while sending this.")
    return done
