"""`/hooks/<account>/`: where networks send their webhooks."""

from __future__ import annotations

import uuid

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from kith.base import address as addresses
from kith.channels import deletion_requests
from kith.channels.hooks import MAX_BYTES, HookAnswer, hook_receive
from kith.core.often import too_often
from kith.workspace.asked_deletions import deletion_take


@csrf_exempt
def hook(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Open to everyone, as networks do not sign in: the connector checks a signature over the bytes."""
    if request.method not in ("GET", "POST"):
        return HttpResponse(status=405)
    body = _body(request, most=MAX_BYTES)
    if isinstance(body, HttpResponse):
        return body
    answer = hook_receive(
        account_id,
        method=request.method,
        headers=dict(request.headers),
        query=request.GET.dict(),
        body=body,
        url=request.build_absolute_uri(),
    )
    return _said(answer)


def _body(request: HttpRequest, *, most: int) -> bytes | HttpResponse:
    """What was sent, or the answer to what is longer than `most` bytes."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return HttpResponse(status=400)
    if length > most:
        return HttpResponse(status=413)
    try:
        body = request.body
    except RequestDataTooBig:
        return HttpResponse(status=413)
    return body if len(body) <= most else HttpResponse(status=413)


def _said(answer: HookAnswer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)


@csrf_exempt
def deletion(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """A network passes on that somebody wants their data deleted. As above, with less room, and not too often."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    who = addresses.counted(str(request.META.get("REMOTE_ADDR", "")))
    if too_often("deletion-asked", who, most=120, seconds=60):
        return HttpResponse(status=429, headers={"Retry-After": "60"})
    body = _body(request, most=deletion_requests.MAX_BYTES)
    if isinstance(body, HttpResponse):
        return body
    answer = deletion_requests.deletion_receive(
        account_id,
        headers=dict(request.headers),
        body=body,
        url=request.build_absolute_uri(),
        take=deletion_take,
    )
    response = _said(answer)
    response.headers["Cache-Control"] = "no-store"
    return response


deletion.permission = "public"  # type: ignore[attr-defined]
hook.permission = "public"  # type: ignore[attr-defined]
urlpatterns = [
    path("<uuid:account_id>/", hook, name="hook"),
    path("<uuid:account_id>/deletion/", deletion, name="hook_deletion"),
]
