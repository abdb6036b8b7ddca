"""One action on many conversations: those picked, or all of a list, part by part with its progress; one undo for all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from kith.base.ids import new_id
from kith.contacts.models import Tag
from kith.conversations.models import Conversation
from kith.conversations.selectors import conversations_seen_by
from kith.conversations.services import actions
from kith.conversations.services.attention import seen_mark, seen_restore, seen_times, seen_unmark
from kith.core.fields import as_number, as_uuid
from kith.teams.errors import NotAllowed
from kith.teams.models import Team, User
from kith.teams.selectors import colleagues, viewer_of
from kith.teams.types import Viewer
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.inbox.actions import on_screen, refreshed
from kith.web.inbox.filters import PARAMS
from kith.web.inbox.lists import narrowed_view
from kith.web.inbox.words import later_choices
from kith.workspace.inbox import InboxView, inbox_page
from kith.workspace.inbox_total import inbox_total
from kith.workspace.unsent import unsent_page

CHANGED = {"HX-Trigger": "kith:changed"}
PART = 200
MOST = 10_000
LIST = ("in", "status", "why", *PARAMS)
READ_FOR = 3600  # seconds in which "read" can be taken back


@signed_in
def menus(request: SignedIn) -> HttpResponse:
    """What can be done with what is picked; fetched when the first one is."""
    context = {
        "key": request.GET.get("in", ""),
        "colleagues": sorted(colleagues(request.viewer), key=lambda u: u.pk != request.user.pk),
        "teams": list(Team.objects.order_by("name")),
        "tags": list(Tag.objects.order_by("name").values_list("name", flat=True)[:40]),
        "snoozes": later_choices(),
        "priorities": [(int(value), label) for value, label in Conversation.Priority.choices][::-1],
    }
    return pages.part(request, "inbox/bulk_menus.html", context)


def _list_of(request: SignedIn) -> InboxView:
    return narrowed_view(request, request.GET.get("in") or "inbox", request.GET.get("status", ""))[0]


@signed_in
def everything(request: SignedIn) -> HttpResponse:
    """A button that picks all of the list, with their number."""
    return all_of_list(request, inbox_total(request.viewer, _list_of(request), most=MOST), most=MOST)


def all_of_list(request: SignedIn, total: int, *, most: int) -> HttpResponse:
    """The button for a list of `total`, which was counted no further than `most`."""
    shown = f"{most}+" if total > most else str(total)
    context = {
        "total": total,
        "text": _("All %(num)s of this list") % {"num": shown},
        "said": _("All %(num)s picked") % {"num": shown},
    }
    return pages.part(request, "inbox/bulk_all.html", context)


Deed = Callable[[Viewer, Sequence[uuid.UUID], uuid.UUID], Sequence[uuid.UUID]]


def _acted(act: Callable[..., actions.Done], **values: Any) -> Deed:
    return lambda viewer, ids, batch: act(viewer, ids, batch_id=batch, **values).conversation_ids


def _assign(who: str) -> Deed:
    key = as_uuid(who)
    if key is None:
        return _acted(actions.conversations_assign, assignee_id=None)
    user = User.objects.filter(pk=key, is_active=True).first()
    if user is None:
        raise actions.ActionError(_("This colleague does not work here any more."))
    theirs = viewer_of(user)

    def deed(viewer: Viewer, ids: Sequence[uuid.UUID], batch: uuid.UUID) -> Sequence[uuid.UUID]:
        seen = conversations_seen_by(theirs, ids)  # the others stay where they are
        few = [i for i in ids if i in seen]
        done = actions.conversations_assign(viewer, few, assignee_id=key, batch_id=batch, tell=len(few) <= 3)
        if len(few) > 3:
            actions.assigned_tell(viewer, user_id=user.pk, count=len(done.conversation_ids))
        return done.conversation_ids

    return deed


def _snooze(text: str) -> Deed:
    try:
        until = parse_datetime(text)
    except ValueError:
        until = None
    if until is None or until.tzinfo is None:
        raise actions.ActionError(_("Say until when."))
    return _acted(actions.conversations_snooze, until=until)


def _tag(name: str) -> Deed:
    if not name.strip():
        raise actions.ActionError(_("Name the tag."))
    return _acted(actions.conversations_tag, add=[name])


def _priority(text: str) -> Deed:
    return _acted(actions.conversations_set_priority, priority=as_number(text, 99))


def _seen_key(viewer: Viewer, batch: uuid.UUID) -> str:
    return f"read:{viewer.user_id}:{batch}"


def _read(viewer: Viewer, ids: Sequence[uuid.UUID], batch: uuid.UUID) -> Sequence[uuid.UUID]:
    _remember(viewer, ids, batch)
    seen_mark(viewer, ids)
    return ids


def _unread(viewer: Viewer, ids: Sequence[uuid.UUID], batch: uuid.UUID) -> Sequence[uuid.UUID]:
    _remember(viewer, ids, batch)
    seen_unmark(viewer, ids)
    return ids


def _remember(viewer: Viewer, ids: Sequence[uuid.UUID], batch: uuid.UUID) -> None:
    """When each was read before, for the undo: nobody else's matter, so it stands in no log."""
    known = seen_times(viewer, ids)
    kept: dict[str, datetime | None] = cache.get(_seen_key(viewer, batch)) or {}
    cache.set(_seen_key(viewer, batch), {**kept, **{str(i): known.get(i) for i in ids}}, READ_FOR)


def read_undone(viewer: Viewer, batch: uuid.UUID) -> bool:
    """Put back what was read and unread before a bulk action; whether this was one."""
    kept: dict[str, datetime | None] | None = cache.get(_seen_key(viewer, batch))
    if kept is None:
        return False
    seen_restore(viewer, {uuid.UUID(key): at for key, at in kept.items()})
    cache.delete(_seen_key(viewer, batch))
    return True


def _deed(request: SignedIn) -> Deed:
    """What `do` asks for, such as "close", "assign:<user>", "tag:<name>", "snooze:<time>", "priority:2"."""
    what, _colon, value = request.POST.get("do", "").partition(":")
    made: dict[str, Callable[[], Deed]] = {
        "close": lambda: _acted(actions.conversations_close),
        "open": lambda: _acted(actions.conversations_reopen),
        "assign": lambda: _assign(value),
        "assign_me": lambda: _assign(str(request.user.pk)),
        "team": lambda: _acted(actions.conversations_assign_team, team_id=as_uuid(value)),
        "snooze": lambda: _snooze(value or later_choices()[0].at.isoformat()),
        "tag": lambda: _tag(value or request.POST.get("tag", "")),
        "untag": lambda: _acted(actions.conversations_tag, remove=[value]),
        "priority": lambda: _priority(value),
        "spam": lambda: _acted(actions.conversations_set_tray, tray="spam"),
        "release": lambda: _acted(actions.conversations_set_tray, tray=""),
        "read": lambda: _read,
        "unread": lambda: _unread,
    }
    if what not in made:
        raise actions.ActionError(_("Pick conversations first."))
    return made[what]()


@require_POST
@writers
def bulk(request: SignedIn) -> HttpResponse:
    """POST `id` (many) and `do`; with `all`, every conversation of the list that the address names, part by part."""
    if request.POST.get("all"):
        return _whole_list(request)
    ids = [key for text in request.POST.getlist("id") if (key := as_uuid(text)) is not None]
    batch = new_id()
    try:
        deed = _deed(request)
        if not ids:
            raise actions.ActionError(_("Pick conversations first."))
        changed = [
            key for n in range(0, len(ids), PART) for key in deed(request.viewer, ids[n : n + PART], batch)
        ]
    except (actions.ActionError, NotAllowed) as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return _finished(HttpResponse(headers=CHANGED), batch, len(changed), len(ids))


def _finished(response: HttpResponse, batch: uuid.UUID, changed: int, asked: int) -> HttpResponse:
    said = ngettext("%(num)s conversation changed", "%(num)s conversations changed", changed) % {
        "num": changed
    }
    if asked > changed:
        said += " " + ngettext("%(num)s stayed as it was", "%(num)s stayed as they were", asked - changed) % {
            "num": asked - changed
        }
    return pages.with_toast(response, said, undo=reverse("undo", args=[batch]) if changed else "")


def _one_undone(request: SignedIn, touched: tuple[uuid.UUID, ...]) -> HttpResponse:
    shown = on_screen(request)
    response = refreshed(request, shown) if shown in touched and shown else HttpResponse(headers=CHANGED)
    if shown in touched and not response.content:  # it was made by what is undone
        response.headers["HX-Redirect"] = reverse("conversation", args=[touched[0]])
    return pages.with_toast(response, _("Taken back"))


def _number(request: SignedIn, name: str) -> int:
    return max(as_number(request.POST.get(name, "")), 0)


def _whole_list(request: SignedIn) -> HttpResponse:
    """One part of a long change: the answer shows how far it is, and asks for the next part by itself.

    The place is a cursor of the list, so that rows that leave it (closed, say) move nothing, and what arrives meanwhile
    stays untouched. Each part is a transaction of its own under the one batch that the undo takes back.
    """
    request.GET = request.POST  # the list's own parameters come in the form
    viewer, view = request.viewer, _list_of(request)
    batch = as_uuid(request.POST.get("batch", "")) or new_id()
    done, changed = _number(request, "done"), _number(request, "changed")
    total = _number(request, "total") or inbox_total(viewer, view, most=MOST)
    cursor = request.POST.get("cursor") or None
    page = (
        unsent_page(viewer, cursor=cursor, limit=PART).page
        if view.kind == "unsent"
        else inbox_page(viewer, view, cursor=cursor, limit=PART)
    )
    try:
        deed = _deed(request)
        if page.rows:
            changed += len(deed(viewer, [row.conversation_id for row in page.rows], batch))
    except (actions.ActionError, NotAllowed) as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    done += len(page.rows)
    if page.next_cursor is None or done >= MOST:
        return _finished(_at_the_end(first=cursor is None), batch, changed, done)
    values = {name: request.POST[name] for name in (*LIST, "do", "tag") if request.POST.get(name)}
    values |= {"all": "1", "batch": str(batch), "cursor": page.next_cursor}
    values |= {"done": str(done), "changed": str(changed), "total": str(total)}
    return progress(request, reverse("inbox_bulk"), values, done, total, first=cursor is None)


def _at_the_end(*, first: bool) -> HttpResponse:
    """The answer to the last part, which takes the progress away; the first part has shown none."""
    gone = '<hx-partial hx-target="#bulk-progress" hx-swap="delete"></hx-partial>'
    return HttpResponse("" if first else gone, headers=CHANGED)


def progress(
    request: SignedIn, next_url: str, values: dict[str, str], done: int, total: int, *, first: bool
) -> HttpResponse:
    """How far it is; the first answer is put among the toasts, each later one in place of the one before."""
    said = _("%(done)s of %(total)s") % {"done": done, "total": max(total, done)}
    context = {
        "next_url": next_url,
        "values": values,
        "done": done,
        "total": total,
        "said": said,
        "first": first,
    }
    return pages.part(request, "inbox/bulk_progress.html", context)


@require_POST
@writers
def undo(request: SignedIn, batch_id: uuid.UUID) -> HttpResponse:
    """Take an action back: at once for a few, part by part for very many."""
    viewer = request.viewer
    if read_undone(viewer, batch_id):
        return pages.with_toast(HttpResponse(headers=CHANGED), _("Taken back"))
    before, since = as_uuid(request.POST.get("before", "")), _number(request, "since")
    try:
        total = _number(request, "total") or actions.batch_size(viewer, batch_id)
        if total <= 1:
            return _one_undone(request, actions.actions_undo(viewer, batch_id))
        part = actions.batch_undo(viewer, batch_id, before=before)
    except (actions.ActionError, NotAllowed) as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    since += part.changed_since
    done = _number(request, "done") + len(part.conversation_ids) + part.changed_since
    if part.before is not None:
        values = {"before": str(part.before), "since": str(since), "done": str(done), "total": str(total)}
        return progress(request, reverse("undo", args=[batch_id]), values, done, total, first=before is None)
    said = _("Taken back")
    if since:
        said += ". " + ngettext(
            "%(num)s was changed again since then, and stays",
            "%(num)s were changed again since then, and stay",
            since,
        ) % {"num": since}
    return pages.with_toast(_at_the_end(first=before is None), said)
