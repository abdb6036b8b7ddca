"""What the chat window asks for. A visitor is known by a key in a header; no cookie is read or set."""

from __future__ import annotations

import functools
import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from kith.base import address as addresses
from kith.channels import visitors
from kith.core import blobs
from kith.core.live import here_note
from kith.core.often import too_often
from kith.networks.models import ChannelAccount
from kith.web.chat.script import script

HEADER = "X-Kith-Visitor"
LARGEST = visitors.FILES * visitors.FILE_BYTES + 256 * 1024
View = Callable[..., HttpResponseBase]


def _refused(status: int, code: str) -> JsonResponse:
    return JsonResponse({"error": code}, status=status)


def _for_pages(*methods: str) -> Callable[[View], View]:
    """Only pages of the account's own sites may ask (CORS); the view gets the account."""

    def wrap(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def inside(request: HttpRequest, account_id: uuid.UUID, **rest: Any) -> HttpResponseBase:
            account = visitors.account_of(account_id)
            if account is None:
                return _refused(404, "gone")
            origin = request.headers.get("Origin", "")
            own = f"{request.scheme}://{request.get_host()}"
            if origin and origin != own and origin not in visitors.origins_of(account):
                return _refused(403, "site")
            if request.method == "OPTIONS":
                response: HttpResponseBase = HttpResponse(status=204)
                response.headers["Access-Control-Allow-Headers"] = HEADER
                response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
                response.headers["Access-Control-Max-Age"] = "600"
            elif request.method not in methods:
                response = _refused(405, "method")
            elif too_often("chat", _address(request), most=240, seconds=60):
                response = _refused(429, "often")
            else:
                response = view(request, account, **rest)
            if origin:
                response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Vary"] = f"Origin, {HEADER}"
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return inside

    return wrap


def _address(request: HttpRequest) -> str:
    return addresses.counted(str(request.META.get("REMOTE_ADDR", "")))


@require_GET
def widget(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    account = visitors.account_of(account_id)
    if account is None:
        return HttpResponse("// This chat is closed.", status=404, content_type="text/javascript")
    return script(request, account)


@_for_pages("GET", "POST")
def messages(request: HttpRequest, account: ChannelAccount) -> HttpResponse:
    return _say(request, account) if request.method == "POST" else _listen(request, account)


def _listen(request: HttpRequest, account: ChannelAccount) -> HttpResponse:
    """What stands in the visitor's window; 204 when it is what they have (`seen`)."""
    visitor = visitors.visitor_of(account, request.headers.get(HEADER, ""))
    said = visitors.said_with(visitor) if visitor else []
    if visitor is not None:
        here_note(visitor.pk)
    body = {
        "here": visitors.somebody_here(account),
        "email": visitor.typed_email if visitor else "",
        "messages": [
            {
                "id": str(one.id),
                "at": one.at.isoformat(),
                "ours": one.ours,
                "text": one.text,
                "nonce": one.nonce,
                "files": [{"id": str(key), "name": name, "size": size} for key, name, size in one.files],
            }
            for one in said
        ],
    }
    seen = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:16]
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    return JsonResponse({**body, "seen": seen})


def _say(request: HttpRequest, account: ChannelAccount) -> HttpResponse:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > LARGEST:
        return _refused(413, "files")
    key, address = request.headers.get(HEADER, ""), _address(request)
    if too_often("say", key, most=15, seconds=60) or too_often("say", address, most=60, seconds=60):
        return _refused(429, "often")
    if visitors.visitor_of(account, key) is None and too_often("new", address, most=30, seconds=3600):
        return _refused(429, "often")
    if request.POST.get("website"):  # no person sees this field
        return _refused(422, "unclear")
    files = [f for f in request.FILES.getlist("files") if isinstance(f, UploadedFile)]
    if len(files) > visitors.FILES or any((f.size or 0) > visitors.FILE_BYTES for f in files):
        return _refused(422, "files")
    try:
        visitors.visitor_says(
            account=account,
            key=key,
            nonce=request.POST.get("nonce", ""),
            text=request.POST.get("text", ""),
            name=request.POST.get("name", ""),
            email=request.POST.get("email", ""),
            page_url=request.POST.get("page", ""),
            files=[visitors.VisitorFile(f.name or "file", f.content_type or "", f.read()) for f in files],
        )
    except visitors.VisitorError as error:
        return _refused(422, error.code)
    return JsonResponse({"here": visitors.somebody_here(account)}, status=202)


@_for_pages("GET")
def file(request: HttpRequest, account: ChannelAccount, attachment_id: uuid.UUID) -> HttpResponseBase:
    visitor = visitors.visitor_of(account, request.headers.get(HEADER, ""))
    found = visitors.file_for(visitor, attachment_id) if visitor else None
    if found is None or not blobs.exists(found.digest):
        return _refused(404, "gone")
    response = FileResponse(
        blobs.open_blob(found.digest),
        as_attachment=True,
        filename=found.file_name,
        content_type="application/octet-stream",
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
