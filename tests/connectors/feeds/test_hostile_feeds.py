"""Feeds that were written to keep their reader busy: one process reads for many channels, and must not be held up."""

from __future__ import annotations

import contextlib
import time

import pytest

from kith.connectors.contract import BadPayload
from kith.connectors.feeds import document

HEAD = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>tag:x,1</id><title>One</title></entry>'
CUT = HEAD + b"<entry><id>tag:x,2</id><title>Two</title></entry>"  # what is cut off loses its last entry
BUSY = {
    "comments behind the end": HEAD + b"</feed>" + b"<!---->" * 28 + b"<",
    "tombstones without end": CUT + b"<deleted-entry " * 40_000,
    "an attribute without end": HEAD + b"<deleted-entry " + b"a" * 200_000 + b"></feed>",
}


@pytest.mark.parametrize("name", BUSY)
def test_a_feed_does_not_choose_how_long_it_takes(name: str) -> None:
    began = time.process_time()
    with contextlib.suppress(BadPayload):
        document.read(BUSY[name], url="https://feeds.example/", content_type="application/xml")
    assert time.process_time() - began < 3


def test_an_end_with_comments_behind_it_is_an_end_and_tombstones_are_read() -> None:
    gone = b'<at:deleted-entry xmlns:at="x" ref="tag:x,2" when = \'2026-01-01T00:00:00Z\'/>'
    broken = (
        HEAD.replace(b"One", b"One &nbsp; <b>") + gone + b"</feed> <!-- made in 3 ms -->\n<!-- by hand -->\n"
    )
    read = document.read(broken, url="https://feeds.example/", content_type="application/xml")
    assert [entry["id"] for entry in read.entries] == ["tag:x,1"]
    assert read.deleted == [{"id": "tag:x,2", "at": "2026-01-01T00:00:00Z"}]
