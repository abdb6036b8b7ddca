"""Play the customer on any network, with nothing connected."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from kith.channels.simulator import notices_kept, play
from kith.core import company
from kith.networks.errors import NetworksError
from kith.networks.models import ChannelAccount
from kith.networks.selectors import channel_accounts_for, manifest_of, offered
from kith.networks.services import channel_account_simulate
from kith.teams.errors import TeamsError
from kith.trust.links import link_token
from kith.trust.wishes import selling_recipient
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
        # A code opens what is kept of a person, so these are for who may read that anyway.
        notices=[(row, _link(row.text)) for row in notices_kept()] if request.user.administers else [],
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


def _answers(request: SignedIn) -> list[tuple[ChannelAccount, str, str]]:
    """What colleagues answered on simulated channels, newest first, with the link of a mail that sells."""
    accounts = channel_accounts_for(request.viewer).filter(settings__simulated=True)
    found = []
    for account in accounts:
        sent = account.deliveries.filter(state="sent").select_related("message").order_by("-id")[:5]
        found += [(account, delivery.message.text, _wishes(delivery.message_id)) for delivery in sent]
    return found


def _wishes(message_id: uuid.UUID) -> str:
    sells, identity_id = selling_recipient(message_id)
    return reverse("my:wishes", args=[link_token(identity_id)]) if sells and identity_id else ""


def _link(text: str) -> str:
    """The page of ours that a mail names, as its path: whoever reads it here is at the same server."""
    found = re.search(re.escape(company.public_url()) + r"(/\S+)", text) if company.public_url() else None
    return found[1] if found else ""
