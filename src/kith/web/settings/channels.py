"""Channels: list, health, change, pause, remove, who may see them."""

from __future__ import annotations

import uuid

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.channels.deliver import delivery_settle
from kith.channels.models import Delivery, RawItem
from kith.channels.receive import raw_item_delete, raw_item_retry
from kith.networks.errors import NetworksError
from kith.networks.models import ChannelAccount
from kith.networks.selectors import channel_accounts_for, manifest_of
from kith.networks.services import (
    channel_account_pause,
    channel_account_remove,
    channel_account_resume,
    channel_account_set_scope,
    channel_account_update,
    may_administer,
)
from kith.networks.types import Intake
from kith.teams.errors import TeamsError
from kith.web.access import SignedIn, signed_in, writers
from kith.web.settings.channel_forms import AudienceForm, ChannelForm
from kith.web.settings.network_rules import capability_sentences, rule_sentences
from kith.web.settings.outside import outside
from kith.web.settings.page import blame, done, show

SECTION = "settings:channels"
MOST = 50


def account_for(request: SignedIn, pk: uuid.UUID, *, change: bool = False) -> ChannelAccount:
    """An account in a scope that the user sees; 404 for others, and for those one may not change when asked to."""
    account = get_object_or_404(
        channel_accounts_for(request.viewer).select_related("scope", "team", "health"), pk=pk
    )
    if change and not may_administer(request.user, account):
        return get_object_or_404(ChannelAccount.objects.none(), pk=pk)
    return account


@signed_in
def channels(request: SignedIn) -> HttpResponse:
    """The channels that the user sees, each with how it fares."""
    rows = (
        channel_accounts_for(request.viewer)
        .select_related("scope", "team", "health")
        .annotate(
            aside=Count("raw_items", filter=Q(raw_items__state=RawItem.State.SET_ASIDE), distinct=True),
            perhaps=Count("deliveries", filter=Q(deliveries__state=Delivery.State.UNKNOWN), distinct=True),
        )
    )
    return show(request, "settings/channels.html", section=SECTION, rows=rows)


@signed_in
def channel(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """How one channel fares: last item, lag, errors in words, what is set aside, what was perhaps sent, its rules."""
    account = account_for(request, pk)
    manifest = manifest_of(account.network)
    return show(
        request,
        "settings/channel.html",
        section=SECTION,
        account=account,
        health=getattr(account, "health", None),
        manifest=manifest,
        rules=rule_sentences(manifest) if manifest else [],
        abilities=capability_sentences(manifest) if manifest else [],
        aside=account.raw_items.filter(state=RawItem.State.SET_ASIDE).defer("body").order_by("-id")[:MOST],
        perhaps=account.deliveries.filter(state=Delivery.State.UNKNOWN)
        .select_related("message")
        .order_by("-id")[:MOST],
        may_change=may_administer(request.user, account),
        outside=outside(account, manifest),
    )


@writers
def channel_edit(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Name, team, signature, aliases, acknowledgement."""
    account = account_for(request, pk, change=True)
    initial = {
        **{
            key: getattr(account, key)
            for key in (
                "name",
                "team",
                "signature",
                "acknowledge",
                "acknowledgement",
                "intake",
                "intake_label",
            )
        },
        "aliases": "\n".join(account.aliases),
    }
    form = ChannelForm(request.POST or None, initial=initial, manifest=manifest_of(account.network))
    form.offer(account.details)
    if request.method == "POST" and form.is_valid():
        values = form.changed()
        team, aliases = values.pop("team"), values.pop("aliases", None)
        policy, label = values.pop("intake", None), values.pop("intake_label", "")
        try:
            channel_account_update(
                account=account,
                user=request.user,
                plain=values,
                team=team,
                aliases=None if aliases is None else aliases.splitlines(),
                intake=Intake(policy, label, account.history_since) if policy else None,
            )
        except (NetworksError, TeamsError) as error:
            blame(form, error)
        else:
            done(request, _("The channel is changed."))
            return redirect("settings:channel", pk)
    status = 422 if request.method == "POST" else 200
    return show(
        request, "settings/channel_edit.html", section=SECTION, status=status, form=form, account=account
    )


@writers
def channel_audience(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Who may see the channel and everything that came through it."""
    account = account_for(request, pk, change=True)
    initial = {"audience": account.scope.kind, "teams": account.scope.teams.all()}
    form = AudienceForm(request.POST or None, initial=initial, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            channel_account_set_scope(account=account, audience=form.chosen(), user=request.user)
        except (NetworksError, TeamsError) as error:
            blame(form, error)
        else:
            done(request, _("From now on others see this channel, with all that came through it."))
            return redirect(SECTION)
    status = 422 if request.method == "POST" else 200
    return show(
        request, "settings/channel_audience.html", section=SECTION, status=status, form=form, account=account
    )


@require_POST
@writers
def channel_state(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Pause, resume or remove, by the value of `do`."""
    account = account_for(request, pk, change=True)
    action = {
        "pause": channel_account_pause,
        "resume": channel_account_resume,
        "remove": channel_account_remove,
    }.get(request.POST.get("do", ""))
    if action is None:
        return redirect("settings:channel", pk)
    try:
        action(account=account, user=request.user)
    except (NetworksError, TeamsError) as error:
        done(request, error)
    return (
        redirect(SECTION)
        if account.state == ChannelAccount.State.REMOVED
        else redirect("settings:channel", pk)
    )


@require_POST
@writers
def item_retry(request: SignedIn, pk: uuid.UUID, item: uuid.UUID) -> HttpResponse:
    """Read something that was set aside once more."""
    account = account_for(request, pk, change=True)
    raw_item_retry(get_object_or_404(account.raw_items, pk=item, state=RawItem.State.SET_ASIDE))
    done(request, _("Kith reads it again."))
    return redirect("settings:channel", pk)


@require_POST
@writers
def item_delete(request: SignedIn, pk: uuid.UUID, item: uuid.UUID) -> HttpResponse:
    """Forget something that was set aside, with its bytes; the note that it came stays in the conversation."""
    account = account_for(request, pk, change=True)
    raw_item_delete(get_object_or_404(account.raw_items, pk=item, state=RawItem.State.SET_ASIDE))
    done(request, _("It is deleted."))
    return redirect("settings:channel", pk)


@require_POST
@writers
def delivery_decide(request: SignedIn, pk: uuid.UUID, delivery: uuid.UUID) -> HttpResponse:
    """A person says what became of an uncertain message: `was=sent`, or `was=not_sent` to send it again."""
    account = account_for(request, pk)
    found = get_object_or_404(account.deliveries, pk=delivery, state=Delivery.State.UNKNOWN)
    delivery_settle(delivery=found, was_sent=request.POST.get("was") == "sent", user=request.user)
    return redirect("settings:channel", pk)
