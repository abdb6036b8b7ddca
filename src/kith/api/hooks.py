"""`/hooks/<account>/`: where networks send their webhooks."""

from __future__ import annotations

import uuid

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from kith.channels.hooks import MAX_BYTES, hook_receive


@csrf_exempt
def hook(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Open to everyone, as networks do not sign in: the connector checks a signature over the bytes."""
    if request.method not in ("GET", "POST"):
        return HttpResponse(status=405)
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return HttpResponse(status=400)
    if length > MAX_BYTES:
        return HttpResponse(status=413)
    try:
        body = request.body
    except RequestDataTooBig:
        return HttpResponse(status=413)
    answer = hook_receive(
        account_id,
        method=request.method,
        headers=dict(request.headers),
        query=request.GET.dict(),
        body=body,
        url=request.build_absolute_uri(),
    )
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)


hook.permission = "public"  # type: ignore[attr-defined]
urlpatterns = [path("<uuid:account_id>/", hook, name="hook")]
