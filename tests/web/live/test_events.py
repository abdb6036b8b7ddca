"""Live events: who hears what, what is told again, and when a stream ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx
import pytest
from django.contrib.sessions.models import Session

from kith.core.live import tell_scopes, tell_users
from kith.teams.models import Membership, Scope, Team, User
from kith.web.live.application import Live
from tests.web.live.support import Stream, cookie_of

pytestmark = pytest.mark.django_db(transaction=True)


class House:
    """Two colleagues; one sees only everyone's scope, the other a team's too."""

    def __init__(self) -> None:
        self.ada = User.objects.create_user("ada@us.example", name="Ada", password="long enough 1")
        self.bo = User.objects.create_user("bo@us.example", name="Bo", password="long enough 1")
        team = Team.objects.create(name="Sales")
        Membership.objects.create(user=self.bo, team=team)
        self.all = Scope.objects.create(kind="everyone", name="Everyone")
        self.sales = Scope.objects.create(kind="teams", name="Sales")
        self.sales.teams.add(team)
        self.ada_cookie, self.bo_cookie = cookie_of(self.ada), cookie_of(self.bo)


@pytest.fixture
def house() -> House:
    return House()


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Live]:
    live = Live()
    live._start()
    async with asyncio.timeout(10):
        await live.hub.listening.wait()
    try:
        yield live
    finally:
        await live.close()


def run(body: Callable[[Live], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with running() as live:
            await body(live)

    asyncio.run(whole())


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.to_thread(function, *args)


def test_only_who_sees_the_scope_hears_of_it(house: House) -> None:
    conversation, other = uuid.uuid4(), uuid.uuid4()

    async def body(live: Live) -> None:
        ada = Stream(live, "/live/events", cookie=house.ada_cookie)
        bo = Stream(live, "/live/events", cookie=house.bo_cookie)
        assert await ada.opened() == await bo.opened() == 200
        await in_thread(tell_scopes, "inbox", [(conversation, house.sales.pk)])
        await in_thread(tell_scopes, "presence", [(other, house.all.pk)])
        await in_thread(tell_users, "notification", [house.ada.pk])
        assert await bo.next() == {"kind": "inbox", "ids": [str(conversation)]}
        assert await bo.next() == {"kind": "presence", "ids": [str(other)]}
        assert await ada.next() == {"kind": "presence", "ids": [str(other)]}
        assert await ada.next() == {"kind": "notification"}
        assert str(conversation) not in ada.text
        assert len(bo.events()) == 2
        await ada.leave()
        await bo.leave()
        assert not live.hub.readers

    run(body)


def test_doors(house: House) -> None:
    async def body(live: Live) -> None:
        async def status(path: str, **headers: str) -> int:
            stream = Stream(live, path, **headers)
            found = await stream.opened()
            await stream.leave()
            return found

        assert await status("/live/events") == 401
        assert await status("/live/events", cookie="sessionid=abc") == 401
        assert await status("/", cookie=house.ada_cookie) == 404
        here = {"host": "127.0.0.1:8001", "cookie": house.ada_cookie}
        assert await status("/live/events", origin="https://evil.example", **here) == 403
        assert await status("/live/events", origin="http://127.0.0.1:9000", **here) == 403
        assert await status("/live/events", origin="null", **here) == 403
        assert await status("/live/events", sec_fetch_site="cross-site", **here) == 403
        ours = Stream(live, "/live/events", origin="http://127.0.0.1:8000", **here)
        assert await ours.opened() == 200
        assert ours.headers["access-control-allow-origin"] == "http://127.0.0.1:8000"
        assert ours.headers["access-control-allow-credentials"] == "true"
        await ours.leave()

    run(body)


def test_what_was_missed_is_told_again_or_everything_is_asked_for(house: House) -> None:
    one, two = uuid.uuid4(), uuid.uuid4()

    async def body(live: Live) -> None:
        first = Stream(live, "/live/events", cookie=house.bo_cookie)
        await first.opened()
        await in_thread(tell_scopes, "inbox", [(one, house.all.pk)])
        await first.next()
        mark = first.marks()[-1]
        await first.leave()
        watcher = Stream(live, "/live/events", cookie=house.bo_cookie)
        await watcher.opened()
        await in_thread(tell_scopes, "inbox", [(two, house.sales.pk)])
        await watcher.next()
        again = Stream(live, "/live/events", cookie=house.bo_cookie, last_event_id=mark)
        assert await again.next() == {"kind": "inbox", "ids": [str(two)]}
        stranger = Stream(live, "/live/events", cookie=house.bo_cookie, last_event_id="other-7")
        assert await stranger.next() == {"kind": "*"}
        for stream in (watcher, again, stranger):
            await stream.leave()

    run(body)


def test_an_ended_session_ends_its_stream(house: House) -> None:
    async def body(live: Live) -> None:
        ada = Stream(live, "/live/events", cookie=house.ada_cookie)
        bo = Stream(live, "/live/events", cookie=house.bo_cookie)
        await ada.opened()
        await bo.opened()
        await live.check()
        assert len(live.hub.readers) == 2

        def end() -> None:
            Session.objects.filter(pk=house.ada_cookie.partition("=")[2]).delete()
            house.bo.set_password("another long one 2")
            house.bo.save()

        await in_thread(end)
        await live.check()
        async with asyncio.timeout(5):
            await ada.ended.wait()
            await bo.ended.wait()

    run(body)


def test_a_scope_that_is_taken_away_is_not_heard_of(house: House) -> None:
    async def body(live: Live) -> None:
        bo = Stream(live, "/live/events", cookie=house.bo_cookie)
        await bo.opened()
        await in_thread(lambda: Membership.objects.all().delete())
        await live.check()
        await in_thread(tell_scopes, "inbox", [(uuid.uuid4(), house.sales.pk)])
        await in_thread(tell_scopes, "inbox", [(uuid.UUID(int=7), house.all.pk)])
        assert (await bo.next())["ids"] == [str(uuid.UUID(int=7))]
        await bo.leave()

    run(body)


def test_a_slow_reader_is_let_go_and_the_others_go_on(house: House) -> None:
    async def body(live: Live) -> None:
        stuck = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            stuck.set()
            await asyncio.Event().wait()

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/live/events",
            "headers": [(b"cookie", house.ada_cookie.encode())],
        }
        slow = asyncio.create_task(live(scope, receive, send))
        await asyncio.wait_for(stuck.wait(), 5)
        bo = Stream(live, "/live/events", cookie=house.bo_cookie)
        await bo.opened()
        for _ in range(80):
            await live.hub.tell(json.dumps([[str(uuid.uuid4()), str(house.all.pk)]]))
            await bo.next()
        await asyncio.wait_for(slow, 10)
        assert len(live.hub.readers) == 1
        await bo.leave()

    run(body)


def test_it_survives_postgresql_going_away_and_says_that_something_may_be_missing(house: House) -> None:
    async def body(live: Live) -> None:
        ada = Stream(live, "/live/events", cookie=house.ada_cookie)
        await ada.opened()

        def cut() -> None:
            from django.db import connection

            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query = 'LISTEN kith_live' AND datname = current_database()"
                )
                assert cursor.fetchall() == [(True,)]

        await in_thread(cut)
        assert await ada.next() == {"kind": "*"}
        await in_thread(tell_users, "notification", [house.ada.pk])
        assert await ada.next() == {"kind": "notification"}
        await ada.leave()

    run(body)


def test_nonsense_on_the_channel_is_passed_over(house: House) -> None:
    async def body(live: Live) -> None:
        for text in ("", "[1]", "{}", "null", '{"kind": 3, "pairs": [[]]}', "[[1,2,3]]"):
            await live.hub.tell(text)

    run(body)


def test_served_by_granian_over_real_sockets(house: House, database_url: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"import django; django.setup(); from kith.cli.parts import serve; serve('asgi', '127.0.0.1', {port}, workers=1, threads=1)"
    env = {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": "src"}
    server = subprocess.Popen([sys.executable, "-c", code], env=env)
    base = f"http://127.0.0.1:{port}"
    headers = {"Cookie": house.ada_cookie, "Origin": "http://127.0.0.1:8000"}
    try:
        _wait(base)
        with httpx.Client(timeout=15, trust_env=False) as client:
            assert client.get(base + "/live/events").status_code == 401
            with client.stream("GET", base + "/live/events", headers=headers) as response:
                lines = response.iter_lines()
                # told when the process has begun to listen, which its first reader makes it do
                next(line for line in lines if line == 'data: {"kind":"*"}')
                conversation = uuid.uuid4()
                started = time.monotonic()
                tell_scopes("inbox", [(conversation, house.all.pk)])
                data = next(line for line in lines if line.startswith("data: ") and "inbox" in line)
                assert str(conversation) in data
                assert time.monotonic() - started < 2
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def _wait(base: str) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(base + "/live/events", trust_env=False).status_code == 401:
                return
        time.sleep(0.1)
    raise AssertionError("the live process did not answer")
