"""A browser whose every request is answered by our own pages, in this process; it notices any script that runs."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

T = TypeVar("T")
ORIGIN = "http://localhost:8000"
# Every frame gets this before its own scripts: what payloads call, and whatever they make the page fetch, is told.
WATCH = """
for (const name of ['alert', 'confirm', 'prompt', 'print', 'javascript']) {
  try { Object.defineProperty(window, name, {value: (...a) => { __ran(name + '(' + String(a[0]).slice(0, 60) + ')'); return '' }}) } catch {}
}
addEventListener('securitypolicyviolation', e => __blocked(e.violatedDirective))
"""


class Watched:
    """`ran`: what scripts of strangers did; `left`: requests to other servers; `blocked`: what the policy stopped."""

    def __init__(self, page: Any, client: Any, pool: ThreadPoolExecutor) -> None:
        self.page, self.client, self._pool = page, client, pool
        self.ran: list[str] = []
        self.left: list[str] = []
        self.blocked: list[str] = []
        self.failed: list[str] = []
        self.asked: list[str] = []
        self.statuses: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def do(self, work: Callable[..., T], *args: Any, **rest: Any) -> T:
        """Call something that asks the database."""
        return self._pool.submit(work, *args, **rest).result()

    def answer(self, route: Any) -> None:
        self.asked.append(route.request.url)
        request = route.request
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != ORIGIN:
            self.left.append(f"{request.resource_type} {request.url[:120]}")
            route.abort()
            return
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if path in self.answers:
            status, headers, body = self.answers[path]
        elif request.method != "GET" or path.startswith("/live/"):
            status, headers, body = 404, {}, b""
        else:
            extra = {"HTTP_HX_REQUEST": "true"} if request.headers.get("hx-request") else {}
            got = self.do(self.client.get, path, HTTP_HOST="localhost:8000", **extra)
            body = b"".join(got.streaming_content) if got.streaming else got.content
            status, headers = got.status_code, dict(got.headers)
            self.statuses.append(f"{status} {path} {headers.get('Location', '')}")
            if status >= 500:
                self.failed.append(f"{status} {path}")
        route.fulfill(status=status, headers=headers, body=body)

    def visit(self, path: str) -> None:
        self.page.goto(ORIGIN + path, wait_until="load", timeout=240_000)
        self.page.wait_for_timeout(50)


@contextlib.contextmanager
def watched(client: Any) -> Iterator[Watched]:
    """Chromium, signed in by `client`. Playwright's event loop runs in this thread and Django would open another
    connection here, so all of its work is done in a thread that is given the test's own (`Watched.do`)."""
    from django.db import connections

    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed (Debian's chromium)")
    ours = connections["default"]
    ours.inc_thread_sharing()
    pool = ThreadPoolExecutor(1, initializer=lambda: connections.__setitem__("default", ours))
    try:
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_context(service_workers="block", bypass_csp=False).new_page()
            seen = Watched(page, client, pool)
            page.expose_binding(
                "__ran", lambda source, what: seen.ran.append(f"{source['frame'].url[:80]}: {what}")
            )
            page.expose_binding("__blocked", lambda source, what: seen.blocked.append(what))
            page.add_init_script(WATCH)
            page.on(
                "dialog", lambda dialog: (seen.ran.append(f"dialog {dialog.message[:60]}"), dialog.dismiss())
            )
            page.on("popup", lambda popup: seen.left.append(f"popup {popup.url[:120]}"))
            page.context.route(re.compile(".*"), seen.answer)
            try:
                yield seen
            finally:
                browser.close()
    finally:
        pool.shutdown()
        ours.dec_thread_sharing()
