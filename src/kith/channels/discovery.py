"""Settings found from an address, for networks whose folder knows how (a module `discover` with `discover`,
`http_get` and `dns_resolve`); and what a README says."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import get_language

from kith.channels import gateway, progress
from kith.channels.words import in_words
from kith.connectors import manifest as manifests
from kith.connectors.contract import OwnIdentity
from kith.connectors.words import say
from kith.networks.selectors import manifest_of

TRIES = 5
_TYPED = ("auth", "provider")  # how one signs in is what the person chose


def can_discover(network: str) -> bool:
    """Whether settings can be found from the value of the field `address`."""
    return manifest_of(network) is not None and _module(network) is not None


@cache
def _module(network: str) -> Any:
    name = f"kith.connectors.{network}.discover"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def found_for(network: str, address: str) -> list[dict[str, str]]:
    """Values of settings by name, best first, each with `source` (words) and perhaps `guess`; never raises."""
    module = _module(network)
    if module is None:
        return []
    fields = {field.name for field in manifests.manifests()[network].fields}
    if "@" in address:
        progress.tell(say("Looking for the servers of {domain}", domain=address.rpartition("@")[2].strip()))
    return [
        {
            key: in_words(str(value)) if key == "source" else str(value)
            for key, value in dataclasses.asdict(candidate).items()
            if value not in ("", None, False) and key in fields | {"source", "guess"}
        }
        for candidate in module.discover(address, module.http_get(gateway.http), module.dns_resolve)
    ]


def check_found(
    network: str, values: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[OwnIdentity, dict[str, str]]:
    """Try what was found, best first, until one works: who we are there, and the settings that worked.

    Raises ChannelError: the first that blames a credential (the server is right then), else the last.
    """
    last: gateway.ChannelError | None = None
    for candidate in found_for(network, values.get("address", ""))[:TRIES]:
        servers = {key: value for key, value in candidate.items() if key not in ("source", "guess", *_TYPED)}
        settings = {**values, **servers}
        try:
            return gateway.check(network, settings, secrets), settings
        except gateway.ChannelError as error:
            if error.kind == "ReconnectNeeded":
                raise
            progress.failed(str(error))
            last = error
    raise last or gateway.ChannelError(
        say("No servers were found for this address. Give them under the advanced settings."), field="address"
    )


def readme(network: str) -> str:
    """The connector's README (Markdown) in the reader's language, else in English; "" when it has none."""
    if manifest_of(network) is None:
        return ""
    language = (get_language() or "en").partition("-")[0]
    folder = Path(manifests.FOLDER) / network
    for path in (folder / f"README.{language}.md", folder / "README.md"):
        if path.exists():
            return path.read_text(encoding="utf-8")
    return ""
