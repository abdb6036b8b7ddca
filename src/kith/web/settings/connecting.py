"""Connecting a channel: choose a network, fill in its form, test it for real, sign in by OAuth, connect.

Networks are called outside of any transaction (`non_atomic_requests`); the services open their own.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from kith.channels.gateway import ChannelError
from kith.networks.errors import NetworksError
from kith.networks.selectors import manifest_of, offered
from kith.teams.errors import TeamsError
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.settings.channels import SECTION, account_for
from kith.web.settings.connect_form import Connecting, may
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
    do = request.POST.get("do")
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
        account = connecting.save(own, values)
    except (ChannelError, NetworksError, TeamsError) as error:
        connecting.blame(error)
        return connecting.show(422)
    done(request, _("%s is connected.") % account.name)
    where = redirect("settings:channel", account.pk)
    return HttpResponse(headers={"HX-Redirect": where.url}) if pages.wants_fragment(request) else where
