"""Chromium for tests: signed in at a live server, with axe beside it and everything that the console complains of."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from kith.teams.models import User

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# The same engine without the windows around it, for which Chromium takes 0.7 s of CPU each: they show nothing of ours.
SHELL = shutil.which("chromium-headless-shell") or CHROMIUM
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Colours in the middle of a fade are nobody's: what moves and ends is waited for.
STILL = (
    "Promise.race([new Promise((done) => setTimeout(done, 3000)), Promise.allSettled(document.getAnimations()"
    ".filter((a) => a.effect?.getComputedTiming().endTime !== Infinity).map((a) => a.finished))])"
)
LOOKS = [
    (theme, width, height) for theme in ("light", "dark") for width, height in ((1680, 1000), (390, 844))
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def look_falls_on(number: int, look: tuple[str, int, int], *, full: bool) -> bool:
    """Whether screen `number` is looked at so: in all looks in the long version, else in one, the next screen in another."""
    return full or number % len(LOOKS) == LOOKS.index(look)


@dataclass
class Screen:
    """A page of the browser. `complaints`: errors of scripts, of the policy, and answers of 400 and more."""

    page: Any
    base: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.page.wait_for_load_state("load")
        self.page.wait_for_timeout(120)  # styles settle

    def until(self, expression: str, *, seconds: float = 30) -> None:
        """Wait until JavaScript says so, promises awaited. Playwright's own way needs eval, which our policy forbids."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            self.page.wait_for_timeout(50)

    def axe(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA, a line each; run past the page's policy, as an extension would."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        expression = (
            f"{STILL}.then(() => axe.run(document, {{resultTypes: ['violations'], runOnly: {json.dumps(RULES)}}}).then((r) => "
            "JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')))))"
        )
        answer = session.send(
            "Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True}
        )
        found: list[str] = json.loads(answer["result"]["value"])
        return found


def look_over(
    it: Screen,
    paths: Sequence[str],
    look: tuple[str, int, int],
    *,
    full: bool,
    seen: Callable[[int], object] = lambda number: None,
) -> list[str]:
    """What axe finds on those of `paths` that this look falls on, and which are wider than the screen; `seen` after each."""
    theme, width, _ = look
    found: list[str] = []
    for number, path in enumerate(paths):
        if not look_falls_on(number, look, full=full):
            continue
        it.go(path)
        found += [f"{theme} {width} {path}: {line}" for line in it.axe()]
        if it.page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{width} {path}: wider than the screen")
        seen(number)
    return found


@contextmanager
def browser(*, whole: bool = False) -> Iterator[Any]:
    """Debian's Chromium by Playwright; skips with the reason where there is none. `whole`: what installs and is pushed to."""
    program = CHROMIUM if whole else SHELL
    if not os.access(program, os.X_OK):
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps a loop running in this thread
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield running
        finally:
            running.close()
            os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


@contextmanager
def screen(
    running: Any,
    base: str,
    user: User,
    *,
    width: int = 1680,
    height: int = 1000,
    theme: str = "light",
    toured: bool = True,
    **context_options: Any,
) -> Iterator[Screen]:
    """A window in which `user` is signed in; who has not `toured` is met by the tour in the inbox."""
    if toured:
        user.preferences = {**user.preferences, "toured": True}
        user.save(update_fields=["preferences"])
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    context = running.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, **context_options
    )
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
    page = context.new_page()
    made = Screen(page, base)
    page.on("pageerror", lambda error: made.complaints.append(f"script: {error}"))
    page.on(
        "console",
        lambda said: (
            made.complaints.append(said.text)
            if said.type == "error" and "/live/" not in said.location["url"]
            else None
        ),
    )
    try:
        yield made
    finally:
        context.close()
        _wait_for_quiet()


def _wait_for_quiet() -> None:
    """Until nothing that the browser asked for is still at work in the database, which is emptied next."""
    from django.db import connection

    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND state <> 'idle'"
    )
    quiet, end = 0, time.monotonic() + 10
    while quiet < 3 and time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(busy)
            quiet = quiet + 1 if cursor.fetchone()[0] == 0 else 0
        time.sleep(0.03)
