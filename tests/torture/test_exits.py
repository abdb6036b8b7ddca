"""A connector that ends its process while it reads takes down neither the listeners nor any other channel."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kith.channels import readers
from kith.channels.models import RawItem
from kith.networks.models import ChannelAccount
from tests.support import house
from tests.support.kithprocess import children
from tests.torture.processes import environment, listening

pytestmark = [pytest.mark.torture, pytest.mark.django_db(transaction=True)]


class Feed:
    """A page with one more entry each time it is asked for."""

    def __init__(self) -> None:
        self.asked = 0


@pytest.fixture
def feed() -> Iterator[tuple[Feed, str]]:
    made = Feed()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked += 1
            items = [
                {"id": str(n), "content_text": f"entry {n}", "date_published": "2026-01-01T00:00:00Z"}
                for n in range(made.asked)
            ]
            body = json.dumps(
                {"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": items}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/feed+json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made, f"http://127.0.0.1:{server.server_port}/feed.json"
    finally:
        server.shutdown()
        server.server_close()


def until(told: Callable[[], object], why: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, why
        time.sleep(0.1)


def says(account: ChannelAccount) -> str:
    row = ChannelAccount.objects.get(pk=account.pk)
    return row.health.last_error if hasattr(row, "health") else ""


@pytest.mark.parametrize("mode", ["exits", "killed"])
def test_it_ends_its_own_process_alone(
    mode: str, feed: tuple[Feed, str], database_url: str, kith_home: Path
) -> None:
    source, address = feed
    bad = house.account("hostile", external_id="bad", settings={"mode": mode, "where": "fetch"})
    from kith.networks.models import ChannelHealth

    ChannelHealth.objects.get_or_create(channel_account=bad)
    good = house.account("feeds", external_id=address, settings={"url": address})
    environ = environment(database_url, kith_home)
    with listening(environ) as listener:
        until(lambda: "ended its process" in says(bad), "its page says what happened")
        until(lambda: RawItem.objects.filter(channel_account=good).exists(), "the other channel is read")
        until(lambda: RawItem.objects.filter(channel_account=good, state="done").exists(), "and understood")
        assert listener.poll() is None
        keeper = [pid for pid in children(listener.pid) if len(children(pid)) > 0]
        assert keeper, "the readers are processes of their own"
        before = source.asked
        # The one who did it is alone now: it dies on, and the others are not disturbed.
        readers_before = set(children(keeper[0]))
        deaths = ChannelAccount.objects.get(pk=bad.pk).health.failures_in_a_row
        until(
            lambda: ChannelAccount.objects.get(pk=bad.pk).health.failures_in_a_row > deaths, "it dies again"
        )
        assert readers_before & set(children(keeper[0])), "the process of the others lives on"
        assert source.asked >= before
        assert listener.poll() is None
        assert ChannelAccount.objects.get(pk=bad.pk).state == "active"


def test_a_normal_end_leaves_no_process(database_url: str, kith_home: Path) -> None:
    environ = environment(database_url, kith_home)
    with listening(environ, "gentle") as listener:
        until(lambda: any(children(pid) for pid in children(listener.pid)), "there are readers")
        below = [pid for child in children(listener.pid) for pid in (child, *children(child))]
        listener.send_signal(signal.SIGTERM)
        assert listener.wait(30) == 0
        until(
            lambda: not [pid for pid in below if _lives(pid)],
            "none of its processes is left behind",
            seconds=10,
        )


def _lives(pid: int) -> bool:
    """Whether it still does something; one that has ended stands in the table until whoever inherited it looks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_marks_are_shared_and_cleared() -> None:
    import uuid

    marks, one, two = readers.Marks(), uuid.uuid4(), uuid.uuid4()
    place = marks.put(one)
    marks.put(two)
    child = os.fork()
    if child == 0:
        marks.clear(place)
        os._exit(0)
    os.waitpid(child, 0)
    assert marks.ids() == {two}
    marks.become({one})
    assert marks.ids() == {one}
    for _ in range(readers.PLACES):
        marks.put(uuid.uuid4())
    assert marks.put(two) is None
    marks.clear(None)
