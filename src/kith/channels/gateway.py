"""Connectors, made from channel accounts; what they raise, told in words that rooms above may know."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Mapping

import httpx
from django.conf import settings as django_settings

from kith.base.http import address_is_public, client
from kith.channels import progress
from kith.channels.limits import words_without
from kith.channels.words import in_words
from kith.connectors import registry
from kith.connectors.contract import (
    Authorizes,
    Connector,
    ConnectorError,
    NotSupported,
    OwnIdentity,
    Refused,
    Setup,
)
from kith.connectors.words import say
from kith.core import company
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import User


class ChannelError(Exception):
    """Why a channel can't be used, in the reader's language; `field` is the setting or secret to blame, if one is."""

    def __init__(self, message: str, *, field: str = "", kind: str = "") -> None:
        super().__init__(in_words(message))
        self.field, self.kind = field, kind


def _allowed() -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(django_settings.KITH.networks)


def http(*, headers: dict[str, str] | None = None, follow_redirects: bool = False) -> httpx.Client:
    """A guarded client that may also reach the networks the operator allowed."""
    made = client(allowed=_allowed(), headers=headers, follow_redirects=follow_redirects)
    made.event_hooks["request"].append(_tell_host)
    return made


def _tell_host(request: httpx.Request) -> None:
    progress.tell(say("Asking {host}", host=request.url.host))


def guard(host: str, port: int) -> list[str]:
    """Addresses of a host that may be connected to; raises Refused when any is inside our own network."""
    try:
        found = [str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Refused(say("There is no server called {host}.", host=repr(host)), field="host") from error
    inside = [address for address in found if not address_is_public(address, _allowed())]
    if inside or not found:
        raise Refused(
            say(
                "{host} is {words}, an address inside a private network. If it is yours, name it in KITH_ALLOWED_NETWORKS.",
                host=host,
                words=", ".join(inside),
            ),
            field="host",
        )
    return list(dict.fromkeys(found))


def own_identity(account: ChannelAccount) -> OwnIdentity | None:
    if not account.external_id:
        return None
    return OwnIdentity(
        account.external_id, account.address, account.display_name, account.realm, dict(account.details)
    )


def parse_settings(account: ChannelAccount) -> dict[str, str]:
    """The settings that parsing may know: all but secrets, with our other addresses."""
    values = {str(k): str(v) for k, v in account.settings.items()}
    if account.aliases:
        values["aliases"] = ",".join(account.aliases)
    if values.get("dropbox"):
        found = User.objects.filter(is_active=True).values_list("email", flat=True)
        values["colleagues"] = ",".join(sorted(found))
    manifest = manifest_of(account.network)
    base = company.public_url() if manifest and any(f.own_address for f in manifest.fields) else ""
    for field in manifest.fields if manifest and base else ():
        if field.own_address and not values.get(field.name):
            values[field.name] = f"{base}/hooks/{account.pk}/"
    return values


def is_simulated(account: ChannelAccount) -> bool:
    """Whether an account of any network is played by the simulator: nothing of it leaves the house."""
    return bool(account.settings.get("simulated"))


def connector_name(account: ChannelAccount) -> str:
    return "simulator" if is_simulated(account) else account.network


def connector_for(account: ChannelAccount) -> Connector:
    """Raises ChannelError when there is no such network (any more)."""
    try:
        return registry.make(
            connector_name(account),
            Setup(
                settings=parse_settings(account),
                secrets=account.secrets or {},
                http=http,
                guard=guard,
                own=own_identity(account),
                history_since=account.history_since,
            ),
        )
    except NotSupported as error:
        raise ChannelError(str(error), kind="not_supported") from error


def check(network: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> OwnIdentity:
    """Really connect with these values. Raises ChannelError that blames a field."""
    try:
        return registry.make(
            network,
            Setup(settings=dict(settings), secrets=dict(secrets), http=http, guard=guard, tell=progress.tell),
        ).check()
    except (ConnectorError, OSError, httpx.HTTPError) as error:
        raise _told(error, secrets) from error


@contextlib.contextmanager
def named_errors(secrets: Mapping[str, str] | None = None) -> Iterator[None]:
    """What a connector raises inside the block, as a ChannelError that blames a field and holds none of `secrets`."""
    try:
        yield
    except (ConnectorError, OSError, httpx.HTTPError) as error:
        raise _told(error, secrets or {}) from error


def _told(error: Exception, secrets: Mapping[str, str]) -> ChannelError:
    said = words_without(error, secrets.values())
    if isinstance(error, ConnectorError):
        return ChannelError(said, field=error.field, kind=type(error).__name__)
    return ChannelError(say("No answer: {error}", error=said), kind="RetryLater")


def authorizer(network: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> Authorizes:
    """The connector as one that signs in by OAuth. Raises ChannelError where the network has none."""
    made = registry.make(
        network, Setup(settings=dict(settings), secrets=dict(secrets), http=http, guard=guard)
    )
    if not isinstance(made, Authorizes):
        raise ChannelError(say("This network does not sign in that way."), kind="NotSupported")
    return made
