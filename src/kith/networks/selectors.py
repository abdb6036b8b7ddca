"""Reads about networks and channel accounts; the only room but `channels` that knows manifests."""

from __future__ import annotations

from django.db.models import QuerySet

from kith.connectors.manifest import Manifest, manifests
from kith.networks.models import ChannelAccount
from kith.policy.types import NetworkRules
from kith.teams.types import Viewer

NetworkManifest = Manifest
"""For rooms that may not import connectors."""


def manifest_of(network: str) -> Manifest | None:
    return manifests().get(network)


def offered() -> list[Manifest]:
    """Networks that a person can connect, by title."""
    return sorted((m for m in manifests().values() if m.availability != "internal"), key=lambda m: m.title)


def network_rules(network: str) -> NetworkRules:
    """What the gate must know of a network; unknown ones take nothing."""
    manifest = manifest_of(network)
    if manifest is None:
        return NetworkRules(title=network, sends=False)
    limits = manifest.limits
    return NetworkRules(
        title=manifest.title,
        text_length=limits.text_length,
        reply_window_hours=limits.reply_window_hours,
        may_start_conversation=limits.may_start_conversation,
        automatic_reply=limits.automatic_reply,
        sends="sends" in manifest.capabilities,
    )


def channel_accounts_for(viewer: Viewer) -> QuerySet[ChannelAccount]:
    """Accounts whose scope the viewer sees, removed ones left out."""
    return (
        ChannelAccount.objects.filter(scope_id__in=viewer.scope_ids)
        .exclude(state=ChannelAccount.State.REMOVED)
        .order_by("name", "id")
    )
