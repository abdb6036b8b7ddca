"""Writing to somebody first: choose whom, from where, and say it. The gate stands before it as before every answer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from kith.channels.outbox import Compose, OutboxError, message_send
from kith.contacts.selectors import identity_names
from kith.contacts.services import identities_observe
from kith.contacts.types import ObservedIdentity
from kith.core.fields import as_uuid
from kith.networks.models import ChannelAccount
from kith.networks.selectors import channel_accounts_for, manifest_of
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.compose import files_of
from kith.web.inbox.lists import list_context


@dataclass(frozen=True, slots=True)
class Writing:
    """The form's state: accounts to write from, what was typed, and what is wrong with it."""

    accounts: list[tuple[str, str]]
    values: dict[str, str]
    error: str = ""
    to_name: str = ""


def _state(request: SignedIn, error: str = "") -> Writing:
    accounts = []
    for account in channel_accounts_for(request.viewer):
        manifest = manifest_of(account.network)
        if manifest and "sends" in manifest.capabilities and manifest.limits.may_start_conversation:
            accounts.append((str(account.pk), f"{account.address or account.name} ({manifest.title})"))
    source = request.POST if request.method == "POST" else request.GET
    values = {name: source.get(name, "") for name in ("account", "to", "identity", "subject", "text")}
    names = identity_names([key]) if (key := as_uuid(values["identity"])) else {}
    found = next(iter(names.values()), None)
    return Writing(
        accounts, values, error, f"{found.name} ({found.handle or found.external_id})" if found else ""
    )


def _recipient(request: SignedIn, account: ChannelAccount) -> Any:
    """The identity to write to: one that was chosen, or the address that was typed."""
    key = as_uuid(request.POST.get("identity", ""))
    if key is not None and key in identity_names([key]):
        return key
    typed = request.POST.get("to", "").strip()
    if not typed:
        raise OutboxError(_("Say who it is for."))
    manifest = manifest_of(account.network)
    if manifest is None or manifest.medium not in ("mail", "sms"):
        raise OutboxError(_("Open the person and choose where to write to them."))
    address = typed.lower()
    if manifest.medium == "mail" and ("@" not in address or " " in address):
        raise OutboxError(_("“%(text)s” is not an address.") % {"text": typed})
    seen = ObservedIdentity(account.network, address, "", address, "")
    return identities_observe([seen])[seen.key].id


@writers
def write(request: SignedIn) -> HttpResponse:
    """GET shows the form (`?identity=` whom to), POST sends; errors come back with the form."""
    if request.method != "POST":
        return _show(request, _state(request))
    try:
        account = (
            channel_accounts_for(request.viewer)
            .filter(pk=as_uuid(request.POST.get("account", "")) or uuid.UUID(int=0))
            .first()
        )
        if account is None:
            raise OutboxError(_("Choose from where to write."))
        compose = Compose(
            user=request.user,
            account=account,
            text=request.POST.get("text", ""),
            recipients=((_recipient(request, account), "to"),),
            subject=request.POST.get("subject", "")[:500],
        )
        sent = message_send(replace(compose, files=files_of(request.FILES.getlist("files"))))
    except OutboxError as error:
        return _show(request, _state(request, str(error)), status=422)
    return HttpResponse(headers={"HX-Redirect": reverse("conversation", args=[sent.conversation_id])})


def _show(request: SignedIn, writing: Writing, status: int = 200) -> HttpResponse:
    if pages.wants_fragment(request):
        return pages.part(request, "inbox/write.html", {"writing": writing}, status=status)
    context = {**list_context(request, "inbox", ""), "writing": writing}
    return pages.page(request, "inbox/page.html", context, section="inbox", status=status)
