"""A channel is read while the processes that read and parse are killed: what arrives is what the source has."""

from __future__ import annotations

import contextlib
import http.server
import json
import queue
import random
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kith.channels.models import RawItem
from kith.conversations.models import Message, MessageCopy
from tests.support import house
from tests.support.telling import Tell
from tests.torture.processes import Nursery, environment

pytestmark = [pytest.mark.torture, pytest.mark.django_db(transaction=True)]
OVERLAP, PAGE = 2, 5
PATIENCE = 240.0  # seconds in which something happens, even on a busy machine
# A page that was asked for; that has come by half; that has come and is being stored; or the parser, at its work.
MOMENTS = ("asked for", "half there", "being stored", "being parsed")


@dataclass
class Held:
    """A page that waits until `over` is set; `moment` is one of the first three."""

    moment: str
    over: threading.Event = field(default_factory=threading.Event)


class Source:
    """Serves numbers by pages, slowly, and repeats the last two of the page before, as many networks do.

    `stops`: which pages, counted from 0, wait in `held` until they are let go.
    """

    def __init__(self, count: int, stops: Iterable[int]) -> None:
        self.count, self.pages, self.held = count, 0, queue.Queue[Held]()
        self._stops = {page: MOMENTS[number % 3] for number, page in enumerate(sorted(stops))}
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who asked is dead
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def hold(self, number: int, moment: str) -> None:
        if self._stops.get(number) == moment:
            held = Held(moment)
            self.held.put(held)
            held.over.wait()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                after, limit = int(asked["after"]), int(asked["limit"])
                number, source.pages = source.pages, source.pages + 1
                end = min(after + limit, source.count)
                source.hold(number, "asked for")
                time.sleep(random.uniform(0, 0.01))
                found = list(range(max(0, after - OVERLAP), end))
                body = json.dumps({"items": found, "next": end, "more": end < source.count}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:10])
                self.wfile.flush()
                source.hold(number, "half there")
                self.wfile.write(body[10:])
                self.wfile.flush()
                source.hold(number, "being stored")

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def size(full: bool) -> tuple[int, int]:
    """How many items, how many kills."""
    return (10_000, 200) if full else (1_000, 10)


@pytest.fixture
def source(size: tuple[int, int]) -> Iterator[Source]:
    items, kills = size
    step = items // PAGE * 3 // 4 // kills
    made = Source(items, [step * n + random.randrange(step) for n in range(kills)])
    yield made
    made.close()


def _wait_until(check: Callable[[], object], tell: Callable[[], object]) -> None:
    """As long as `tell` changes, it may take its time."""
    last, end = tell(), time.monotonic() + PATIENCE
    while not check():
        if (now := tell()) != last:
            last, end = now, time.monotonic() + PATIENCE
        assert time.monotonic() < end, last
        time.sleep(0.02)


def test_what_arrives_is_what_the_source_has(
    size: tuple[int, int],
    source: Source,
    database_url: str,
    kith_home: Path,
    tmp_path: Path,
    tell: Tell,
    figures: Callable[[dict[str, object]], None],
) -> None:
    random.seed(5)
    items, kills = size
    house.account("hostile", settings={"count": "0"})
    environ = environment(database_url, kith_home, TORTURE_SOURCE=source.url, TORTURE_PAGE=str(PAGE))
    nursery = Nursery(environ, tmp_path / "log")
    begun, moments = time.monotonic(), Counter[str]()
    processes = {"read": nursery.fork("read"), "parse": nursery.fork("parse")}

    def kill(what: str, moment: str) -> None:
        nursery.kill(processes[what])
        moments[moment] += 1
        processes[what] = nursery.fork(what)

    try:
        for killed in range(1, kills + 1):
            try:
                held = source.held.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"nothing is read any more: {RawItem.objects.count()}") from None
            if killed % 4 == 0:
                held.over.set()
                _wait_until(
                    RawItem.objects.filter(state="new").exists,
                    lambda: (source.pages, RawItem.objects.count()),
                )
                kill("parse", "being parsed")
            else:
                if held.moment == "being stored":
                    time.sleep(random.uniform(0, 0.02))
                kill("read", held.moment)
                held.over.set()
            if killed % max(5, kills // 20) == 0:
                tell(
                    f"{RawItem.objects.count()} of {items} items stored, {Message.objects.count()} parsed, "
                    f"{killed} of {kills} processes killed"
                )
        _wait_until(
            lambda: Message.objects.count() >= items and not RawItem.objects.filter(state="new").exists(),
            lambda: (source.pages, RawItem.objects.count(), Message.objects.count()),
        )
    finally:
        for child in processes.values():
            nursery.kill(child)
        nursery.close()
        with contextlib.suppress(queue.Empty):
            while True:
                source.held.get_nowait().over.set()
    counted: dict[str, object] = {
        "items": items,
        "killed": kills,
        "while a page was": dict(moments),
        "pages": source.pages,
        "seconds": round(time.monotonic() - begun),
    }
    tell(json.dumps(counted))
    figures(counted)
    wanted = sorted(f"hostile:{n}" for n in range(items))
    assert sorted(RawItem.objects.values_list("external_id", flat=True)) == wanted
    assert sorted(Message.objects.values_list("external_id", flat=True)) == wanted
    assert MessageCopy.objects.filter(first_in_thread=True).count() == items
    assert not RawItem.objects.exclude(state="done").exists()
