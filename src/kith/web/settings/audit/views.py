"""The screen of the audit log."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.http import HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from kith.core.fields import as_uuid
from kith.teams.models import User
from kith.web.access import SignedIn, administrators
from kith.web.settings.audit.telling import sentence_of, told
from kith.web.settings.audit.words import AREAS, SENTENCES
from kith.web.settings.page import show
from kith.workspace.audit_log import KITH, AuditFilter, audit_page


def _day(text: str) -> datetime | None:
    """The beginning of a day in the reader's zone; None for anything that is no day."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    # The first and the last days of the calendar have no neighbours to be converted to.
    return timezone.make_aware(datetime.combine(day, time.min)) if day and 1970 < day.year < 9999 else None


def _choices() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(key of an area, its title, its actions in words)."""
    return [
        (area.key, str(area.title), [(action, sentence_of(action, "…")) for action in area.sentences])
        for area in AREAS
    ]


def _actions(chosen: str) -> tuple[str, ...]:
    """The actions that a choice means: all of an area, or one."""
    area = next((area for area in AREAS if f"area:{area.key}" == chosen), None)
    if area is not None:
        return tuple(area.sentences)
    return (chosen,) if chosen else ()


@administrators
def audit(request: SignedIn) -> HttpResponse:
    """Who did what, newest first. `actor` (a user's id or "kith"), `action` (one, or "area:people"), `from` and `to`
    (days), `about` (an id) narrow it; `before` goes on."""
    get = {
        name: request.GET.get(name, "").replace("\x00", "")
        for name in ("actor", "action", "from", "to", "about")
    }
    if get["actor"] != KITH and not as_uuid(get["actor"]):
        get["actor"] = ""
    since, until = _day(get["from"]), _day(get["to"])
    wanted = AuditFilter(
        actor=get["actor"],
        actions=_actions(get["action"]),
        since=since,
        until=until + timedelta(days=1) if until else None,
        subject_id=as_uuid(get["about"]),
    )
    page = audit_page(request.viewer, wanted, before=as_uuid(request.GET.get("before", "")))
    return show(
        request,
        "settings/audit.html",
        section="settings:audit",
        rows=[told(row, page.names) for row in page.rows],
        older=page.older,
        chosen=get,
        narrowed=any(get.values()),
        areas=_choices(),
        unknown=get["action"] if get["action"] and not _known(get["action"]) else "",
        people=[(KITH, _("Kith itself")), *User.objects.order_by("name").values_list("pk", "name")],
    )


def _known(chosen: str) -> bool:
    return chosen in SENTENCES or any(f"area:{area.key}" == chosen for area in AREAS)
