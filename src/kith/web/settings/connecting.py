"""Connecting a channel: choose a network, fill in its form, test it for real, sign in by OAuth, connect.

Networks are called outside of any transaction (`non_atomic_requests`); the services open their own.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from kith.channels import progress
from kith.channels.gateway import ChannelError
from kith.core.fields import as_uuid
from kith.networks.errors import NetworksError
from kith.networks.selectors import manifest_of, offered
from kith.teams.errors import TeamsError
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.settings.channels import SECTION, account_for
from kith.web.settings.connect_form import Connecting, may, steps_said
from kith.web.settings.network_rules import capability_sentences
from kith.web.settings.page import done, show
from kith.web.settings.signing_in import sign_in


@writers
def choose(request: SignedIn) -> HttpResponse:
    """The networks that can be connected, with what each can do."""
    networks = [(manifest, capability_sentences(manifest)) for manifest in offered() if manifest.fields]
    return show(request, "settings/channel_choose.html", section=SECTION, networks=networks)


@transaction.non_atomic_requests
@sensitive_post_parameters()
@never_cache
@writers
def connect(request: SignedIn, network: str) -> HttpResponse:
    """A new channel: `do=find` looks for servers, `do=test` tries it, `do=sign_in` leads to the network's own page."""
    manifest = manifest_of(network)
    if manifest is None or manifest.availability == "internal":
        raise Http404
    return _connect(Connecting(request, manifest, None))


@transaction.non_atomic_requests
@sensitive_post_parameters()
@never_cache
@writers
def reconnect(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """New credentials for a channel that is there; those not typed again stay."""
    account = account_for(request, pk, change=True)
    manifest = manifest_of(account.network)
    if manifest is None:
        raise Http404
    return _connect(Connecting(request, manifest, account))


def _connect(connecting: Connecting) -> HttpResponse:
    request = connecting.request
    if request.method != "POST":
        return connecting.show(200)
    connecting.run = _run_of(request, request.headers.get("X-Kith-Run", ""))
    try:
        with progress.waiting(connecting.run):
            return _act(connecting, request.POST.get("do", ""))
    except progress.Stopped:
        connecting.stopped = True
        return connecting.show(200)


def _run_of(request: SignedIn, named: str) -> progress.Run | None:
    key = as_uuid(named)
    return progress.Run(request.user.pk, key) if key else None


@never_cache
@writers
def steps(request: SignedIn, run: uuid.UUID) -> HttpResponse:
    """What one's own request, named `run`, is doing; POST stops it: `stopped` false when it was too late for that."""
    found = progress.Run(request.user.pk, run)
    if request.method == "POST":
        stopped = found.stop()
        said = _("Stopped. Nothing was connected.") if stopped else _("Too late to stop: it is done already.")
        return JsonResponse({"stopped": stopped, "said": said})
    return pages.part(
        request, "settings/channel_steps.html", {"steps": steps_said(found.read()), "over": False}
    )


def _act(connecting: Connecting, do: str) -> HttpResponse:
    request = connecting.request
    if do == "find":
        connecting.find()
        return connecting.show(200)
    if not connecting.is_valid():
        return connecting.show(422)
    try:
        may(connecting)
        if do == "sign_in":
            return sign_in(connecting)
        own, values = connecting.try_it()
        if do == "test":
            connecting.tried(own, values)
            return connecting.show(200)
        progress.settle()
        account = connecting.save(own, values)
    except (ChannelError, NetworksError, TeamsError) as error:
        connecting.blame(error)
        return connecting.show(422)
    done(request, _("%s is connected.") % account.name)
    where = redirect("settings:channel", account.pk)
    return HttpResponse(headers={"HX-Redirect": where.url}) if pages.wants_fragment(request) else where
