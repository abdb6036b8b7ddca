"""Webhooks to other people's programs: whom, of what, what became of each, and a secret that is shown once."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kith.channels import webhooks_out
from kith.channels.models import WebhookDelivery, WebhookSubscription
from kith.web.access import SignedIn, administrators
from kith.web.settings.base_forms import Form
from kith.web.settings.page import blame, done, show

SECTION = "settings:webhooks"
MOST = 100


class WebhookForm(Form):
    """Where to, and of what."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=1000,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text=gettext_lazy("Your program takes small signed JSON there, as Standard Webhooks say."),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Tell it when"),
        choices=list(webhooks_out.TITLES.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "It is told what you may see yourself, by ids; it reads the rest over the API with its own token."
        ),
    )


@administrators
def webhooks(request: SignedIn) -> HttpResponse:
    """All subscriptions, each with how it fares."""
    waiting = Count("deliveries", filter=Q(deliveries__state=WebhookDelivery.State.WAITING))
    rows = WebhookSubscription.objects.select_related("created_by").annotate(waiting=waiting).order_by("-id")
    return show(request, "settings/webhooks.html", section=SECTION, rows=rows)


@never_cache
@administrators
def webhook_new(request: SignedIn) -> HttpResponse:
    """POST makes one and shows its secret, once."""
    form = WebhookForm(request.POST or None, initial={"kinds": ["message.received"]})
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = webhooks_out.subscription_create(user=request.user, **form.changed())
        except webhooks_out.WebhookError as error:
            blame(form, error)
        else:
            return _page(request, made, secret=secret)
    status = 422 if request.method == "POST" else 200
    return show(request, "settings/webhook_new.html", section=SECTION, status=status, form=form)


@never_cache
@administrators
def webhook(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """One subscription: change it; the last events and what became of them."""
    row = get_object_or_404(WebhookSubscription, pk=pk)
    if request.method != "POST":
        return _page(request, row)
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            webhooks_out.subscription_update(subscription=row, **form.changed())
        except webhooks_out.WebhookError as error:
            blame(form, error)
        else:
            done(request, _("The webhook is changed."))
            return redirect("settings:webhook", pk)
    row.refresh_from_db()
    return _page(request, row, form=form, status=422)


def _page(
    request: SignedIn,
    row: WebhookSubscription,
    *,
    form: WebhookForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "row": row,
        "secret": secret,
        "form": form or WebhookForm(initial={"url": row.url, "kinds": row.kinds}),
        "deliveries": row.deliveries.order_by("-id")[:MOST],
        "titles": {**webhooks_out.TITLES, webhooks_out.PING: _("A test")},
    }
    return show(request, "settings/webhook.html", section=SECTION, status=status, **context)


@never_cache
@require_POST
@transaction.non_atomic_requests
@administrators
def webhook_do(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Pause, go on, send a test, make another secret, remove: by the value of `do`."""
    row = get_object_or_404(WebhookSubscription, pk=pk)
    match request.POST.get("do", ""):
        case "ping":
            said = webhooks_out.ping(subscription=row)
            if said.error:
                done(request, _("The test did not arrive."))
            else:
                done(request, _("The test was taken, with status %s.") % said.status)
        case "secret":
            return _page(request, row, secret=webhooks_out.subscription_new_secret(subscription=row))
        case "pause" | "resume" as what:
            webhooks_out.subscription_update(subscription=row, paused=what == "pause")
        case "remove":
            webhooks_out.subscription_remove(subscription=row)
            return redirect(SECTION)
    return redirect("settings:webhook", pk)


@require_POST
@administrators
def webhook_delivery(request: SignedIn, pk: uuid.UUID, delivery: uuid.UUID) -> HttpResponse:
    """Tell one event again (`do=again`), or leave it out (`do=skip`)."""
    row = get_object_or_404(WebhookSubscription, pk=pk)
    deed = webhooks_out.delivery_skip if request.POST.get("do") == "skip" else webhooks_out.delivery_again
    if deed(subscription=row, delivery_id=delivery):
        done(request, _("Done"))
    return redirect("settings:webhook", pk)
