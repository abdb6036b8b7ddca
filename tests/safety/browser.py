"""A browser whose every request is answered by our own pages, in this process; it notices any script that runs."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

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

    def __init__(self, page: Any, client: Any) -> None:
        self.page, self.client = page, client
        self.ran: list[str] = []
        self.left: list[str] = []
        self.blocked: list[str] = []
        self.failed: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def answer(self, route: Any) -> None:
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
            got = self.client.get(path, HTTP_HOST="localhost:8000", **extra)
            body = b"".join(got.streaming_content) if got.streaming else got.content
            status, headers = got.status_code, dict(got.headers)
            if status >= 500:
                self.failed.append(f"{status} {path}")
        route.fulfill(status=status, headers=headers, body=body)

    def visit(self, path: str) -> None:
        self.page.goto(ORIGIN + path, wait_until="load", timeout=60_000)
        self.page.wait_for_timeout(50)


@contextlib.contextmanager
def watched(client: Any) -> Iterator[Watched]:
    """Chromium, signed in by `client`. The database is asked from Playwright's own thread, hence the permission."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed (Debian's chromium)")
    kept = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_context(service_workers="block", bypass_csp=False).new_page()
            seen = Watched(page, client)
            page.expose_binding(
                "__ran", lambda source, what: seen.ran.append(f"{source['frame'].url[:80]}: {what}")
            )
            page.expose_binding("__blocked", lambda source, what: seen.blocked.append(what))
            page.add_init_script(WATCH)
            page.on(
                "dialog", lambda dialog: (seen.ran.append(f"dialog {dialog.message[:60]}"), dialog.dismiss())
            )
            page.on("popup", lambda popup: seen.left.append(f"popup {popup.url[:120]}"))
            page.route("**/*", seen.answer)
            try:
                yield seen
            finally:
                browser.close()
    finally:
        if kept is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = kept
