"""Listening: what is looked for, how much of it was found, and what was asked where."""

from __future__ import annotations

from datetime import UTC, date

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from kith.base.clock import now
from kith.listening import selectors
from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in
from kith.web.listening.chart import chart
from kith.web.listening.coverage import sources

DAYS = 30


@reading
@signed_in
def monitors(request: SignedIn) -> HttpResponse:
    """All searches that the viewer sees, with what they found today and in a week, and a month of all of them."""
    midnight = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = selectors.monitor_rows(request.viewer, midnight=midnight)

    def posts_of(day: date) -> str:
        query = {"state": "", "since": day.isoformat(), "until": day.isoformat()}
        return f"{reverse('mentions')}?{urlencode(query)}"

    found = selectors.days(request.viewer, [row.monitor.pk for row in rows], number=DAYS) if rows else []
    context = {
        "rows": rows,
        "chart": chart(found, posts_of),
        "sources": sources(),
        "everyone": [row.monitor.pk for row in rows if row.monitor.scope.kind == "everyone"],
    }
    return pages.page(request, "listening/list.html", context, section="listening")


@reading
@signed_in
def coverage(request: SignedIn) -> HttpResponse:
    """What was asked of which network when, and what can't be seen."""
    context = {"sources": sources(), "searches": selectors.searches(), "seen": selectors.seen_by_network()}
    return pages.page(request, "listening/coverage.html", context, section="listening")
