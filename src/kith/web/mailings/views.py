"""Mailings: a draft, who would get it and why not, and the sending."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from typing import Any

from django.http import (
    Http404,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.base.csv import safe_cell
from kith.campaigns import selectors
from kith.campaigns.errors import MailingError
from kith.campaigns.models import Mailing
from kith.campaigns.services import drafts
from kith.campaigns.services.check import mailing_check
from kith.core.fields import as_number, as_uuid
from kith.teams.selectors import may_manage
from kith.trust.selectors import topics
from kith.trust.sentences import sentence
from kith.trust.types import UsedFact
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.mailings import chart, words
from kith.web.mailings.acts import act
from kith.web.people.filters import view_of
from kith.workspace.mailing_lists import list_of_people, list_of_view, size_of

State = Mailing.State
DRAFTS = (State.DRAFT, State.CHECKING, State.CHECKED)


def mailing_or_404(request: SignedIn, mailing_id: uuid.UUID) -> Mailing:
    found = selectors.mailing_of(request.viewer, mailing_id)
    if found is None:
        raise Http404
    return found


def to(mailing: Mailing) -> HttpResponse:
    return HttpResponseRedirect(reverse("mailing", args=[mailing.pk]))


@writers
def mailings(request: SignedIn) -> HttpResponse:
    rows = selectors.mailings_of(request.viewer)
    return pages.page(
        request, "mailings/list.html", {"rows": rows, "states": words.STATES}, section="mailings"
    )


@require_POST
@writers
def from_people(request: SignedIn) -> HttpResponse:
    """POST `pick` (several ids), or `all` with `list` (the list's own query): a draft to all of them."""
    picked = [key for text in request.POST.getlist("pick")[:1000] if (key := as_uuid(text))]
    accounts = drafts.accounts_of(request.viewer)
    if not accounts:
        return pages.with_toast(
            HttpResponse(), _("Connect a mailbox first: a mailing comes from one."), kind="error"
        )
    if request.POST.get("all"):
        people = list_of_view(view_of(QueryDict(request.POST.get("list", ""))))
    elif picked:
        people = list_of_people(picked)
    else:
        return pages.with_toast(HttpResponse(), _("Pick people first."), kind="error")
    mailing = drafts.mailing_create(
        user=request.user, people=people, account=accounts[0], title=_("A mailing without a title yet")
    )
    return HttpResponse(headers={"HX-Redirect": reverse("mailing", args=[mailing.pk])})


def _form(request: SignedIn, mailing: Mailing) -> dict[str, Any]:
    used = mailing.based_on[0] if mailing.based_on else {}
    return {
        "accounts": [(str(row.pk), row.name) for row in drafts.accounts_of(request.viewer)],
        "topics": [("", _("Choose a topic")), *((row.key, row.name) for row in topics())],
        "priorities": words.PRIORITIES,
        "origins": words.ORIGINS,
        "abouts": words.ABOUTS,
        "used": used,
    }


def _context(request: SignedIn, mailing: Mailing) -> dict[str, Any]:
    numbers = mailing.numbers or {}
    rules = [row[1] for row in numbers.get("rules", [])]
    return {
        "mailing": mailing,
        "drafting": mailing.state in DRAFTS,
        "people": size_of(mailing),
        "states": words.STATES,
        "state": words.STATES[mailing.state],
        "result": chart.result_of(numbers) if rules else None,
        "examples": selectors.examples(mailing, rules) if rules else {},
        "may_send": may_manage(request.user),
        "became": [
            (words.BECAME[state], state, number)
            for state, number in sorted(selectors.became(mailing).items(), key=lambda row: -row[1])
        ]
        if mailing.state not in DRAFTS
        else [],
        "error": "",
        "purposes": {row.key: row.name for row in topics()},
    }


@writers
def mailing(request: SignedIn, mailing_id: uuid.UUID) -> HttpResponse:
    """One mailing: its draft with the dry run, or how far it is."""
    record = mailing_or_404(request, mailing_id)
    context = _context(request, record)
    if pages.wants_fragment(request):
        return pages.part(request, "mailings/state.html", context)
    return pages.page(request, "mailings/one.html", context | _form(request, record), section="mailings")


@require_POST
@writers
def keep(request: SignedIn, mailing_id: uuid.UUID) -> HttpResponse:
    """Keep the draft; with `check`, begin the dry run."""
    record = mailing_or_404(request, mailing_id)
    post = request.POST
    try:
        if topic := post.get("topic_new", "").strip():
            purpose = drafts.topic_add(name=topic).key
        else:
            purpose = post.get("purpose", "")
        record = drafts.mailing_change(
            record,
            request.viewer,
            {
                "title": post.get("title", ""),
                "account": as_uuid(post.get("account", "")),
                "purpose": purpose,
                "subject": post.get("subject", ""),
                "text": post.get("text", ""),
                "priority": as_number(post.get("priority", "")),
                "expires_days": as_number(post.get("expires_days", ""), 14),
                "digest": "digest" in post,
                "based_on": _based_on(post),
            },
        )
        if "check" in post:
            record = mailing_check(mailing=record)
    except MailingError as error:
        for name in ("title", "subject", "text"):
            setattr(record, name, post.get(name, "")[:100_000])
        context = _context(request, record) | _form(request, record) | {"error": str(error)}
        return pages.page(request, "mailings/one.html", context, section="mailings", status=422)
    return to(record)


def _based_on(post: QueryDict) -> list[dict[str, Any]]:
    """The fact by which these people were chosen, as the gate is asked about it."""
    attribute = " ".join(post.get("attribute", "").replace("\x00", "").split())[:80]
    origin, about = post.get("origin", ""), post.get("about", "unknown")
    if not attribute or origin not in dict(words.ORIGINS) or not origin:
        return []
    named = attribute.casefold().replace(" ", "_")
    serves = (post.get("purpose", ""),) if origin == "told_us" else ()
    return [UsedFact(named, origin, about if about in dict(words.ABOUTS) else "unknown", serves).kept()]  # type: ignore[arg-type]


@require_POST
@writers
def remove(request: SignedIn, mailing_id: uuid.UUID) -> HttpResponse:
    record = mailing_or_404(request, mailing_id)
    return act(request, lambda: drafts.mailing_remove(record), _("The draft is gone."), reverse("mailings"))


@writers
def people(request: SignedIn, mailing_id: uuid.UUID) -> HttpResponse:
    """People of the dry run, those of one rule (`rule`) or all, fifty at a time."""
    record = mailing_or_404(request, mailing_id)
    rule = request.GET.get("rule", "")
    rule = rule if rule in {row[1] for row in (record.numbers or {}).get("rules", [])} else ""
    rows, after = selectors.recipients(record, rule=rule, after=_after(request))
    context = {
        "mailing": record,
        "rule": rule,
        "title": words.RULES.get(rule, rule) if rule else _("Everybody on the list"),
        "rows": [(row, words.OUTCOMES[row.outcome], words.TONES[row.outcome], _why(row)) for row in rows],
        "after": after,
    }
    template = "mailings/people_rows.html" if "after" in request.GET else "mailings/people.html"
    if "after" in request.GET:
        return pages.part(request, template, context)
    return pages.page(request, template, context, section="mailings")


def _after(request: SignedIn) -> int:
    return max(as_number(request.GET.get("after", ""), digits=18), 0)


def _why(row: selectors.RecipientRow) -> str:
    if row.rule in ("no_address", "plain"):
        return str(words.RULES[row.rule])
    try:
        return sentence(row.rule, row.values)
    except (KeyError, ValueError):
        return str(words.RULES.get(row.rule, row.rule))


class _Echo:
    def write(self, text: str) -> str:
        return text


@writers
def table(request: SignedIn, mailing_id: uuid.UUID) -> StreamingHttpResponse:
    """The dry run as CSV: a line a person."""
    record = mailing_or_404(request, mailing_id)

    def lines() -> Iterator[str]:
        out = csv.writer(_Echo())
        yield "\ufeff" + out.writerow(
            [_("Person"), _("Address"), _("Greeted as"), _("Outcome"), _("Rule"), _("Why"), _("Until")]
        )
        for row in selectors.recipients_all(record):
            until = row.until.isoformat() if row.until else ""
            cells = (
                row.who,
                row.address,
                row.name,
                str(words.OUTCOMES[row.outcome]),
                row.rule,
                _why(row),
                until,
            )
            yield out.writerow([safe_cell(cell) for cell in cells])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="dry-run-{record.pk}.csv"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
