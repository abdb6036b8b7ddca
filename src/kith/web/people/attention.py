"""The calendar of a person's attention with the balance of what we gave and asked; the pressure of the whole company."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from kith.contacts.models import Contact
from kith.contacts.selectors import contact_family
from kith.trust.pressure import cap_shares, pressure_weeks
from kith.web import pages
from kith.web.access import SignedIn, managers, reading, signed_in
from kith.workspace.attention import attention_of

SHOWN = {"": (), "made": ("made",), "planned": ("planned",), "held": ("held", "denied")}
HEIGHT, STEP, MOST_DIVISIONS = 160, 20, 6


@reading
@signed_in
def person_attention(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """What reached a person within a year, what was held and what is planned; `?show=` made, planned or held alone."""
    family = contact_family(contact_id)
    if family is None:
        raise Http404
    if family.contact_id != contact_id:
        return HttpResponseRedirect(reverse("person_attention", args=[family.contact_id]))
    contact = Contact.objects.get(pk=contact_id)
    found = attention_of(request.viewer, family)
    show = request.GET.get("show", "")
    states = SHOWN.get(show, ())
    names = {"": _("Everything"), "made": _("Reached them"), "planned": _("Planned"), "held": _("Held back")}
    context = {
        "contact": contact,
        "name": contact.name or contact.preferred_name or _("Somebody"),
        "found": found,
        "rows": [row for row in found.rows if not states or row.state in states],
        "shown": [
            {"text": text, "href": f"?show={key}" if key else "?", "current": key == show}
            for key, text in names.items()
        ],
        "kinds": kind_words(),
        "channels": channel_words(),
        "windows": window_words(),
        "most": max((week.count for week in found.weeks), default=0),
    }
    return pages.page(request, "people/attention.html", context, section="people")


def kind_words() -> dict[str, str]:
    return {
        "reply": _("answer"),
        "acknowledgement": _("automatic acknowledgement"),
        "transactional": _("notice"),
        "campaign": _("offer to many"),
        "sequence": _("offer in a row"),
        "outreach": _("offer"),
    }


def channel_words() -> dict[str, str]:
    return {
        "email": _("by mail"),
        "sms": _("by text message"),
        "phone": _("by phone"),
        "letter": _("by letter"),
        "public": _("in public"),
        "direct": _("by direct message"),
    }


def window_words() -> dict[str, str]:
    return {"year": _("in a year"), "month": _("in 30 days"), "week": _("in 7 days")}


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column of the chart, in its own units; `tone` is the division's place."""

    x: int
    y: float
    height: float
    tone: int
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A week of the table: offers by division, and what was no offer."""

    week: date
    counts: tuple[int, ...]
    offers: int
    others: int


@managers
def pressure(request: SignedIn) -> HttpResponse:
    """Offers by week and division over half a year, as a chart with its table; how many people are at each cap."""
    found = pressure_weeks()
    totals: dict[str, int] = defaultdict(int)
    for one in found:
        if one.selling:
            totals[one.division] += one.count
    names = sorted(totals, key=lambda name: (-totals[name], name))
    shown, rest = names[:MOST_DIVISIONS], set(names[MOST_DIVISIONS:])
    columns = [name or _("no division") for name in shown] + ([_("others")] if rest else [])
    by_week: dict[date, list[int]] = {}
    others: dict[date, int] = defaultdict(int)
    for one in found:
        counts = by_week.setdefault(one.week, [0] * len(columns))
        if one.selling:
            counts[len(columns) - 1 if one.division in rest else shown.index(one.division)] += one.count
        else:
            others[one.week] += one.count
    rows = [Row(week, tuple(counts), sum(counts), others[week]) for week, counts in sorted(by_week.items())]
    most = max((row.offers for row in rows), default=0)
    context = {
        "columns": columns,
        "rows": rows,
        "most": most,
        "bars": _bars(rows, columns, most),
        "marks": [(at * STEP, row.week) for at, row in enumerate(rows) if at % 4 == 0],
        "width": max(1, len(rows)) * STEP,
        "height": HEIGHT,
        "caps": cap_shares(),
        "windows": window_words(),
    }
    return pages.page(request, "people/pressure.html", context, section="people")


def _bars(rows: list[Row], columns: list[str], most: int) -> list[Bar]:
    bars = []
    for at, row in enumerate(rows):
        top = float(HEIGHT)
        for tone, count in enumerate(row.counts):
            if not count:
                continue
            height = count * HEIGHT / most
            top -= height
            title = f"{columns[tone]}, {row.week:%d.%m.%Y}: {count}"
            bars.append(Bar(at * STEP + 2, round(top, 1), round(height, 1), tone, title))
    return bars
