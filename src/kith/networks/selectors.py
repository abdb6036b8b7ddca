"""Reads about networks and channel accounts; the only room but `channels` that knows manifests."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils.translation import get_language, gettext

from kith.connectors.manifest import Manifest, manifests
from kith.core.asking import Ask
from kith.networks.models import ChannelAccount
from kith.policy.types import NetworkRules
from kith.teams.types import Viewer

NetworkManifest = Manifest
"""For rooms that may not import connectors."""


_told: dict[tuple[str, str], tuple[Manifest, Manifest]] = {}


def manifest_of(network: str) -> Manifest | None:
    """The manifest, its texts in the reader's language."""
    manifest = manifests().get(network)
    return manifest and _in_words_of(manifest, get_language() or "en")


def only_public(network: str) -> bool:
    """Whether everybody can read whatever is sent there."""
    manifest = manifest_of(network)
    return manifest is not None and not manifest.limits.private_messages


def _in_words_of(manifest: Manifest, language: str) -> Manifest:
    if language.startswith("en"):
        return manifest
    original, told = _told.get((manifest.name, language), (None, manifest))
    if original is not manifest:
        told = _translated(manifest)
        _told[manifest.name, language] = (manifest, told)
    return told


def _translated(manifest: Manifest) -> Manifest:
    def say(text: str) -> str:
        return gettext(text) if text else ""  # "" would be the header of the translations

    limits = manifest.limits
    return replace(
        manifest,
        title=say(manifest.title),
        summary=say(manifest.summary),
        fields=tuple(replace(item, label=say(item.label), help=say(item.help)) for item in manifest.fields),
        limits=replace(
            limits,
            reasons={name: say(reason) for name, reason in limits.reasons.items()},
            audiences={name: say(words) for name, words in limits.audiences.items()},
        ),
    )


def offered() -> list[Manifest]:
    """Networks that a person can connect, by title."""
    found = (manifest for name in manifests() if (manifest := manifest_of(name)) is not None)
    return sorted((m for m in found if m.availability != "internal"), key=lambda m: m.title)


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
        may_link_identity=limits.may_link_identity,
        may_infer=limits.may_infer,
    )


def channel_accounts_for(viewer: Viewer) -> QuerySet[ChannelAccount]:
    """Accounts whose scope the viewer sees, removed ones left out."""
    return (
        ChannelAccount.objects.filter(scope_id__in=viewer.scope_ids)
        .exclude(state=ChannelAccount.State.REMOVED)
        .order_by("name", "id")
    )


class AccountName(NamedTuple):
    """A channel account as a way to answer, without its secrets."""

    id: uuid.UUID
    name: str
    address: str
    network: str
    scope_id: uuid.UUID
    state: str


_ACCOUNTS = """
SELECT id, name, address, network, scope_id, state FROM networks_channelaccount
WHERE scope_id = ANY (%(scopes)s) AND state <> 'removed' ORDER BY name, id
"""


def channel_accounts_ask(viewer: Viewer) -> Ask:
    """The accounts of `channel_accounts_for`, as AccountName, to be asked together with other lists."""
    return Ask(
        _ACCOUNTS, {"scopes": list(viewer.scope_ids)}, lambda rows: [AccountName(*row) for row in rows]
    )


def limited_networks() -> list[tuple[str, str, int, str]]:
    """(name, title, days, reason) of every network that limits how long what came from it may be kept."""
    found = (manifest for name in manifests() if (manifest := manifest_of(name)) is not None)
    return [
        (m.name, m.title, m.limits.retention_days, m.limits.reasons.get("retention_days", ""))
        for m in found
        if m.limits.retention_days is not None
    ]
