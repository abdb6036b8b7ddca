"""`manifest.toml`: what a network is, can do, needs and forbids. Loaded without importing the connector."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

Medium = Literal["mail", "chat", "sms", "phone", "letter", "public"]
Capability = Literal[
    "authorizes",
    "polls",
    "waits",
    "streams",
    "webhooks",
    "sends",
    "finds",
    "edits",
    "deletes",
    "listens",
    "publishes",
    "deletion_requests",
]
FOLDER = Path(__file__).parent


class ManifestError(ValueError):
    """A manifest that can't be read; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value a person gives when connecting. `secret` values are encrypted at rest and never shown again."""

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    kind: Literal["text", "password", "url", "email", "host", "port", "choice", "bool", "textarea"] = "text"
    default: str = ""
    choices: tuple[str, ...] = ()
    advanced: bool = False
    choose_from: str = ""  # a detail that `check` tells (names, one a line) to choose this from
    own_address: bool = False  # Kith fills in the address at which it takes this account's webhooks


@dataclass(frozen=True, slots=True)
class Limits:
    """What the network can't do or forbids; the core enforces it and shows the reason. None: no limit."""

    text_length: int | None = None
    length_unit: Literal["characters", "graphemes", "bytes"] = "characters"
    reply_window_hours: int | None = None
    retention_days: int | None = None
    media_count: int | None = None
    media_bytes: int | None = None
    may_start_conversation: bool = True
    private_messages: bool = True  # False: whatever is sent there can be read by everybody
    may_link_identity: bool = True
    may_infer: bool = True
    automatic_reply: bool = True
    supports_html: bool = False
    supports_subject: bool = False
    supports_attachments: bool = True
    supports_content_warning: bool = False
    supports_alt_text: bool = False
    audiences: dict[str, str] = field(
        default_factory=dict
    )  # who a public post may be for: name -> words for a person
    cost_per_call: str = ""
    reasons: dict[str, str] = field(default_factory=dict)  # limit name -> a sentence for a person


@dataclass(frozen=True, slots=True)
class Manifest:
    name: str
    title: str
    icon: str  # a Lucide icon's name
    medium: Medium
    summary: str
    capabilities: frozenset[Capability]
    fields: tuple[Field, ...]
    limits: Limits
    poll_seconds: int = 60
    realm_from: str = ""  # the setting that names the realm of ids, if ids are unique per server
    handle_prefix: str = ""
    availability: Literal["open", "approval", "internal"] = "open"
    visitors: bool = False  # people reach it by a window or form that we serve ourselves


def load(path: Path) -> Manifest:
    """Read one manifest; raises ManifestError in words."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        fields = tuple(
            Field(**{**item, "choices": tuple(item.get("choices", ()))}) for item in data.pop("fields", [])
        )
        limits = Limits(**data.pop("limits", {}))
        capabilities = frozenset(data.pop("capabilities"))
        manifest = Manifest(fields=fields, limits=limits, capabilities=capabilities, **data)
    except (OSError, tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise ManifestError(f"{path}: {error}") from error
    if unknown := capabilities - set(get_args(Capability)):
        raise ManifestError(f"{path}: unknown capabilities {sorted(unknown)}")
    if manifest.medium not in get_args(Medium):
        raise ManifestError(f"{path}: unknown medium {manifest.medium!r}")
    if manifest.name != path.parent.name:
        raise ManifestError(f"{path}: the name {manifest.name!r} is not that of its folder")
    return manifest


@cache
def manifests() -> dict[str, Manifest]:
    """Every connector's manifest by name."""
    found = (load(path) for path in sorted(FOLDER.glob("*/manifest.toml")))
    return {manifest.name: manifest for manifest in found}


def of(folder: str | Path) -> Manifest:
    """The manifest that lies beside a connector's module: `manifest = of(__file__)`."""
    return load(Path(folder).resolve().parent / "manifest.toml")
