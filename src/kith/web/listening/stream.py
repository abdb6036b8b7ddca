"""The stream of mentions: posts with what was looked for marked, and what a colleague does about each."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.base.keyset import cursor_decode, cursor_encode
from kith.contacts.services import identities_observe
from kith.contacts.types import ObservedIdentity
from kith.core.fields import as_uuid
from kith.listening import selectors
from kith.listening.errors import ListeningError
from kith.listening.services import mentions as services
from kith.listening.types import MentionRow, MentionView
from kith.networks.selectors import channel_accounts_for, network_rules
from kith.teams.models import User
from kith.web import pages
from kith.web.access import SignedIn, reading, signed_in, writers
from kith.web.listening import words
from kith.web.listening.chart import chart

DAYS = 30


def view_of(request: SignedIn) -> MentionView:
    """What the address narrows the stream to; what is none of it counts for nothing."""
    get = request.GET
    state = get.get("state", "open")
    return MentionView(
        monitor_id=as_uuid(get.get("monitor", "")),
        state=state if state in words.STATES else "open",
        network=get.get("network", "")[:40],
        language=get.get("language", "")[:12],
        assignee_id=request.user.pk if get.get("mine") else None,
        since=_day(get.get("since", "")),
        until=_day(get.get("until", "")),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def query_of(view: MentionView, **other: str) -> dict[str, str]:
    """The address's query for a view, with some of it changed."""
    values = {
        "monitor": str(view.monitor_id or ""),
        "state": view.state,
        "network": view.network,
        "language": view.language,
        "mine": "1" if view.assignee_id else "",
        "since": view.since.isoformat() if view.since else "",
        "until": view.until.isoformat() if view.until else "",
    } | other
    kept = {name: value for name, value in values.items() if value and name != "state"}
    return kept if values["state"] == "open" else kept | {"state": values["state"]}


@reading
@signed_in
def mentions(request: SignedIn) -> HttpResponse:
    """Posts that the viewer's searches found, newest first; narrowed by search, state, network, language, day."""
    view = view_of(request)
    rows, after = selectors.mentions(request.viewer, view, before=cursor_decode(request.GET.get("after")))
    context: dict[str, Any] = {
        "rows": [_shown(request, row) for row in rows],
        "query": query_of(view),
        "after": cursor_encode(*after) if after else "",
        "view": view,
        "first": "after" not in request.GET,
    }
    if pages.wants_fragment(request) and "after" in request.GET:
        return pages.part(request, "listening/rows.html", context)
    monitors = selectors.monitors_of(request.viewer)
    chosen = next((one for one in monitors if one.pk == view.monitor_id), None)
    if view.monitor_id is not None and chosen is None:
        raise Http404
    networks, languages = selectors.filters(request.viewer)

    def posts_of(day: date) -> str:
        return f"{reverse('mentions')}?{urlencode(query_of(view, state='', since=day.isoformat(), until=day.isoformat()))}"

    keys = [chosen.pk] if chosen else [one.pk for one in monitors]
    context |= {
        "monitor": chosen,
        "monitors": monitors,
        "states_items": [
            {
                "href": f"{reverse('mentions')}?{urlencode(query_of(view, state=key))}",
                "text": title,
                "current": view.state == key,
            }
            for key, title in words.STATES.items()
        ],
        "networks": networks,
        "languages": languages,
        "chart": chart(selectors.days(request.viewer, keys, number=DAYS) if keys else [], posts_of),
        "whole": query_of(view, since="", until=""),
    }
    return pages.page(request, "listening/stream.html", context, section="listening")


def _shown(request: SignedIn, row: MentionRow) -> dict[str, Any]:
    post = row.post
    return {
        "row": row,
        "post": post,
        "who": post.author_name or post.author_handle or _("Somebody"),
        "parts": words.marked_parts(post.text, row.spans),
        "contact": post.author.contact_id if post.author is not None else None,
        "state": words.STATES[row.state],
        "can_answer": request.user.may_write,
    }


def _one(request: SignedIn, post_id: uuid.UUID) -> MentionRow:
    row = selectors.mention_row(request.viewer, post_id)
    if row is None:
        raise Http404
    return row


def _answered(request: SignedIn, post_id: uuid.UUID, said: str, *, undo: str = "") -> HttpResponse:
    context = {"item": _shown(request, _one(request, post_id)), "first": False}
    return pages.with_toast(pages.part(request, "listening/row.html", context), said, undo=undo)


@require_POST
@writers
def decide(request: SignedIn, post_id: uuid.UUID) -> HttpResponse:
    """POST `state`: done, muted, or open again."""
    _one(request, post_id)
    state = request.POST.get("state") or request.GET.get("state", "")
    try:
        services.post_decide(request.viewer, post_id, state)
    except ListeningError as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    if "undo" in request.GET:
        pages.toast_later(request, _("Taken back"))
        return HttpResponse(headers={"HX-Refresh": "true"})
    said = {"done": _("Done"), "muted": _("Muted"), "open": _("Open again")}[state]
    undo = f"{reverse('post_decide', args=[post_id])}?state=open&undo=1" if state != "open" else ""
    return _answered(request, post_id, said, undo=undo)


@require_POST
@writers
def assign(request: SignedIn, post_id: uuid.UUID) -> HttpResponse:
    """POST `assignee`: a colleague's id, "me", or "" for nobody."""
    _one(request, post_id)
    wanted = request.POST.get("assignee", "")
    key = request.user.pk if wanted == "me" else as_uuid(wanted)
    user = User.objects.filter(pk=key).first() if key is not None else None
    try:
        services.post_assign(request.viewer, post_id, user)
    except ListeningError as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    said = _("With %(name)s") % {"name": user.name} if user else _("With nobody")
    return _answered(request, post_id, said)


@require_POST
@writers
def answer(request: SignedIn, post_id: uuid.UUID) -> HttpResponse:
    """To where it is answered in public: its conversation, where it was said to us, or the composer of a channel there."""
    row = _one(request, post_id)
    post = row.post
    if row.conversation_id is not None:
        return HttpResponse(headers={"HX-Redirect": reverse("conversation", args=[row.conversation_id])})
    if post.message is not None:
        thread = post.message.copies.filter(scope_id__in=request.viewer.scope_ids).values_list(
            "thread__conversation_id", flat=True
        )
        if thread:
            return HttpResponse(headers={"HX-Redirect": reverse("conversation", args=[thread[0]])})
    account = channel_accounts_for(request.viewer).filter(network=post.network, state="active").first()
    if account is None or not network_rules(post.network).sends or not post.author_external_id:
        said = _("No channel of ours can answer there. Open the original.")
        return pages.with_toast(HttpResponse(), said, kind="error")
    who = ObservedIdentity(
        network=post.network,
        external_id=post.author_external_id,
        realm=post.realm,
        handle=post.author_handle,
        display_name=post.author_name,
    )
    identity = identities_observe([who])[who.key]
    query = {"identity": str(identity.id), "account": str(account.pk), "post": str(post.pk)}
    return HttpResponse(headers={"HX-Redirect": f"{reverse('write')}?{urlencode(query)}"})
