"""Where is listened, channel by channel, and what is out of reach there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min
from django.utils.translation import gettext as _

from kith.listening.models import Search
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of


@dataclass(frozen=True, slots=True)
class Source:
    """One channel of ours as a place to listen. `oldest`: since when its slowest question waits for an answer."""

    name: str
    network: str
    title: str
    says: str
    searches: int
    waiting: int
    failing: int
    oldest: datetime | None
    newest: datetime | None


def sources() -> list[Source]:
    """Every channel on which something is said in public."""
    numbers: dict[uuid.UUID, dict[str, Any]] = {
        row["channel_account"]: dict(row)
        for row in Search.objects.values("channel_account").annotate(
            n=Count("id"), oldest=Min("answered_at"), newest=Max("answered_at")
        )
    }
    failing = dict(Search.objects.exclude(error="").values_list("channel_account").annotate(n=Count("id")))
    waiting = dict(
        Search.objects.filter(answered_at=None).values_list("channel_account").annotate(n=Count("id"))
    )
    found = []
    for account in ChannelAccount.objects.filter(state=ChannelAccount.State.ACTIVE).order_by("name"):
        manifest = manifest_of(account.network)
        if manifest is None or manifest.medium != "public":
            continue
        row: dict[str, Any] = numbers.get(account.pk, {})
        found.append(
            Source(
                name=account.name,
                network=account.network,
                title=manifest.title,
                says=_says(account, searchable="listens" in manifest.capabilities),
                searches=row.get("n", 0),
                waiting=waiting.get(account.pk, 0),
                failing=failing.get(account.pk, 0),
                oldest=row.get("oldest"),
                newest=row.get("newest"),
            )
        )
    return found


def _says(account: ChannelAccount, *, searchable: bool) -> str:
    if account.settings.get("simulated"):
        return _("Played by the simulator: what it says in public is found.")
    if searchable:
        return _(
            "What is said to us in public, and what the network's own search finds, asked about once a minute."
        )
    return _("Only what is said to us in public. This network is not searched.")
