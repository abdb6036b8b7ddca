"""Text with facets: links, mentions and tags that the network keeps as byte ranges of the UTF-8 text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_MENTION = re.compile(r"(?:^|(?<=[\s(]))@([a-zA-Z0-9](?:[a-zA-Z0-9-]*\.)+[a-zA-Z][a-zA-Z0-9-]*)")
_LINK = re.compile(r"(?:^|(?<=[\s(]))https?://[^\s<>\"]+", re.IGNORECASE)
_TAG = re.compile(r"(?:^|(?<=\s))[#＃]([^\s#＃]+)")
_TAIL = ".,;:!?'\"»”’…"
MAX_TAG = 64


def _features(record: Mapping[str, Any]) -> list[tuple[int, int, dict[str, Any]]]:
    found = []
    for facet in record.get("facets") or ():
        index = facet.get("index") if isinstance(facet, dict) else None
        if not isinstance(index, dict):
            continue
        start, end = index.get("byteStart"), index.get("byteEnd")
        features = facet.get("features")
        if (
            isinstance(start, int)
            and isinstance(end, int)
            and 0 <= start < end
            and isinstance(features, list)
        ):
            found += [(start, end, feature) for feature in features if isinstance(feature, dict)]
    return sorted(found, key=lambda one: one[:2])


def read(record: Mapping[str, Any]) -> str:
    """The text of a post with its links written out: apps show them shortened, or behind other words."""
    text = record.get("text")
    raw = (text if isinstance(text, str) else "").encode("utf-8", "replace")
    parts: list[bytes] = []
    done = 0
    for start, end, feature in _features(record):
        address = feature.get("uri")
        if start < done or end > len(raw) or not isinstance(address, str):
            continue
        parts.append(raw[done:start])
        shown = raw[start:end].decode("utf-8", "replace")
        parts.append(_written_out(shown, address).encode("utf-8", "replace"))
        done = end
    return b"".join([*parts, raw[done:]]).decode("utf-8", "replace")


def _written_out(shown: str, address: str) -> str:
    stem = shown.removesuffix("...").removesuffix("…")
    bare = re.sub(r"^https?://(www\.)?", "", address, flags=re.IGNORECASE)
    if stem and (address.startswith(stem) or bare.startswith(re.sub(r"^https?://(www\.)?", "", stem))):
        return address
    return f"{shown} ({address})"


def mentions(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(DID, handle as written) of each person that a post names."""
    raw = str(record.get("text") or "").encode("utf-8", "replace")
    found = []
    for start, end, feature in _features(record):
        did = feature.get("did")
        if isinstance(did, str) and did.startswith("did:"):
            found.append((did, raw[start:end].decode("utf-8", "replace")))
    return found


def facets(text: str, resolve: Callable[[str], str]) -> list[dict[str, Any]]:
    """Facets for a text to send. `resolve(handle)` gives a DID, or "" for nobody (the words then stay plain)."""
    found: list[tuple[int, int, dict[str, str]]] = []
    for match in _LINK.finditer(text):
        address = _trim(match[0])
        feature = {"$type": "app.bsky.richtext.facet#link", "uri": address}
        found.append((match.start(), match.start() + len(address), feature))
    for match in _MENTION.finditer(text):
        if did := resolve(match[1]):
            feature = {"$type": "app.bsky.richtext.facet#mention", "did": did}
            found.append((match.start(), match.end(), feature))
    for match in _TAG.finditer(text):
        tag = match[1].rstrip(_TAIL + ")]}-")
        if tag and not tag.isdigit() and len(tag) <= MAX_TAG:
            feature = {"$type": "app.bsky.richtext.facet#tag", "tag": tag}
            found.append((match.start(), match.start() + 1 + len(tag), feature))
    return [
        {"index": {"byteStart": _byte(text, start), "byteEnd": _byte(text, end)}, "features": [feature]}
        for start, end, feature in sorted(found, key=lambda one: one[:2])
    ]


def _trim(address: str) -> str:
    address = address.rstrip(_TAIL)
    if address.endswith(")") and address.count("(") < address.count(")"):
        address = address[:-1].rstrip(_TAIL)
    return address


def _byte(text: str, index: int) -> int:
    return len(text[:index].encode())
