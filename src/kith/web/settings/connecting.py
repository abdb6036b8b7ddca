"""Connecting a channel: choose a network, fill in its form, test it for real, sign in by OAuth, connect.

Networks are called outside of any transaction (`non_atomic_requests`); the services open their own.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets as random_secrets
import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from markdown_it import MarkdownIt
from markupsafe import Markup

from kith.base.clock import now
from kith.channels import discovery, gateway
from kith.channels.gateway import ChannelError
from kith.core import secrets
from kith.networks.errors import NetworksError
from kith.networks.models import ChannelAccount
from kith.networks.selectors import NetworkManifest, manifest_of, offered
from kith.networks.services import (
    channel_account_connect,
    channel_account_update,
    may_administer,
    values_merge,
    values_split,
)
from kith.networks.types import Own
from kith.teams.errors import NotAllowed, TeamsError
from kith.web.access import SignedIn, writers
from kith.web.leaving import leave_for
from kith.web.settings.channel_forms import AudienceForm, IntakeForm, ManifestForm
from kith.web.settings.channels import SECTION, account_for
from kith.web.settings.network_rules import capability_sentences, rule_sentences
from kith.web.settings.page import blame, done, show
from kith.web.settings.people import address_of

PENDING, PATIENCE = "channel_sign_in", timedelta(minutes=15)
_DEEPER = str.maketrans("12345", "34566")  # the screen has its own title, and the box one of its own


def _readme(network: str) -> Markup:
    """What the connector's folder says of it, with its headings below those of the screen."""
    tokens = _markdown.parse(discovery.readme(network))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = token.tag.translate(_DEEPER)
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704  (html is off)


_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")


@writers
def choose(request: SignedIn) -> HttpResponse:
    """The networks that can be connected, with what each can do."""
    networks = [(manifest, capability_sentences(manifest)) for manifest in offered() if manifest.fields]
    return show(request, "settings/channel_choose.html", section=SECTION, networks=networks)


class _Connecting:
    """One form of connecting or reconnecting: the network's fields, and for a new account what is asked once."""

    def __init__(self, request: SignedIn, manifest: NetworkManifest, account: ChannelAccount | None) -> None:
        data = request.POST or None
        self.request, self.manifest, self.account = request, manifest, account
        known = dict(account.settings) if account else None
        self.network = ManifestForm(data, manifest=manifest, account=account, initial=known)
        self.intake = None if account else IntakeForm(data, manifest=manifest)
        self.audience = None if account else AudienceForm(data, user=request.user)
        self.forms = [form for form in (self.network, self.intake, self.audience) if form is not None]
        self.works: Own | None = None

    def is_valid(self) -> bool:
        said = [form.is_valid() for form in self.forms]  # each, so that every form shows its errors
        return all(said)

    def values(self) -> dict[str, str]:
        return {key: value for key, value in self.network.values().items() if value}

    def try_it(self, tokens: dict[str, str] | None = None) -> tuple[Own, dict[str, str]]:
        """Really connect: who we are there, and the values that worked (servers may have been found)."""
        values = self.values()
        try:
            settings, hidden = self._split(values)
        except NetworksError as error:
            if self.account is not None or not self._may_look(values, error.field):
                raise
            secret_names = {field.name for field in self.manifest.fields if field.secret}
            hidden = {key: value for key, value in values.items() if key in secret_names}
            plain = {key: value for key, value in values.items() if key not in secret_names}
            own, found = discovery.check_found(self.manifest.name, plain, {**hidden, **(tokens or {})})
            return _own(own), {**found, **hidden}
        own = gateway.check(self.manifest.name, settings, {**hidden, **(tokens or {})})
        return _own(own), values

    def _may_look(self, values: dict[str, str], blamed: str) -> bool:
        """Whether only servers are missing, which can be looked for."""
        return (
            discovery.can_discover(self.manifest.name)
            and bool(values.get("address"))
            and any(field.name == blamed and field.kind == "host" for field in self.manifest.fields)
        )

    def _split(self, values: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        return values_merge(self.account, values) if self.account else values_split(self.manifest, values)

    def save(self, own: Own, values: dict[str, str], tokens: dict[str, str] | None = None) -> ChannelAccount:
        if self.account is not None:
            return channel_account_update(
                account=self.account,
                user=self.request.user,
                values=values,
                own=own,
                team=self.account.team,
                tokens=tokens,
            )
        assert self.intake is not None
        assert self.audience is not None
        return channel_account_connect(
            network=self.manifest.name,
            name=self.intake.cleaned_data.get("name", ""),
            values=values,
            own=own,
            audience=self.audience.chosen(),
            user=self.request.user,
            intake=self.intake.chosen(),
            team=self.intake.cleaned_data.get("team"),
            tokens=tokens,
        )

    def blame(self, error: Exception) -> None:
        field = getattr(error, "field", "")
        blame(next((form for form in self.forms if field in form.fields), self.network), error)

    def show(self, status: int) -> HttpResponse:
        return show(
            self.request,
            "settings/channel_connect.html",
            section=SECTION,
            status=status,
            manifest=self.manifest,
            account=self.account,
            network_form=self.network,
            intake_form=self.intake,
            audience_form=self.audience,
            works=self.works,
            rules=rule_sentences(self.manifest),
            readme=_readme(self.manifest.name),
            redirect_uri=_redirect_uri(self.request) if "authorizes" in self.manifest.capabilities else "",
        )


def _own(own: Any) -> Own:
    return Own(own.external_id, own.handle or own.external_id, own.display_name, own.realm, dict(own.details))


def _redirect_uri(request: SignedIn) -> str:
    return address_of(request, reverse("settings:channel_callback"))


@transaction.non_atomic_requests
@sensitive_post_parameters()
@never_cache
@writers
def connect(request: SignedIn, network: str) -> HttpResponse:
    """A new channel: `do=test` tries it, `do=sign_in` leads to the network's own page, else it is connected."""
    manifest = manifest_of(network)
    if manifest is None or manifest.availability == "internal":
        raise Http404
    return _connect(_Connecting(request, manifest, None))


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
    return _connect(_Connecting(request, manifest, account))


def _connect(connecting: _Connecting) -> HttpResponse:
    request = connecting.request
    if request.method != "POST":
        return connecting.show(200)
    if not connecting.is_valid():
        return connecting.show(422)
    try:
        _may(connecting)
        if request.POST.get("do") == "sign_in":
            return _sign_in(connecting)
        own, values = connecting.try_it()
        if request.POST.get("do") == "test":
            connecting.works = own
            return connecting.show(200)
        account = connecting.save(own, values)
    except (ChannelError, NetworksError, TeamsError) as error:
        connecting.blame(error)
        return connecting.show(422)
    done(request, _("%s is connected.") % account.name)
    return redirect("settings:channel", account.pk)


def _may(connecting: _Connecting) -> None:
    """Before anything is called: whoever may not connect makes us call nobody."""
    audience = connecting.audience.chosen() if connecting.audience else None
    if not may_administer(connecting.request.user, connecting.account, audience):
        raise NotAllowed(_("You can connect channels for yourself alone; ask an administrator for others."))


def _sign_in(connecting: _Connecting) -> HttpResponse:
    """Keep what was typed, encrypted, in the session, and lead to the network's page."""
    values = connecting.values()
    secret_names = {field.name for field in connecting.manifest.fields if field.secret}
    hidden = {**((connecting.account and connecting.account.secrets) or {})}
    hidden.update({key: value for key, value in values.items() if key in secret_names})
    plain = {key: value for key, value in values.items() if key not in secret_names}
    redirect_uri, state = _redirect_uri(connecting.request), random_secrets.token_urlsafe(32)
    made = gateway.authorizer(connecting.manifest.name, plain, hidden)
    with gateway.named_errors(hidden):
        register = getattr(made, "register", None)
        if register is not None and not hidden.get("client_id"):
            hidden.update(register(redirect_uri))
            made = gateway.authorizer(connecting.manifest.name, plain, hidden)
        address = made.authorize_url(redirect_uri=redirect_uri, state=state)
    pending = {
        "network": connecting.manifest.name,
        "account": str(connecting.account.pk) if connecting.account else "",
        "state": state,
        "at": now().isoformat(),
        "redirect_uri": redirect_uri,
        "hidden": json.dumps(hidden),
        "form": json.dumps({key: connecting.request.POST.getlist(key) for key in connecting.request.POST}),
    }
    connecting.request.session[PENDING] = base64.b64encode(secrets.encrypt_dict(pending)).decode()
    return leave_for(connecting.request, address)


@transaction.non_atomic_requests
@never_cache
@writers
def callback(request: SignedIn) -> HttpResponse:
    """Back from the network's page: check the state, exchange the code, connect."""
    kept = request.session.pop(PENDING, "")
    if not kept:
        raise Http404
    pending = secrets.decrypt_dict(base64.b64decode(kept))
    fresh = now() - PATIENCE < _moment(pending["at"])
    if not fresh or not hmac.compare_digest(pending["state"].encode(), request.GET.get("state", "").encode()):
        raise Http404
    request.POST = _post_of(json.loads(pending["form"]))
    manifest = manifest_of(pending["network"])
    if manifest is None:
        raise Http404
    account = account_for(request, uuid.UUID(pending["account"]), change=True) if pending["account"] else None
    connecting = _Connecting(request, manifest, account)
    connecting.is_valid()
    try:
        _may(connecting)
        if not request.GET.get("code"):
            said = request.GET.get("error_description") or request.GET.get("error") or ""
            raise ChannelError(_("The network did not let Kith in. %s") % said[:300])
        values, hidden = connecting.values(), json.loads(pending["hidden"])
        secret_names = {field.name for field in manifest.fields if field.secret}
        plain = {key: value for key, value in values.items() if key not in secret_names}
        made = gateway.authorizer(manifest.name, plain, hidden)
        with gateway.named_errors(hidden):
            tokens = made.exchange(code=request.GET["code"], redirect_uri=pending["redirect_uri"])
        everything = {**hidden, **tokens}
        own, worked = connecting.try_it(everything)
        connected = connecting.save(own, worked, everything)
    except (ChannelError, NetworksError, TeamsError) as error:
        connecting.blame(error)
        return connecting.show(422)
    done(request, _("%s is connected.") % connected.name)
    return redirect("settings:channel", connected.pk)


def _moment(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


def _post_of(values: dict[str, list[str]]) -> Any:
    from django.http import QueryDict

    found = QueryDict(mutable=True)
    for key, items in values.items():
        found.setlist(key, items)
    return found
