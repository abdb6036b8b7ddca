"""What stands inside messages: foreign HTML, attachments, remote images by our proxy."""

from __future__ import annotations

import re
import uuid
from html import unescape
from pathlib import Path

import httpx
from django.core import signing
from django.http import FileResponse, Http404, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header

from kith.base import http
from kith.base.text import clean
from kith.channels.raw import raw_of
from kith.contacts.models import Contact, Identity
from kith.conversations.models import Attachment, Message
from kith.conversations.selectors import attachment_get, message_visible
from kith.core import blobs
from kith.teams.models import User
from kith.web import pages
from kith.web.access import SignedIn, signed_in
from kith.web.foreign import FRAME_POLICY, FRAME_SANDBOX, frame_document, remote_images
from kith.web.pictures import redrawn

PREVIEWED = {"image/png", "image/jpeg", "image/gif", "image/webp"}
SALT = "kith.remote-image"
INERT = "default-src 'none'; sandbox"
HEAD_SHOWN = 64 * 1024
LARGEST_IMAGE = 5 * 1024 * 1024


def _message(request: SignedIn, message_id: uuid.UUID) -> Message:
    found = Message.objects.filter(pk=message_id).first()
    if found is None or not message_visible(request.viewer, message_id):
        raise Http404
    return found


@signed_in
def message_frame(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """The frame to put under a message; `?images=1` with images from other servers."""
    message = _message(request, message_id)
    context = {
        "message": message,
        "sandbox": FRAME_SANDBOX,
        "images": bool(request.GET.get("images")),
        "remote": remote_images(message.html),
    }
    return pages.part(request, "inbox/frame.html", context)


@signed_in
def message_html(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """The message's own HTML, cleaned, under a policy that runs nothing."""
    message = _message(request, message_id)
    inline = {
        a.content_id.strip("<>"): a.pk
        for a in Attachment.objects.filter(message=message).exclude(content_id="")
    }
    wanted = bool(request.GET.get("images"))

    def image(source: str) -> str | None:
        source = unescape(source.strip())
        if source.lower().startswith("cid:"):
            key = inline.get(source[4:].strip("<>"))
            return reverse("attachment_preview", args=[key]) if key else None
        if re.match(r"https?:", source, re.I):
            return reverse("remote_image", args=[signing.dumps(source, salt=SALT)]) if wanted else None
        return source if re.match(r"data:image/(png|jpe?g|gif|webp);base64,", source, re.I) else None

    response = HttpResponse(frame_document(message.html, title=message.subject, image=image))
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@signed_in
def message_text(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """The whole text, as text."""
    response = HttpResponse(_message(request, message_id).text, content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = INERT
    return response


@signed_in
def message_source(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """The head of a message as it came, and what was proven of its sender, in a dialog."""
    message, raw = _message(request, message_id), raw_of(request.viewer, message_id)
    if raw is None:
        raise Http404
    head, _blank, _body = raw.content[:HEAD_SHOWN].replace(b"\r\n", b"\n").partition(b"\n\n")
    shown = head if raw.is_mail else raw.content[:HEAD_SHOWN]
    context = {"message": message, "head": clean(shown.decode("utf-8", "replace")), "raw": raw}
    return pages.part(request, "inbox/source.html", context)


@signed_in
def message_download(request: SignedIn, message_id: uuid.UUID) -> HttpResponse:
    """The bytes of a message as they came, to keep."""
    message, raw = _message(request, message_id), raw_of(request.viewer, message_id)
    if raw is None:
        raise Http404
    name = re.sub(r"[^\w .-]+", "_", message.subject or "message")[:80].strip(". ") or "message"
    response = HttpResponse(raw.content, content_type="application/octet-stream")
    ending = "eml" if raw.is_mail else "txt"
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{name}.{ending}") or ""
    response.headers["Content-Security-Policy"] = INERT
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _file(found: Attachment | None, *, content_type: str, download: bool) -> FileResponse:
    if found is None or not found.digest:
        raise Http404
    try:
        response = FileResponse(
            blobs.path_of(found.digest).open("rb"),
            as_attachment=download,
            filename=found.file_name,
            content_type=content_type,
        )
    except OSError as error:
        raise Http404 from error
    response.headers["Content-Security-Policy"] = INERT
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


@signed_in
def attachment(request: SignedIn, attachment_id: uuid.UUID) -> FileResponse:
    """The file to keep: always a download of no particular type, whatever it claims to be."""
    return _file(
        attachment_get(request.viewer, attachment_id), content_type="application/octet-stream", download=True
    )


def _picture(source: bytes | Path, *, keep: str) -> HttpResponse:
    """A picture drawn anew (see `web.pictures`); 404 for whatever is none."""
    drawn = redrawn(source)
    if drawn is None:
        raise Http404
    response = HttpResponse(drawn[0], content_type=drawn[1])
    response.headers["Content-Security-Policy"] = INERT
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = f"private, {keep}"
    return response


@signed_in
def attachment_preview(request: SignedIn, attachment_id: uuid.UUID) -> HttpResponse:
    """A picture to look at, written by ourselves from what was sent."""
    found = attachment_get(request.viewer, attachment_id)
    if found is None or not found.digest or found.content_type not in PREVIEWED:
        raise Http404
    return _picture(blobs.path_of(found.digest), keep="max-age=86400")


@signed_in
def avatar(request: SignedIn, digest: str) -> HttpResponse:
    """A face by the hash of its bytes; a blob that is nobody's face is not shown by its hash."""
    faces = (Identity.objects, Contact.objects, User.objects)
    if not any(people.filter(avatar=digest).exists() for people in faces):
        raise Http404
    try:
        path = blobs.path_of(digest)
    except ValueError as error:
        raise Http404 from error
    return _picture(path, keep="max-age=604800, immutable")


@signed_in
def remote_image(request: SignedIn, token: str) -> HttpResponse:
    """An image of another server, fetched by us: guarded, small, and drawn anew."""
    try:
        address = str(signing.loads(token, salt=SALT, max_age=7 * 86400))
        with http.client(follow_redirects=True) as client, client.stream("GET", address) as answer:
            content = http.read_capped(answer.raise_for_status(), LARGEST_IMAGE, seconds=30)
    except (signing.BadSignature, httpx.HTTPError, httpx.InvalidURL) as error:
        raise Http404 from error
    return _picture(content, keep="max-age=86400")
