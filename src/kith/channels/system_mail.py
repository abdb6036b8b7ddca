"""Mail of Kith itself (invitations, resets, alarms): kept first, sent by a job, readable under Settings until it is gone.

It leaves through KITH_MAIL_URL, else through the first connected mailbox, else it waits. The text is dropped once it
was sent: it may hold a link that lets its reader in. System mail goes to users, never to contacts, so no gate stands here.
"""

from __future__ import annotations

import smtplib
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.db import transaction

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.limits import words_without
from kith.connectors.contract import ConnectorError, Outgoing, Party, Sends
from kith.connectors.words import say
from kith.core.jobs import defer, job
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import SystemMail

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PATIENCE = 15.0  # seconds for a server to answer
NO_WAY = say("There is no server for system mail: set KITH_MAIL_URL, or connect a mailbox.")


class Backend(BaseEmailBackend):
    """Django's way to us: every message becomes a row and a job, in the caller's transaction."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep them; returns how many. Sending comes after the transaction."""
        with transaction.atomic():
            rows = SystemMail.objects.bulk_create(
                SystemMail(
                    to=message.recipients(),
                    subject=" ".join(str(message.subject).split())[:300],
                    text=str(message.body),
                )
                for message in email_messages
                if message.recipients()
            )
            if rows:
                defer(send_system_mails, ids=[str(row.id) for row in rows])
        return len(rows)


@job("channels.send_system_mails", tries=8)
def send_system_mails(*, ids: list[str]) -> None:
    """Send what is not sent yet; raises when a server was there and did not take one, so that the job comes again."""
    failed = [error for mail_id in ids if (error := system_mail_send(uuid.UUID(mail_id)))]
    if failed:
        raise SystemMailFailed(failed[0])


class SystemMailFailed(Exception):
    """A server did not take a system mail."""


def system_mail_send(mail_id: uuid.UUID) -> str:
    """Try to send one; returns why not, for another try ("" when it is sent, or when there is no server)."""
    mail = SystemMail.objects.filter(pk=mail_id, sent_at=None).first()
    if mail is None:
        return ""
    error = ""
    try:
        if settings.KITH.mail_url:
            _by_server(mail)
        elif (account := mailbox()) is not None:
            _by_mailbox(mail, account)
        else:
            SystemMail.objects.filter(pk=mail_id).update(error=NO_WAY)
            return ""
    except (OSError, smtplib.SMTPException, ConnectorError, gateway.ChannelError) as problem:
        error = words_without(problem, [unquote(urlsplit(settings.KITH.mail_url).password or "")])
    if error:
        SystemMail.objects.filter(pk=mail_id).update(error=error[:2000])
    else:
        SystemMail.objects.filter(pk=mail_id).update(sent_at=now(), error="", text="")
    return error


def mailbox() -> ChannelAccount | None:
    """The first working mailbox that everyone sees and that can send to an address it has not heard from.

    A simulated one only where there is no other, whoever sees that and whatever state it is in: what it takes is shown to
    administrators, and a code for the page of somebody who writes to real mailboxes is not theirs to read.
    """
    accounts = []
    for account in ChannelAccount.objects.select_related("scope").order_by("id"):
        manifest = manifest_of(account.network)
        if manifest and manifest.medium == "mail" and "sends" in manifest.capabilities:
            accounts.append(account)
    real = [a for a in accounts if not gateway.is_simulated(a) and a.state != ChannelAccount.State.REMOVED]
    return next(
        (
            a
            for a in real or accounts
            if a.state == ChannelAccount.State.ACTIVE and a.scope.kind == "everyone"
        ),
        None,
    )


def _by_mailbox(mail: SystemMail, account: ChannelAccount) -> None:
    connector = gateway.connector_for(account)
    if not isinstance(connector, Sends):
        raise gateway.ChannelError(NO_WAY)
    for address in mail.to:
        connector.send(
            Outgoing(
                idempotency_key=f"{mail.id}-{address}",
                text=mail.text,
                to=(Party(address, handle=address, role="to"),),
                subject=mail.subject,
                from_name="Kith",
                automatic=True,
            )
        )


def _by_server(mail: SystemMail) -> None:
    parts = urlsplit(settings.KITH.mail_url)
    encrypted = parts.scheme == "smtps"
    options: dict[str, Any] = {
        "host": parts.hostname,
        "port": parts.port or (465 if encrypted else 587),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": encrypted,
        "use_tls": not encrypted and bool(parts.username) and parts.hostname not in LOOPBACK,
        "timeout": PATIENCE,
    }
    server = SmtpBackend(**options)
    EmailMessage(
        mail.subject,
        mail.text,
        settings.KITH.mail_from or f"kith@{parts.hostname}",
        mail.to,
        headers={"Auto-Submitted": "auto-generated", "Message-ID": f"<{mail.id}@kith>"},
        connection=server,
    ).send()


@transaction.atomic
def system_mail_resend(*, mail: SystemMail) -> None:
    """Enqueue another try."""
    defer(send_system_mails, ids=[str(mail.id)])
