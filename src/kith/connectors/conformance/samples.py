"""Events as JSON, for the files that lie beside the fixtures; only what differs from its default is written."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from kith.connectors.contract import Connector, Event, RawItem

EXPECTED = ".expected.json"


def plain(value: Any) -> Any:
    """JSON for a value of the contract: times in ISO 8601, bytes as their length and SHA-256."""
    if isinstance(value, bytes):
        return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def _fields(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if kind := getattr(type(value), "kind", ""):
        found["kind"] = kind
    for item in dataclasses.fields(value):
        now = getattr(value, item.name)
        default = item.default
        if item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        if default is dataclasses.MISSING or now != default:
            found[item.name] = plain(now)
    return found


def events_as_json(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [plain(event) for event in events]


def fixtures(folder: Path) -> list[Path]:
    """The recorded items of a connector's folder: `fixtures/inbound/NAME.*`, without what is expected of them."""
    inbound = folder / "fixtures" / "inbound"
    notes = (".md", ".txt", ".license")
    return sorted(
        path
        for path in (inbound.iterdir() if inbound.is_dir() else ())
        if path.is_file() and not path.name.endswith(EXPECTED) and path.suffix not in notes
    )


def expected_path(fixture: Path) -> Path:
    """`mention.json` is expected to become what `mention.expected.json` says."""
    return fixture.with_name(fixture.stem + EXPECTED)


def raw_item(fixture: Path) -> RawItem:
    """The item of a fixture: its bytes, with the id, time and meta that the expected file's "item" gives."""
    said: dict[str, Any] = {}
    expected = expected_path(fixture)
    if expected.exists():
        said = json.loads(expected.read_text(encoding="utf-8")).get("item", {})
    at = datetime.fromisoformat(said["at"]) if said.get("at") else None
    return RawItem(
        external_id=said.get("external_id", fixture.stem),
        body=fixture.read_bytes(),
        at=at,
        meta=said.get("meta", {}),
    )


def write_expected(fixture: Path, connector: Connector) -> None:
    """Write what a connector now makes of a fixture; to be read with care before it is kept."""
    path = expected_path(fixture)
    said = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    said["events"] = events_as_json(connector.parse(raw_item(fixture)))
    path.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
