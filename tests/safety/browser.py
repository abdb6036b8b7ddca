"""A browser whose every request is answered by our own pages, in this process; it notices any script that runs."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

T = TypeVar("T")
ORIGIN = "http://localhost:8000"
PATIENCE = 75  # seconds in which no page is visited, no frame asked for
# Only the last such switch counts, so Playwright's own are named again (its chromiumSwitches): without the first of them
# Chromium forgets a navigation at times, and Playwright waits for it without end. The last one is ours: a process for
# each sandboxed frame would take ten times as long.
SWITCHED_OFF = [
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "LensOverlay",
    "TcpPortRandomizationWin",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "msForceBrowserSignIn",
    "msEdgeUpdateLaunchServicesPreferredVersion",
    "IsolateSandboxedIframes",
]
STATIC = "/static/"  # files of ours, the same for every page: asked for once
# Every frame gets this before its own scripts: what payloads call, and whatever they make the page fetch, is told.
WATCH = """
for (const name of ['alert', 'confirm', 'prompt', 'print', 'javascript']) {
  try { Object.defineProperty(window, name, {value: (...a) => { __ran(name + '(' + String(a[0]).slice(0, 60) + ')'); return '' }}) } catch {}
}
addEventListener('securitypolicyviolation', e => __blocked(e.violatedDirective))
"""


class Hung(Exception):
    """Chromium did nothing for PATIENCE seconds, and was ended."""


def once_more(visits: Callable[[], T]) -> T:
    """What it returns; tried a second time where Chromium hung in the first."""
    try:
        return visits()
    except Hung as hung:
        print(f"Chromium hung and was ended: {hung}")
        return visits()


class Watched:
    """`ran`: what scripts of strangers did; `left`: requests to other servers; `blocked`: what the policy stopped."""

    def __init__(self, page: Any, client: Any, pool: ThreadPoolExecutor) -> None:
        self.page, self.client, self._pool = page, client, pool
        self.ran: list[str] = []
        self.left: list[str] = []
        self.blocked: list[str] = []
        self.failed: list[str] = []
        self.statuses: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.at, self.port = "", 0
        self.alive()

    def alive(self) -> None:
        self.alive_at = time.monotonic()

    def do(self, work: Callable[..., T], *args: Any, **rest: Any) -> T:
        """Call something that asks the database."""
        return self._pool.submit(work, *args, **rest).result()

    def asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and f"{parts.scheme}://{parts.netloc}" != ORIGIN:
            self.left.append(f"{request.resource_type} {request.url[:120]}")

    def answer(self, method: str, path: str, htmx: bool) -> tuple[int, dict[str, str], bytes]:
        if path in self.answers:
            return self.answers[path]
        if method != "GET" or path.startswith("/live/"):
            return 404, {}, b""
        extra = {"HTTP_HX_REQUEST": "true"} if htmx else {}
        got = self.do(self.client.get, path, HTTP_HOST="localhost:8000", **extra)
        body = b"".join(got.streaming_content) if got.streaming else got.content
        status, headers = got.status_code, dict(got.headers)
        self.statuses.append(f"{status} {path} {headers.get('Location', '')}")
        if status >= 500:
            self.failed.append(f"{status} {path}")
        if path.startswith(STATIC) and status == 200:
            headers["Cache-Control"] = "max-age=3600"
        return status, headers, body

    def visit(self, path: str) -> None:
        self.at = path
        self.alive()
        self.page.goto(ORIGIN + path, wait_until="load", timeout=240_000)
        self.page.wait_for_timeout(50)


@contextlib.contextmanager
def _served(find: Callable[[], Watched]) -> Iterator[int]:
    """A real server for it: nothing between it and Chromium, which keeps what it may keep. Yields its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):  # the page has been left meanwhile
                super().handle_one_request()
                return
            self.close_connection = True

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length:
                self.rfile.read(length)
            if self.headers.get("Sec-Fetch-Dest") in ("document", "iframe"):
                find().alive()
            status, headers, body = find().answer(self.command, self.path, "HX-Request" in self.headers)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _not_for_ever(seen: Watched, port: int) -> Iterator[None]:
    """Chromium has hung for half an hour, and Playwright waits for it without end: then Chromium goes, and `Hung` is raised."""
    over, ended = threading.Event(), threading.Event()

    def look() -> None:
        while not over.wait(PATIENCE / 15):
            if time.monotonic() - seen.alive_at > PATIENCE:
                ended.set()
                for process in processes_of(port):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                return

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    except Exception as error:
        if ended.is_set():
            raise Hung(seen.at) from error
        raise
    finally:
        over.set()


def processes_of(port: int) -> list[int]:
    """The processes that were started with this port of ours."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"127.0.0.1:{port}," in process.read_text(errors="replace"):
                found.append(int(process.parent.name))
    return found


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
    made: list[Watched] = []
    try:
        with playwright.sync_playwright() as driver, _served(lambda: made[0]) as port:
            browser = driver.chromium.launch(
                executable_path=path,
                args=[
                    "--no-sandbox",
                    f"--disable-features={','.join(SWITCHED_OFF)}",
                    f"--host-resolver-rules=MAP localhost:8000 127.0.0.1:{port}, MAP * ~NOTFOUND",
                ],
            )
            page = browser.new_context(service_workers="block", bypass_csp=False).new_page()
            seen = Watched(page, client, pool)
            seen.port = port
            made.append(seen)
            page.expose_binding(
                "__ran", lambda source, what: seen.ran.append(f"{source['frame'].url[:80]}: {what}")
            )
            page.expose_binding("__blocked", lambda source, what: seen.blocked.append(what))
            page.add_init_script(WATCH)
            page.on(
                "dialog", lambda dialog: (seen.ran.append(f"dialog {dialog.message[:60]}"), dialog.dismiss())
            )
            page.on("popup", lambda popup: seen.left.append(f"popup {popup.url[:120]}"))
            page.context.on("request", seen.asked)
            with _not_for_ever(seen, port):
                try:
                    yield seen
                finally:
                    browser.close()
    finally:
        pool.shutdown()
        ours.dec_thread_sharing()
