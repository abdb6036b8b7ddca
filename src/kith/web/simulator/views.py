"""Play the customer on any network, with nothing connected."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from kith.channels.simulator import play
from kith.networks.errors import NetworksError
from kith.networks.models import ChannelAccount
from kith.networks.selectors import channel_accounts_for, manifest_of, offered
from kith.networks.services import channel_account_simulate
from kith.teams.errors import TeamsError
from kith.web.access import SignedIn, writers
from kith.web.settings.base_forms import Form
from kith.web.settings.page import blame, done, show


class PlayForm(Form):
    """Who says what, where."""

    network = forms.ChoiceField(label=_("On which network"))
    name = forms.CharField(label=_("Who speaks"), max_length=120, initial="Robin Miller")
    handle = forms.CharField(
        label=_("Their name or address there"),
        max_length=200,
        required=False,
        help_text=_("The same one again is the same person."),
    )
    subject = forms.CharField(label=_("Subject"), max_length=300, required=False)
    text = forms.CharField(
        label=_("What they say"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    public = forms.BooleanField(label=_("They say it in public"), required=False)


@transaction.non_atomic_requests
@writers
def simulator(request: SignedIn) -> HttpResponse:
    """GET asks; POST receives the message the way the network would bring it."""
    form = PlayForm(request.POST or None, initial={"network": request.GET.get("network", "")})
    form.fields["network"].choices = [(m.name, m.title) for m in offered()]  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            account = _account(request, values["network"])
        except (NetworksError, TeamsError) as error:
            blame(form, error)
        else:
            _play(account, values)
            done(request, _t("It has arrived: look into the inbox."))
            return redirect("simulator:simulator")
    return show(
        request,
        "simulator/simulator.html",
        section="settings:channels",
        status=422 if request.method == "POST" else 200,
        form=form,
        answers=_answers(request),
    )


def _account(request: SignedIn, network: str) -> ChannelAccount:
    """The simulated account of this network; administrators make it by using it first."""
    found = channel_accounts_for(request.viewer).filter(network=network, settings__simulated=True).first()
    return found or channel_account_simulate(network=network, user=request.user)


def _play(account: ChannelAccount, values: dict[str, str]) -> None:
    manifest = manifest_of(account.network)
    mail = manifest is not None and manifest.medium == "mail"
    handle = values["handle"].strip() or values["name"].lower().replace(" ", ".")
    if mail and "@" not in handle:
        handle = f"{handle}@customers.example"
    sender_id = handle.lower() if mail else hashlib.sha256(handle.lower().encode()).hexdigest()[:20]
    rest: dict[str, Any] = {"subject": values["subject"]} if values["subject"] else {}
    play(
        account,
        sender_id=sender_id,
        sender_name=values["name"],
        handle=handle,
        text=values["text"],
        public=bool(values["public"]),
        thread="" if mail else f"sim-{sender_id}-{'public' if values['public'] else 'private'}",
        **rest,
    )


def _answers(request: SignedIn) -> list[tuple[ChannelAccount, str]]:
    """What colleagues answered on simulated channels, newest first."""
    accounts = channel_accounts_for(request.viewer).filter(settings__simulated=True)
    found = []
    for account in accounts:
        sent = account.deliveries.filter(state="sent").select_related("message").order_by("-id")[:5]
        found += [(account, delivery.message.text) for delivery in sent]
    return found
