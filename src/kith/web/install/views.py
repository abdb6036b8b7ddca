"""Kith as an app of the device: its manifest, its service worker, and the page that is shown without a connection."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from kith.web import pages
from kith.web.access import public
from kith.web.templating import MANIFEST, STATIC, asset

SOURCE = Path(__file__).parent / "worker.js"
LIGHT, DARK = "#fcfbf9", "#1b1d23"
KEPT = ("src/app.css", "src/plain.js", "icons.svg")


def _icon(name: str, size: str, kind: str, purpose: str = "any") -> dict[str, str]:
    address = f"{settings.STATIC_URL}dist/{name}"
    return {"src": address, "sizes": size, "type": kind, "purpose": purpose}


@public
def manifest(request: HttpRequest) -> HttpResponse:
    """The web app manifest, in the reader's language; it says nothing about the company."""
    content: dict[str, Any] = {
        "id": "/",
        "name": "Kith",
        "short_name": "Kith",
        "description": _("Read and answer everything people say to your company."),
        "start_url": reverse("inbox"),
        "scope": "/",
        "display": "standalone",
        "display_override": ["standalone", "minimal-ui"],
        "background_color": LIGHT,
        "theme_color": LIGHT,
        "categories": ["business", "productivity"],
        "icons": [
            _icon("kith.svg", "any", "image/svg+xml"),
            _icon("kith-192.png", "192x192", "image/png"),
            _icon("kith-512.png", "512x512", "image/png"),
            _icon("kith-maskable-512.png", "512x512", "image/png", "maskable"),
        ],
        "shortcuts": [
            {"name": _("Inbox"), "url": reverse("inbox")},
            {"name": _("Write to somebody"), "url": reverse("write")},
            {"name": pgettext("screen", "Today"), "url": reverse("today")},
        ],
    }
    response = JsonResponse(
        content, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}
    )
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


@lru_cache(maxsize=2)
def _script(changed: float) -> str:
    """The worker with the list of what it keeps; another front end or another worker makes another version."""
    source = SOURCE.read_text(encoding="utf-8")
    files = [asset(name) for name in KEPT] + [settings.STATIC_URL + "dist/kith.svg"]
    told = hashlib.sha256(f"{source}{MANIFEST.read_text(encoding='utf-8')}".encode()).hexdigest()[:12]
    fonts = sorted(f"{settings.STATIC_URL}dist/{p.relative_to(STATIC / 'dist')}" for p in _fonts())
    known = {"version": told, "files": files + fonts, "offline": reverse("install:offline")}
    return f"const KITH = {json.dumps(known)};\n{source}"


def _fonts() -> list[Path]:
    return [path for path in (STATIC / "dist").rglob("*.woff2") if "latin-wght-normal" in path.name]


@public
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, at the root so that it stands before every page; browsers ask for it again by themselves."""
    text = _script(MANIFEST.stat().st_mtime)
    return HttpResponse(
        text,
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "no-cache", "Service-Worker-Allowed": "/"},
    )


@public
def offline(request: HttpRequest) -> HttpResponse:
    """What the worker shows when Kith can't be reached. It holds nothing of anyone: it is the one page that is kept."""
    text = pages.jinja().get_template("install/offline.html").render({"user": _Nobody(), "csrf_token": ""})
    return HttpResponse(text, headers={"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"})


class _Nobody:
    is_authenticated = False
    theme = time_zone = ""
