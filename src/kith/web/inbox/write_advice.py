"""What the gate says of a letter to somebody new while it is written: what it is about, to whom, and what is left to do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.utils.translation import gettext as _

from kith.base.greetings import greeted_name
from kith.channels.answers import recipients_known
from kith.channels.compose import Compose, advice_of
from kith.contacts.models import Identity
from kith.core.fields import as_uuid
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of, only_public
from kith.trust.advice import Advice
from kith.trust.selectors import topic_offered, topics
from kith.web.access import SignedIn

MATTER, OFFER = "service", "offers"


def purposes() -> list[tuple[str, str]]:
    """What a letter may be about: a matter of theirs or ours, or an offer, by its topic."""
    return [(MATTER, _("A matter of theirs or ours")), *offers(), (OFFER, _("Another offer"))]


def offers() -> list[tuple[str, str]]:
    return [(topic.key, _("An offer: %(topic)s") % {"topic": topic.name}) for topic in topics()]


def purpose_of(text: str) -> str:
    """The purpose that a form names; a matter for one that is not known."""
    return text if text == OFFER or topic_offered(text) else MATTER


def advice_before(
    request: SignedIn, account: ChannelAccount | None, values: Mapping[str, str], *, urgent: bool = False
) -> Advice | None:
    """What the gate would say of what is typed so far; None before it says from where and to whom. Makes nobody known."""
    if account is None:
        return None
    people, strangers = _people(account, values)
    public = only_public(account.network)
    if not people and not strangers and not public:
        return None
    text = values.get("text", "")
    compose = Compose(
        user=request.user,
        account=account,
        text=text,
        recipients=people,
        subject=values.get("subject", ""),
        visibility="public" if public else "private",
        purpose=purpose_of(values.get("about", "")),
        name_used="" if public else greeted_name(text),
        urgent=urgent,
    )
    return advice_of(compose, request.viewer, strangers=strangers)


def _people(
    account: ChannelAccount, values: Mapping[str, str]
) -> tuple[tuple[tuple[uuid.UUID, str], ...], bool]:
    key = as_uuid(values.get("identity", ""))
    if key is not None:
        known = Identity.objects.filter(pk=key, network=account.network).exists()
        return (((key, "to"),) if known else ()), False
    manifest = manifest_of(account.network)
    if manifest is not None and manifest.medium in ("mail", "sms"):
        return recipients_known(
            account, to=values.get("to", ""), cc=values.get("cc", ""), bcc=values.get("bcc", "")
        )
    handles = {h.lstrip("@").casefold() for h in values.get("to", "").replace(",", " ").split()}
    rows = dict(
        Identity.objects.filter(network=account.network, handle__in=[*handles, *(f"@{h}" for h in handles)])
        .exclude(kind=Identity.Kind.US)
        .values_list("handle", "id")
    )
    return tuple((key, "to") for key in rows.values()), len(rows) < len(handles)
