"""Every file of feedparser's own tests, and bombs: nothing raises but by name, and nothing takes long."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tests.support.shared import shared_data

from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import BadPayload, MessageReceived, RawItem, Setup
from kith.connectors.feeds import connector, document
from kith.connectors.feeds.connector import Connector


def _connector() -> Connector:
    settings = {"url": "https://blog.example/feed"}
    return Connector(Setup(settings=settings, secrets={}, http=loopback_http(), guard=loopback_guard))


def _messages(read: document.Document) -> list[MessageReceived]:
    made = _connector()
    found = []
    for entry in read.entries:
        item = connector._item(read, entry, edited=False)
        json.dumps(dict(item.meta))
        found += [event for event in made.parse(item) if isinstance(event, MessageReceived)]
    return found


def test_every_file_of_the_corpus_is_read() -> None:
    files = sorted(path for path in shared_data("feeds").joinpath("tests").rglob("*") if path.is_file())
    assert len(files) > 1000
    feeds = messages = 0
    slowest = 0.0
    for path in files:
        began = time.process_time()
        try:
            read = document.read(
                path.read_bytes(), url="https://blog.example/feed", content_type="application/xml"
            )
        except BadPayload:
            continue
        found = _messages(read)
        slowest = max(slowest, time.process_time() - began)
        assert len(found) == len(read.entries), path.name
        feeds += 1
        messages += len(found)
        for message in found:
            assert message.external_id, path.name
            assert message.thread_keys, path.name
            assert message.at.tzinfo is not None, path.name
            assert message.parties[0].external_id, path.name
            assert message.parties[0].verified == "none"
            message.text.encode()
    assert feeds > 1150, f"only {feeds} of {len(files)} files could be read"
    assert messages > 850
    assert slowest < 2


def _entity_bomb() -> bytes:
    levels = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    head = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "lol">' + levels + b"]>"
    return (
        head
        + b"<rss version='2.0'><channel><title>&l9;</title><item><title>&l9;</title></item></channel></rss>"
    )


BOMBS = {
    "entities": _entity_bomb(),
    "external entity": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><item>'
    b"<title>&x;</title><guid>1</guid></item></channel></rss>",
    "nested divs": b"<rss version='2.0'><channel><item><description>"
    + b"&lt;div&gt;" * 200_000
    + b"</description></item></channel></rss>",
    "open items": b"<rss version='2.0'><channel>" + b"<item>" * 200_000,
    "deep xml": b"<rss version='2.0'><channel><item>" + b"<a>" * 100_000,
    "many": b"<rss version='2.0'><channel>" + b"<item><guid>%d</guid></item>" * 100_000 + b"</channel></rss>",
    "wide JSON": b'{"version": "https://jsonfeed.org/version/1.1", "items": [' + b"{}," * 200_000 + b"{}]}",
    "deep JSON": b'{"items": ' + b"[" * 200_000,
    "tombstones": b"<feed xmlns='http://www.w3.org/2005/Atom'>" + b"<at:deleted-entry ref=" * 100_000,
    "attributes": b"<feed><deleted-entry " + b"a=" * 500_000,
    "comments": b"<!--" * 300_000,
    "NUL": b"\x00" * 100_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_harmless(name: str) -> None:
    began = time.process_time()
    try:
        read = document.read(BOMBS[name], url="https://blog.example/feed")
        messages = _messages(read)
        assert len(messages) <= document.MAX_ENTRIES
        assert all(len(message.text) <= document.MAX_FIELD for message in messages)
        assert all("root:" not in message.text for message in messages)
    except BadPayload:
        pass
    assert not document.looks_like_page(BOMBS[name])
    assert time.process_time() - began < 10


def test_a_feed_beyond_the_limit_is_refused() -> None:
    with pytest.raises(BadPayload, match="longer than"):
        document.read(b" " * (document.MAX_BYTES + 1), url="https://blog.example/feed")


def test_an_item_of_the_corpus_survives_json(tmp_path: Path) -> None:
    with pytest.raises(BadPayload):
        _connector().parse(RawItem("x", b'{"feed": {}, "entry": {"id": 3}}'))
