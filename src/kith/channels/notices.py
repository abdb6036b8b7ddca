"""Mails that a visitor of our pages asked for: a code for their own page, or a link that confirms a subscription.

They pass the gate like all else (kind "transactional") and leave their Touch and Decision. No message is stored, since what
they say lets its reader in: a code is made when it is sent, and the address waits encrypted. Whether anybody has that
address is looked up here, in a job, so that the page which asked can neither say it nor take longer for it.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from kith.base.ids import new_id
from kith.channels import gateway
from kith.channels.limits import words_of
from kith.channels.simulator import Notice, notice_keep
from kith.channels.system_mail import mailbox
from kith.channels.visitors import EMAIL
from kith.connectors.contract import ConnectorError, OutcomeUnknown, Outgoing, Party, RetryLater, Sends
from kith.contacts.models import Identity
from kith.contacts.services import identities_observe
from kith.contacts.types import ObservedIdentity
from kith.core import company
from kith.core.jobs import defer, job
from kith.core.secrets import decrypt, encrypt
from kith.networks.models import ChannelAccount
from kith.trust.links import link_token
from kith.trust.services import TouchRequest, touch_request, touches_made, touches_unsent
from kith.trust.services.subscriptions import CONFIRMATION, subscription_ask
from kith.trust.services.visits import CODE_LASTS, code_make, visits_sweep

log = logging.getLogger(__name__)
CONFIRMS = "confirms"  # the scope of a link that confirms a subscription


def address_of(text: str) -> str:
    """An e-mail address as identities keep it; "" for what is none."""
    address = text.strip().lower()
    return address if len(address) <= 254 and EMAIL.fullmatch(address) else ""


def can_send() -> bool:
    return mailbox() is not None


def code_ask(*, address: str, key: str, language: str) -> None:
    """A code for who carries `key`, if somebody has this address. Takes as long if nobody does."""
    defer(send_code, sealed=_seal(address), carries=_seal(key), language=language)


def identity_for(account: ChannelAccount, address: str) -> Identity:
    """The identity of an address that somebody typed, made if need be; it is linked to nobody by that."""
    seen = ObservedIdentity(account.network, address, handle=address)
    return Identity.objects.get(pk=identities_observe([seen])[seen.key].id)


def _seal(text: str) -> str:
    return base64.b64encode(encrypt(text.encode())).decode()


def _open(sealed: str) -> str:
    return decrypt(base64.b64decode(sealed)).decode()


@job("channels.send_visit_code", tries=3)
def send_code(*, sealed: str, carries: str, language: str) -> None:
    """Make a code and mail it, where the address is known and the gate allows."""
    account = mailbox()
    if account is None:
        return
    identity = (
        Identity.objects.filter(network=account.network, external_id=_open(sealed))
        .exclude(kind__in=[Identity.Kind.US, Identity.Kind.AUTOMATED])
        .first()
    )
    if identity is None:
        return

    def written() -> tuple[str, str]:
        code = code_make(identity_id=identity.pk, key=_open(carries))
        return _("Your code: %s") % code, _(
            "%(code)s is your code for your page at %(company)s. Type it on the page that asked for it, within "
            "%(minutes)s minutes. It works once.\n\nIf you did not ask for it, do nothing: without this code nobody "
            "gets in. We never ask for it by phone or mail."
        ) % {
            "code": code,
            "company": _company(account),
            "minutes": int(CODE_LASTS.total_seconds() // 60),
        }

    with translation.override(language):
        _send(account, identity, "visit", _("Code for their own page"), written)


def confirmation_ask(*, address: str, topics: list[str], proof: dict[str, str], language: str) -> None:
    """Double opt-in: keep what was asked for, and mail a link that confirms it."""
    defer(send_confirmation, sealed=_seal(address), topics=topics, proof=proof, language=language)


@job("channels.send_confirmation", tries=3)
def send_confirmation(*, sealed: str, topics: list[str], proof: dict[str, str], language: str) -> None:
    """Write down what was asked for, and mail the link, unless they have agreed already or the gate denies."""
    account = mailbox()
    if account is None:
        return
    identity = identity_for(account, _open(sealed))
    if identity.kind in (Identity.Kind.US, Identity.Kind.AUTOMATED):
        return
    if not subscription_ask(identity_id=identity.pk, channel="email", topics=topics, proof=proof):
        return

    def written() -> tuple[str, str]:
        url = company.public_url() + reverse("my:confirm", args=[link_token(identity.pk, scope=CONFIRMS)])
        return _("Please confirm: news from %s") % _company(account), _(
            "Somebody, we hope you, asked that %(company)s sends you this:\n\n%(what)s\n\nIf that is right, open this "
            "page and press the button:\n%(url)s\n\nIf not, do nothing: you get nothing then, and after a week we forget "
            "that it was asked."
        ) % {"company": _company(account), "what": proof.get("text", ""), "url": url}

    with translation.override(language):
        _send(account, identity, CONFIRMATION, _("Please confirm your subscription"), written)


def _company(account: ChannelAccount) -> str:
    return company.name() or account.display_name or account.name


def _send(
    account: ChannelAccount,
    identity: Identity,
    purpose: str,
    title: str,
    written: Callable[[], tuple[str, str]],
) -> bool:
    """Ask the gate, then send what `written` says (subject, text); whether it went."""
    result = touch_request(
        TouchRequest(
            kind="transactional",
            channel="email",
            network=account.network,
            identity_ids=(identity.pk,),
            actor="automation",
            purpose=purpose,
            title=title,
            urgent=True,
        )
    )
    if not result.allowed:
        touches_unsent(result.touch_ids)
        return False
    connector = gateway.connector_for(account)
    if not isinstance(connector, Sends):
        return False
    subject, text = written()
    try:
        connector.send(
            Outgoing(
                idempotency_key=f"notice-{new_id()}",
                text=text,
                to=(Party(identity.external_id, handle=identity.handle, role="to"),),
                subject=subject,
                from_name=account.display_name or _company(account),
                language=translation.get_language() or "",
                automatic=True,
            )
        )
    except RetryLater:
        touches_unsent(result.touch_ids)
        raise  # the job comes again, with another code
    except OutcomeUnknown as error:
        log.warning("a notice may have gone, or not: %s", words_of(error, account))
    except ConnectorError as error:
        touches_unsent(result.touch_ids)
        log.warning("a notice was not sent: %s", words_of(error, account))
        return False
    touches_made(result.touch_ids)
    if gateway.is_simulated(account):
        notice_keep(Notice(identity.handle or identity.external_id, subject, text))
    return True


@job("channels.sweep_visits", every="23 * * * *")
def sweep_visits() -> None:
    """Codes and visits that are over go within the hour."""
    visits_sweep()
