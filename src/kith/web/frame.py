"""Small things of the frame: the theme, the command palette, the style guide."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.contacts.names import initials
from kith.teams.models import User
from kith.web import pages
from kith.web.access import SignedIn, signed_in
from kith.web.inbox.actions import on_screen
from kith.web.people.views import people_rows
from kith.workspace.search import search_messages


@require_POST
@signed_in
def theme(request: SignedIn) -> HttpResponse:
    chosen = request.POST.get("theme", "")
    User.objects.filter(pk=request.user.pk).update(theme=chosen if chosen in ("light", "dark") else "")
    return HttpResponse(status=204)


@dataclass(frozen=True, slots=True)
class Command:
    text: str
    icon_name: str
    href: str = ""
    key: str = ""
    press: str = ""


def _of_conversation() -> list[Command]:
    """What can be done with the open conversation; each presses the button that stands in its head."""

    def entry(text: str, name: str, icon: str, key: str = "") -> Command:
        return Command(text, icon_name=icon, press=f"[data-command={name}]", key=key)

    return [
        entry(_("Answer everybody"), "reply-all", "reply-all", "R"),
        entry(_("Forward"), "forward", "forward", "f"),
        entry(_("Join with another conversation"), "join", "merge", "J"),
        entry(_("Unread again"), "unread", "mail", "u"),
        entry(_("Spam: set it aside"), "spam", "octagon-alert", "!"),
        entry(_("Not spam: into the inbox"), "inbox", "inbox", "!"),
        entry(_("Block the sender"), "block", "ban"),
        entry(_("No longer block the sender"), "unblock", "user-check"),
    ]


def _commands(text: str, *, in_conversation: bool) -> list[Command]:
    every = [
        Command(_("Go to the inbox"), icon_name="inbox", href=reverse("inbox"), key="g i"),
        Command(_("Go to people"), icon_name="users", href=reverse("people"), key="g p"),
        Command(_("Go to today"), icon_name="sun", href=reverse("today"), key="g t"),
        Command(_("Mine"), icon_name="user", href=reverse("inbox_view", args=["mine"]), key="g m"),
        Command(_("Write to somebody"), icon_name="pen-line", href=reverse("write"), key="c"),
        Command(_("Assign this conversation"), icon_name="user-check", press="[data-key=a] summary", key="a"),
        Command(
            _("Snooze this conversation"), icon_name="alarm-clock", press="[data-key=s] summary", key="s"
        ),
        Command(_("Close this conversation"), icon_name="check", press="[data-key=e]", key="e"),
        Command(_("Keyboard"), icon_name="keyboard", press="[data-dialog=help]", key="?"),
        Command(_("Settings"), icon_name="settings", href="/settings/profile/"),
    ]
    if in_conversation:
        every += _of_conversation()
    words = text.lower().split()
    return [c for c in every if all(word in c.text.lower() for word in words)][: 6 if text else 10]


@signed_in
def palette(request: SignedIn) -> HttpResponse:
    """GET `q`: people, conversations and commands that fit."""
    text = request.GET.get("q", "").strip()[:300]
    people = people_rows(text, limit=5) if len(text) > 1 else []
    found = search_messages(request.viewer, text, limit=8).hits if len(text) > 1 else ()
    context = {
        "q": text,
        "people": [
            (c, c.name or c.preferred_name, initials(c.name or c.preferred_name or "?")) for c in people
        ],
        "hits": found,
        "commands": _commands(text, in_conversation=on_screen(request) is not None),
    }
    return pages.part(request, "palette.html", context)


@signed_in
def styleguide(request: SignedIn) -> HttpResponse:
    """Every component of `templates/ui`; for administrators, and for everyone in development."""
    if not (settings.DEBUG or request.user.administers):
        raise PermissionDenied
    return pages.page(request, "styleguide.html", {"now": timezone.now()}, section="styleguide")
