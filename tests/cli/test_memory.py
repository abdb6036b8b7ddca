"""What a house needs that three colleagues work in: every process of it together, PostgreSQL included."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.support.kithprocess import Kith, command_of, kith, proportional_memory, wait_for

pytestmark = [
    pytest.mark.torture,
    pytest.mark.long,
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="by design: reads /proc"),
]
MOST = 1_000_000_000
PASSWORD = "three of us work here"
FILL = f"""
from kith.teams.models import User
from kith.workspace import demo
demo.build(lambda text: None)
people = list(User.objects.filter(is_active=True).exclude(role="viewer").order_by("created_at")[:3])
for user in people:
    user.set_password({PASSWORD!r})
    user.save()
print(" ".join(user.email for user in people))
"""


class Colleague:
    """One who is signed in, browses, and has a screen open that follows by itself."""

    def __init__(self, house: Kith, email: str) -> None:
        self.house, self.heard, self.ended = house, threading.Event(), threading.Event()
        self.client = httpx.Client(base_url=house.url, timeout=60, trust_env=False, follow_redirects=True)
        self.client.get("/accounts/login/")
        given = {
            "login": email,
            "password": PASSWORD,
            "csrfmiddlewaretoken": self.client.cookies["csrftoken"],
        }
        answer = self.client.post("/accounts/login/", data=given, headers={"Referer": house.url})
        assert answer.status_code == 200, answer.text
        assert "/accounts/" not in str(answer.url), answer.text
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        live = f"http://127.0.0.1:{self.house.port + 1}/live/events"
        cookies = {"sessionid": self.client.cookies["sessionid"]}
        with (
            contextlib.suppress(httpx.HTTPError),
            httpx.Client(trust_env=False, timeout=120) as listening,
            listening.stream("GET", live, cookies=cookies) as answer,
        ):
            for _ in answer.iter_raw():
                self.heard.set()
                if self.ended.is_set():
                    return

    def browse(self) -> int:
        """Every kind of screen, several of the long ones; returns how many."""
        inbox = self._page("/inbox/")
        conversations = re.findall(r"/inbox/([0-9a-f-]{36})/", inbox)[:12]
        people = re.findall(r"/people/([0-9a-f-]{36})/", self._page("/people/"))[:12]
        paths = [
            "/inbox/all/", "/inbox/mine/", "/inbox/held/", "/today/", "/inbox/?q=bell", "/people/?q=an", "/palette/?q=an",
            "/inbox/write/", "/settings/", "/settings/channels/", "/settings/security/", "/settings/people/",
        ]  # fmt: skip
        paths += [f"/inbox/{key}/" for key in conversations] + [f"/people/{key}/" for key in people]
        for path in paths:
            self._page(path)
        return len(paths) + 2

    def _page(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text


@pytest.fixture
def house() -> Iterator[tuple[Kith, list[str]]]:
    with kith(ready=True, env={"KITH_ENV": "production"}) as made:
        emails = made.python(FILL).split()
        yield made.up(), emails


def test_three_colleagues_fit_into_a_gigabyte(house: tuple[Kith, list[str]]) -> None:
    running, emails = house
    assert len(emails) == 3
    colleagues = [Colleague(running, email) for email in emails]
    shown = [0, 0, 0]

    def work(number: int) -> None:
        for _ in range(3):
            shown[number] += colleagues[number].browse()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert all(count >= 60 for count in shown), shown
    for colleague in colleagues:
        wait_for(colleague.heard.is_set, 40)
    assert running.process is not None
    pids = [running.process.pid, *running.tree()]
    used = proportional_memory(pids)
    by_part: dict[str, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            words = command_of(pid)
            part = "PostgreSQL" if "postgres" in words else "Kith"
            by_part[part] = by_part.get(part, 0) + proportional_memory([pid])
    told = ", ".join(f"{part} {size / 1e6:.0f} MB" for part, size in sorted(by_part.items()))
    print(
        f"three colleagues, {sum(shown)} pages, 3 live screens, the demo's messages: {used / 1e6:.0f} MB ({told})"
    )
    for colleague in colleagues:
        colleague.ended.set()
    assert used < MOST
