"""Signing in on the network's own page (OAuth): there, and back with a code."""

from __future__ import annotations

import base64
import hmac
import json
import secrets as random_secrets
import uuid
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.gateway import ChannelError
from kith.core import secrets
from kith.networks.errors import NetworksError
from kith.networks.selectors import manifest_of
from kith.teams.errors import TeamsError
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.leaving import leave_for
from kith.web.settings.channels import account_for
from kith.web.settings.connect_form import Connecting, may, redirect_uri_of
from kith.web.settings.page import done

PENDING, PATIENCE = "channel_sign_in", timedelta(minutes=15)


def sign_in(connecting: Connecting) -> HttpResponse:
    """Keep what was typed, encrypted, in the session, and lead to the network's page."""
    values = connecting.values()
    secret_names = {field.name for field in connecting.manifest.fields if field.secret}
    hidden = {**((connecting.account and connecting.account.secrets) or {})}
    hidden.update({key: value for key, value in values.items() if key in secret_names})
    plain = {key: value for key, value in values.items() if key not in secret_names}
    redirect_uri, state = redirect_uri_of(connecting.request), random_secrets.token_urlsafe(32)
    made = gateway.authorizer(connecting.manifest.name, plain, hidden)
    with gateway.named_errors(hidden):
        register = getattr(made, "register", None)
        if register is not None and not hidden.get("client_id"):
            hidden.update(register(redirect_uri=redirect_uri))
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
    return _go(connecting.request, address)


def _go(request: SignedIn, address: str) -> HttpResponse:
    """Lead to another site. Not by a redirect: our policy lets a form lead nowhere else, and browsers hold it to that."""
    if urlsplit(address).scheme not in ("https", "http"):
        raise ChannelError(_("The network's page has no address that a browser may open."))
    return (
        HttpResponse(headers={"HX-Redirect": address})
        if pages.wants_fragment(request)
        else leave_for(request, address)
    )


@transaction.non_atomic_requests
@never_cache
@writers
def callback(request: SignedIn) -> HttpResponse:
    """Back from the network's page: check the state, exchange the code, connect."""
    kept = request.session.pop(PENDING, "")
    if not kept:
        raise Http404
    pending = secrets.decrypt_dict(base64.b64decode(kept))
    fresh = now() - PATIENCE < datetime.fromisoformat(pending["at"])
    if not fresh or not hmac.compare_digest(pending["state"].encode(), request.GET.get("state", "").encode()):
        raise Http404
    request.POST = _post_of(json.loads(pending["form"]))  # type: ignore[assignment]
    manifest = manifest_of(pending["network"])
    if manifest is None:
        raise Http404
    account = account_for(request, uuid.UUID(pending["account"]), change=True) if pending["account"] else None
    connecting = Connecting(request, manifest, account)
    connecting.is_valid()
    try:
        may(connecting)
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


def _post_of(values: dict[str, list[str]]) -> QueryDict:
    found = QueryDict(mutable=True)
    for key, items in values.items():
        found.setlist(key, items)
    return found
