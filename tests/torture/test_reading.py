"""A channel is read while the processes that read and parse are killed: what arrives is what the source has."""

from __future__ import annotations

import http.server
import json
import random
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from kith.channels.models import Cursor, RawItem
from kith.conversations.models import Message, MessageCopy
from tests.support import house
from tests.torture.processes import Nursery, environment

pytestmark = [pytest.mark.torture, pytest.mark.django_db(transaction=True)]
OVERLAP = 2


class Source:
    """Serves numbers by pages, slowly, and repeats the last two of the page before, as many networks do."""

    def __init__(self, count: int) -> None:
        self.count, self.pages = count, 0
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                after, limit = int(asked["after"]), int(asked["limit"])
                end = min(after + limit, source.count)
                time.sleep(random.uniform(0, 0.02))
                source.pages += 1
                found = list(range(max(0, after - OVERLAP), end))
                body = json.dumps({"items": found, "next": end, "more": end < source.count}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    made = Source(10_000 if request.config.getoption("--torture") == "full" else 1_000)
    yield made
    made.close()


def test_what_arrives_is_what_the_source_has(
    request: pytest.FixtureRequest, source: Source, database_url: str, kith_home: Path, tmp_path: Path
) -> None:
    kills = 200 if request.config.getoption("--torture") == "full" else 10
    random.seed(5)
    account = house.account("hostile", settings={"count": "0"})
    environ = environment(database_url, kith_home, TORTURE_SOURCE=source.url, TORTURE_PAGE="5")
    nursery = Nursery(environ, tmp_path / "log")
    begun, killed = time.monotonic(), 0
    processes = {"read": nursery.fork("read"), "parse": nursery.fork("parse")}
    killed_while_reading = 0
    try:
        while killed < kills:
            time.sleep(random.uniform(0.1, 0.9))
            what = random.choice(["read", "read", "parse"])
            nursery.kill(processes[what])
            killed += 1
            position = Cursor.objects.filter(channel_account=account, stream="fetch").first()
            killed_while_reading += int(position.position if position else 0) < source.count
            processes[what] = nursery.fork(what)
        end = time.monotonic() + 300
        while not _done(source.count):
            assert time.monotonic() < end, (RawItem.objects.count(), Message.objects.count())
            time.sleep(0.3)
    finally:
        for child in processes.values():
            nursery.kill(child)
        nursery.close()
    wanted = sorted(f"hostile:{n}" for n in range(source.count))
    figures = {
        "items": source.count,
        "killed": killed,
        "of them before the end": killed_while_reading,
        "pages": source.pages,
        "seconds": round(time.monotonic() - begun),
    }
    print("\n" + json.dumps(figures))
    assert sorted(RawItem.objects.values_list("external_id", flat=True)) == wanted
    assert sorted(Message.objects.values_list("external_id", flat=True)) == wanted
    assert MessageCopy.objects.filter(first_in_thread=True).count() == source.count
    assert not RawItem.objects.exclude(state="done").exists()
    assert killed_while_reading >= min(kills, 5)


def _done(count: int) -> bool:
    return Message.objects.count() >= count and not RawItem.objects.filter(state="new").exists()
