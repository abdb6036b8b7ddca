"""From a template to an answer: whole pages inside the shell, or one block of them for htmx."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.web.access import SignedIn
from kith.web.compiling import Templates
from kith.web.live.address import live_url
from kith.workspace.frame import Entry, Frame, frame_of
from kith.workspace.inbox import InboxCounts


class Shell:
    """What the frame around every screen shows; each part is read only when the template asks for it."""

    def __init__(self, request: SignedIn, section: str) -> None:
        self.request, self.section = request, section

    @cached_property
    def user(self) -> User:
        return self.request.user

    @cached_property
    def frame(self) -> Frame:
        return frame_of(self.request.viewer)

    @property
    def company(self) -> str:
        return self.frame.company

    @property
    def counts(self) -> InboxCounts:
        return self.frame.counts

    @property
    def teams(self) -> tuple[Entry, ...]:
        return self.frame.teams

    @property
    def saved_views(self) -> tuple[Entry, ...]:
        return self.frame.saved_views

    @property
    def unread_notifications(self) -> int:
        return self.frame.unread

    @property
    def listens(self) -> bool:
        return self.frame.listens

    @cached_property
    def toasts(self) -> list[dict[str, str]]:
        """What `toast_later` kept for this page."""
        kept: list[dict[str, str]] = (
            self.request.session.pop(LATER, []) if LATER in self.request.session else []
        )
        return kept

    @cached_property
    def wants_tour(self) -> bool:
        """The inbox shows the tour to who has not seen it, and to who asks for it again."""
        at_inbox = self.request.path == reverse("inbox")
        return at_inbox and ("tour" in self.request.GET or not self.user.preferences.get("toured"))

    @cached_property
    def has_channels(self) -> bool:
        return ChannelAccount.objects.exists()

    @cached_property
    def live_url(self) -> str:
        return live_url(self.request)


LATER = "kith_later_toasts"


def toast_later(request: HttpRequest, text: str, *, undo: str = "") -> None:
    """A toast on the next whole page, for a deed that leads there; `undo` is the address that takes it back."""
    request.session[LATER] = [*request.session.get(LATER, []), {"text": str(text), "undo": undo}][-3:]


def jinja() -> Templates:
    """The templates in the language of this request."""
    environment: Templates = engines["jinja2"].env  # type: ignore[attr-defined]
    return environment.in_language(get_language())


def context_of(request: HttpRequest, section: str, context: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request": request,
        "user": request.user,
        "csrf_token": get_token(request),
        "shell": Shell(request, section) if isinstance(request.user, User) else None,  # type: ignore[arg-type]
        **context,
    }


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asked for a part of the page (going back in history it asks for all of it)."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in headers


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, section: str = "", status: int = 200
) -> HttpResponse:
    """The whole page."""
    text = jinja().get_template(template).render(context_of(request, section, context))
    return answer(text, status)


def part(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, section: str = "", status: int = 200
) -> HttpResponse:
    """A small template by itself, for htmx; several may be written into one answer."""
    return page(request, template, context, section=section, status=status)


def answer(text: str, status: int) -> HttpResponse:
    """A page for one reader, which nobody keeps."""
    response = HttpResponse(text, status=status)
    response.headers["Vary"] = "HX-Request, Cookie"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def with_toast(
    response: HttpResponse,
    text: str,
    *,
    undo: str = "",
    kind: str = "plain",
    until: datetime | None = None,
    link: tuple[str, str] | None = None,
) -> HttpResponse:
    """Append a toast to a fragment's answer; `undo` is the address that takes the deed back, `until` when it is too late
    for that, `link` an address with its words."""
    context = {
        "text": text,
        "undo": undo,
        "kind": kind,
        "undo_word": _("Undo"),
        "until": until,
        "link": link,
    }
    response.write(jinja().get_template("ui/toast_partial.html").render(context))
    return response
