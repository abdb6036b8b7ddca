"""The widget's script, with what it must know of its account written in front."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from kith.channels import visitors
from kith.networks.models import ChannelAccount
from kith.web.live.address import live_origin
from kith.web.templating import STATIC, asset

SOURCE = "chat/chat.js"


@lru_cache(maxsize=2)
def _code(path: Path, changed: float) -> str:
    return path.read_text(encoding="utf-8")


def code() -> str:
    """The bundled widget; RuntimeError when the front end is not built."""
    path = STATIC / asset(SOURCE).removeprefix(settings.STATIC_URL)
    return _code(path, path.stat().st_mtime)


def config(request: HttpRequest, account: ChannelAccount) -> dict[str, Any]:
    origin = live_origin(request)
    return {
        "account": str(account.pk),
        "title": account.display_name or account.name,
        "greeting": str(account.settings.get("greeting", "")),
        "live": f"{origin}/live/chat/{account.pk}",
        "files": visitors.FILES,
        "bytes": visitors.FILE_BYTES,
        "length": visitors.TEXT,
    }


@lru_cache(maxsize=64)
def _packed(text: str) -> tuple[bytes, bytes, str]:
    plain = text.encode()
    return plain, gzip.compress(plain, 9, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:24]}"'


def script(request: HttpRequest, account: ChannelAccount) -> HttpResponse:
    """In a function of its own, so that nothing of it is seen by the page that shows it."""
    known = json.dumps(config(request, account), ensure_ascii=True).replace("<", "\\u003c")
    plain, packed, tag = _packed(f"(()=>{{const __KITH_CHAT__={known};{code()}}})();")
    headers = {
        "Cache-Control": "public, max-age=300",
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=headers)
    body = plain
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body, headers["Content-Encoding"] = packed, "gzip"
    return HttpResponse(body, content_type="text/javascript; charset=utf-8", headers=headers)
