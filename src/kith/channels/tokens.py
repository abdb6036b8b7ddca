"""OAuth tokens: renewed by one process at a time, and committed before anybody uses them.

Providers that give a new refresh token with each renewal withdraw the old one. Two refreshers at once would lose the
account, and so would new tokens that are used before they are stored. The lock is one of the session, as no transaction
may be open while the network is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from django.db import Error, connection, transaction

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.durable import stored
from kith.channels.limits import call_within
from kith.connectors.contract import Authorizes, ReconnectNeeded
from kith.connectors.words import say
from kith.networks.models import ChannelAccount

NEAR = 120.0
_TOKEN_FIELDS = ("auth", "access_token")
REFRESH_SECONDS = 60.0


def tokens_near_end(account: ChannelAccount) -> bool:
    """Whether the account's access token ends within two minutes, or has ended."""
    try:
        return float((account.secrets or {}).get("expires_at", "")) - NEAR < now().timestamp()
    except ValueError:
        return False


def tokens_renewable(account: ChannelAccount, error: ReconnectNeeded) -> bool:
    """Whether new tokens may be the answer to `error`: it blames a token, or there is one to renew others with."""
    return error.field in _TOKEN_FIELDS or bool((account.secrets or {}).get("refresh_token"))


def tokens_fresh(account: ChannelAccount) -> ChannelAccount:
    """The account with tokens that are good for a while, renewed if need be. Raises what `tokens_renew` raises."""
    return tokens_renew(account) if tokens_near_end(account) else account


def tokens_renew(account: ChannelAccount) -> ChannelAccount:
    """The account with other tokens than it has here: those that somebody else has renewed by now, or new ones.

    Raises ReconnectNeeded when the provider gives none, RetryLater when it can't be asked.
    """
    held = account.secrets or {}
    with _alone(account):
        account = ChannelAccount.objects.get(pk=account.pk)
        if (account.secrets or {}) != held:
            return account
        connector = gateway.connector_for(account)
        if not isinstance(connector, Authorizes):
            raise ReconnectNeeded(
                say("The network no longer accepts what it was connected with."), field="auth"
            )
        found = dict(call_within(REFRESH_SECONDS, connector.refresh))
        return _stored(account, held, found)


@contextlib.contextmanager
def _alone(account: ChannelAccount) -> Iterator[None]:
    key = [f"tokens:{account.pk}"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 3))", key)
    try:
        yield
    finally:
        # A session that broke holds no lock any more.
        with contextlib.suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 3))", key)


def _stored(account: ChannelAccount, held: Mapping[str, str], found: Mapping[str, str]) -> ChannelAccount:
    """Commit new tokens. They may exist nowhere else, so a database that is away for a moment is waited for."""

    def write() -> ChannelAccount:
        with transaction.atomic():
            row = ChannelAccount.objects.select_for_update(of=("self",)).get(pk=account.pk)
            if (row.secrets or {}) == held:  # else a person has connected it anew meanwhile
                row.secrets = {**held, **found}
                row.save(update_fields=["secrets"])
        return row

    return stored(write)[0]
