"""The queue of what the gate holds: who waits for what, why and until when; sent anyway with a reason, or dropped."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from kith.campaigns import selectors
from kith.campaigns.errors import MailingError
from kith.campaigns.queue import HeldRow, held_counts, held_rows, held_seen
from kith.campaigns.services.queue import touch_send_now
from kith.campaigns.services.send import UNDO_SECONDS, mailing_send, mailing_stop
from kith.channels.outbox import OutboxError
from kith.channels.settle import outgoing_release
from kith.core.fields import as_number, as_uuid
from kith.teams.errors import NotAllowed
from kith.teams.models import Division
from kith.trust.models import Touch
from kith.trust.sentences import of
from kith.trust.services import may_approve
from kith.trust.services.held import touches_drop, touches_put_back
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.mailings import words
from kith.web.mailings.acts import act
from kith.web.mailings.views import mailing_or_404

MOST = 500


@require_POST
@writers
def send(request: SignedIn, mailing_id: uuid.UUID) -> HttpResponse:
    """Begin sending, or go on; a few seconds remain to think better of it."""
    record = mailing_or_404(request, mailing_id)
    said = ngettext("It begins in %(n)s second", "It begins in %(n)s seconds", UNDO_SECONDS) % {
        "n": UNDO_SECONDS
    }
    here, stop_it = reverse("mailing", args=[record.pk]), reverse("mailing_stop", args=[record.pk])
    return act(request, lambda: mailing_send(mailing=record, user=request.user), said, here, undo=stop_it)


@require_POST
@writers
def stop(request: SignedIn, mailing_id: uuid.UUID) -> HttpResponse:
    record = mailing_or_404(request, mailing_id)
    said = _("Stopped. What has not left is taken back.")
    here = reverse("mailing", args=[record.pk])
    return act(request, lambda: mailing_stop(mailing=record, user=request.user), said, here)


@writers
def held(request: SignedIn) -> HttpResponse:
    """All that waits, by priority, then time; narrowed by rule, mailing and division."""
    get = request.GET
    mailing_id, division_id = as_uuid(get.get("mailing", "")), as_uuid(get.get("division", ""))
    narrow: dict[str, Any] = {"mailing_id": mailing_id, "division_id": division_id}
    counts = held_counts(request.viewer, **narrow)
    rule = get.get("rule", "") if get.get("rule", "") in words.RULES else ""
    rows, after = held_rows(request.viewer, rule=rule, after=_after(get.get("after", "")), **narrow)
    query = {"rule": rule, "mailing": mailing_id or "", "division": division_id or ""}
    context: dict[str, Any] = {
        "rows": [(row, _why(row), _may(request, row)) for row in rows],
        "after": f"{after[0]}.{after[1]}" if after else "",
        "query": {key: str(value) for key, value in query.items() if value},
    }
    if "after" in get:
        return pages.part(request, "mailings/held_rows.html", context)
    context |= {
        "rule": rule,
        "mailing_id": mailing_id or "",
        "division_id": division_id or "",
        "rules": [("", _("Any reason"))]
        + [(name, f"{words.HELD.get(name, name)} ({number})") for name, number in counts],
        "mailings": [("", _("Any mailing"))]
        + [(str(row.pk), row.title) for row in selectors.mailings_of(request.viewer, limit=50)],
        "divisions": [("", _("Any division"))]
        + [(str(key), name) for key, name in Division.objects.order_by("name").values_list("pk", "name")],
        "total": sum(number for _name, number in counts),
    }
    return pages.page(request, "mailings/held.html", context, section="mailings")


def _after(text: str) -> tuple[int, uuid.UUID] | None:
    priority, _dot, key = text.partition(".")
    found = as_uuid(key)
    return (as_number(priority, digits=3), found) if found else None


def _free(row: HeldRow) -> bool:
    """Nothing speaks against it: it waits as somebody else whom the message goes to is held."""
    return row.message_id is not None and row.rule in words.FREE


def _why(row: HeldRow) -> str:
    if _free(row):
        return str(words.HELD["plain"])
    return of(row.rule, row.values, row.sentence)


def _may(request: SignedIn, row: HeldRow) -> bool:
    return _free(row) or may_approve(request.user, row.rule)


def _touches(request: SignedIn) -> list[Touch]:
    """POST `pick`: those of the queue that this colleague sees."""
    keys = [key for text in request.POST.getlist("pick")[:MOST] if (key := as_uuid(text))]
    return [touch for touch in Touch.objects.filter(pk__in=keys) if held_seen(request.viewer, touch.pk)]


def _back(request: SignedIn, said: str, *, undo: str = "") -> HttpResponse:
    pages.toast_later(request, said, undo=undo)
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_POST
@writers
def send_now(request: SignedIn) -> HttpResponse:
    """POST `pick` and `reason`: sent anyway, each with the reason kept; what the gate denies stays."""
    reason = request.POST.get("reason", "").replace("\x00", "").strip()
    touches = _touches(request)
    if not touches:
        return pages.with_toast(HttpResponse(), _("Pick what is to go."), kind="error")
    if not reason:
        return pages.with_toast(HttpResponse(), _("Say why it may go all the same."), kind="error")
    gone, why = 0, ""
    for touch in touches:
        try:
            if touch.subject_id is not None:
                verdict = outgoing_release(request.viewer, touch.subject_id, reason=reason)
                refused = verdict.sentence if verdict.outcome != "allow" else ""
            else:
                said = touch_send_now(touch_id=touch.pk, user=request.user, reason=reason)
                refused = said.sentence if said is not None else ""
        except (MailingError, OutboxError, NotAllowed) as error:
            refused = str(error)
        gone += not refused
        why = refused or why
    if not gone:
        return pages.with_toast(HttpResponse(), _("It stays: %(why)s") % {"why": why}, kind="error")
    said_all = ngettext("%(n)s is on its way", "%(n)s are on their way", gone) % {"n": gone}
    stay = len(touches) - gone
    if stay:
        said_all += ". " + ngettext("%(n)s stays: %(why)s", "%(n)s stay: %(why)s", stay) % {
            "n": stay,
            "why": why,
        }
    return _back(request, said_all)


@require_POST
@writers
def drop(request: SignedIn) -> HttpResponse:
    """POST `pick`: out of the queue; they will not be sent. A message that a colleague wrote is taken back in its conversation."""
    touches = [touch.pk for touch in _touches(request) if touch.subject_id is None]
    dropped = touches_drop(touches)
    if not dropped:
        return pages.with_toast(
            HttpResponse(),
            _("Pick what is to be dropped. Messages are taken back where they were written."),
            kind="error",
        )
    request.session["kith_dropped"] = [str(key) for key in dropped]
    said = ngettext("%(n)s will not be sent", "%(n)s will not be sent", len(dropped)) % {"n": len(dropped)}
    return _back(request, said, undo=reverse("held_put_back"))


@require_POST
@writers
def put_back(request: SignedIn) -> HttpResponse:
    """What this colleague dropped last waits again."""
    kept = [key for text in request.session.pop("kith_dropped", []) if (key := as_uuid(text))]
    touches_put_back(kept)
    return _back(request, _("Taken back"))
