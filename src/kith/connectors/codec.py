"""Events as JSON: how the parsing child, which has read hostile bytes, tells its parent what they mean."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from kith.base.text import clean
from kith.connectors import contract
from kith.connectors.contract import BadPayload, Event, Media, Party
from kith.connectors.words import say

_EVENTS: dict[str, type[Any]] = {
    c.kind: c
    for c in (
        contract.MessageReceived,
        contract.MessageEdited,
        contract.MessageDeleted,
        contract.ReactionReceived,
        contract.FollowReceived,
        contract.ProfileUpdated,
        contract.DeliveryChanged,
        contract.StreamGap,
        contract.Ignored,
    )
}
_PARTS: dict[str, type[Any]] = {"parties": Party, "party": Party, "media": Media}
_TUPLES = ("parties", "media", "thread_keys", "bounced", "flags")


@lru_cache(maxsize=64)
def _names(kind: Hashable) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass that travel, with their defaults; a file's bytes travel beside, or as a file by `path`."""
    if not is_dataclass(kind) or not isinstance(kind, type):
        return ()
    return tuple((f.name, f.default) for f in fields(kind) if (kind, f.name) != (Media, "content"))


def _plain(value: Any) -> Any:
    """The value as JSON knows it, its text clean. Asks for the types that nearly all values have first."""
    kind: Any = type(value)
    if kind is str:
        return clean(value)
    if value is None or kind is bool or kind is int:
        return value
    if kind is tuple or kind is list:
        return [_plain(v) for v in value]
    if kind is dict:
        return {clean(str(k)): _plain(v) for k, v in value.items()}
    if names := _names(kind):
        return _record(value, names)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {clean(str(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    if isinstance(value, bytes):
        return clean(value.decode("utf-8", "replace"))
    return clean(value) if isinstance(value, str) else value


def _record(value: Any, names: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """What is not as the field's default: most fields of most people and messages are."""
    out: dict[str, Any] = {}
    for name, default in names:
        found = getattr(value, name)
        if found is default or found == default:
            continue
        out[name] = clean(found) if type(found) is str else _plain(found)
    return out


def event_to_dict(event: Event) -> dict[str, Any]:
    return {"kind": event.kind, **_plain(event)}


def event_from_dict(data: dict[str, Any]) -> Event:
    """Raises BadPayload for anything that is not an event."""
    try:
        values = dict(data)
        made = _EVENTS[values.pop("kind")]
        for name in list(values):
            if name == "at" and values[name] is not None:
                moment = datetime.fromisoformat(values[name])
                values[name] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            elif name in _PARTS and isinstance(values[name], list):
                values[name] = tuple(_part(_PARTS[name], item) for item in values[name])
            elif name in _PARTS:
                values[name] = _part(_PARTS[name], values[name])
            elif name in _TUPLES:
                values[name] = tuple(values[name])
        event: Event = made(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise BadPayload(say("The parser gave something that is no event: {error}", error=error)) from error
    return event


def _part(kind: type[Any], values: dict[str, Any]) -> Any:
    if "flags" in values:
        values = {**values, "flags": tuple(values["flags"])}
    return kind(**values)
