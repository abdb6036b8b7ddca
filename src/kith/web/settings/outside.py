"""What has to be put elsewhere for a channel to work: its hook's address, the line for one's own pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from kith.channels import gateway
from kith.channels.deletion_requests import deletion_url
from kith.channels.hooks import hook_url
from kith.core import company
from kith.networks.models import ChannelAccount
from kith.networks.selectors import NetworkManifest


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses are "" while there is no public address; `pushed` and `shown` say what would need one."""

    pushed: bool  # the network, or a program, sends to us
    shown: bool  # visitors' browsers load a part of us
    hook: str = ""
    snippet: str = ""
    form: str = ""
    deletion: str = ""  # where the network tells that somebody wants their data deleted


def outside(account: ChannelAccount, manifest: NetworkManifest | None) -> Outside | None:
    """None where nothing has to be put anywhere."""
    if manifest is None or gateway.is_simulated(account):
        return None
    pushed, shown = bool({"webhooks", "deletion_requests"} & manifest.capabilities), manifest.visitors
    if not (pushed or shown):
        return None
    base = company.public_url()
    if not base:
        return Outside(pushed, shown)
    script = f"{base}{reverse('chat-widget', args=[account.pk])}" if shown else ""
    return Outside(
        pushed,
        shown,
        hook=hook_url(account) if "webhooks" in manifest.capabilities else "",
        snippet=f'<script src="{script}" async></script>' if shown else "",
        form=f"{base}{reverse('chat-form', args=[account.pk])}" if shown else "",
        deletion=deletion_url(account),
    )
