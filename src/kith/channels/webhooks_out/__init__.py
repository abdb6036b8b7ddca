"""Tells other people's programs of our events: small, signed (Standard Webhooks), tried again for three days.

What is told is what happened and to which ids; the program reads the rest over the API, with what its token may see.
A subscription is told only of what the colleague who made it may see (law 11). `webhook-id` stays the same over every
try, so that a receiver can tell a repetition. What waits is told in order: from the first that fails on, the rest waits.
"""

from kith.channels.webhooks_out.delivering import (
    PAUSES,
    deliveries_forget,
    delivery_again,
    delivery_skip,
    headers_of,
    ping,
    ping_send,
    ping_soon,
    send,
    sent_as,
)
from kith.channels.webhooks_out.subscriptions import (
    KINDS,
    PING,
    TITLES,
    WebhookError,
    subscription_create,
    subscription_new_secret,
    subscription_remove,
    subscription_secret,
    subscription_update,
)
from kith.channels.webhooks_out.telling import handle, subscribe

__all__ = [
    "KINDS",
    "PAUSES",
    "PING",
    "TITLES",
    "WebhookError",
    "deliveries_forget",
    "delivery_again",
    "delivery_skip",
    "handle",
    "headers_of",
    "ping",
    "ping_send",
    "ping_soon",
    "send",
    "sent_as",
    "subscribe",
    "subscription_create",
    "subscription_new_secret",
    "subscription_remove",
    "subscription_secret",
    "subscription_update",
]
