"""Sending: part by part, each person asked about and written to in one transaction, so that nobody gets it twice."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import new_id
from kith.campaigns.errors import MailingError
from kith.campaigns.models import Mailing, Recipient
from kith.campaigns.services.check import request_of
from kith.campaigns.words import greeted
from kith.channels.compose import Compose
from kith.channels.mailings import message_cleared
from kith.channels.models import Delivery
from kith.channels.outbox import message_unsend
from kith.core import audit
from kith.core.jobs import defer
from kith.teams.models import User
from kith.teams.selectors import may_manage
from kith.trust.models import Touch
from kith.trust.services import touch_request_each
from kith.trust.services.held import touches_named, touches_wait
from kith.trust.types import UsedFact

State = Mailing.State
PART, UNDO_SECONDS = 200, 10
SEPARATOR = "\n\n" + "—" * 12 + "\n\n"


@transaction.atomic
def mailing_send(*, mailing: Mailing, user: User) -> Mailing:
    """Begin sending, a few seconds from now; or go on after a stop. Raises MailingError."""
    mailing = Mailing.objects.select_for_update(of=("self",)).select_related("account").get(pk=mailing.pk)
    if not may_manage(user):
        raise MailingError(_("A manager sends what goes to many."))
    if mailing.state not in (State.CHECKED, State.STOPPED):
        raise MailingError(_("Look first at who would get it."))
    if not mailing.text.strip():
        raise MailingError(_("There is nothing to send yet. Write something."))
    if mailing.account.state != mailing.account.State.ACTIVE:
        raise MailingError(_("%s is not connected at the moment.") % mailing.account.name)
    mailing.state, mailing.sent_by, mailing.sent_at = State.SENDING, user, mailing.sent_at or now()
    mailing.total = Recipient.objects.filter(mailing=mailing).exclude(outcome="none").count()
    mailing.progress = Recipient.objects.filter(mailing=mailing).exclude(asked_at=None).count()
    mailing.save()
    audit.record("mailing_sent", "mailing", mailing.pk, title=mailing.title)
    from kith.campaigns.jobs import send_run

    defer(send_run, mailing_id=str(mailing.pk), key=f"mailing-send:{mailing.pk}", after=UNDO_SECONDS)
    return mailing


def send(mailing_id: uuid.UUID) -> None:
    """Ask the gate and write, 200 people at a time, until everybody was asked about or somebody stops it."""
    while send_part(mailing_id):
        pass


@transaction.atomic
def send_part(mailing_id: uuid.UUID) -> int:
    """The next part; how many people were in it. 0: it is done, or was stopped."""
    mailing = (
        Mailing.objects.select_for_update(of=("self",))
        .select_related("account__team", "author", "sent_by")
        .get(pk=mailing_id)
    )
    if mailing.state != State.SENDING:
        return 0
    rows = list(
        Recipient.objects.select_for_update()
        .filter(mailing=mailing, asked_at=None)
        .exclude(identity=None)
        .order_by("id")[:PART]
    )
    if not rows:
        Mailing.objects.filter(pk=mailing.pk).update(state=State.DONE)
        return 0
    names = {row.identity_id: row.name for row in rows if row.identity_id is not None}
    request = replace(request_of(mailing, names), expires_at=now() + timedelta(days=mailing.expires_days))
    results = touch_request_each(request)
    written: dict[uuid.UUID, uuid.UUID] = {}
    held: list[uuid.UUID] = []
    for row in rows:
        if row.identity_id is None:
            continue
        result = results[row.identity_id]
        row.touch_id, row.asked_at = result.touch_ids[0], now()
        if result.clearances:
            key = new_id()
            compose = compose_of([(mailing, row.name)], row.identity_id)
            message_cleared(compose, key, result.clearances[0])
            written[row.touch_id] = key
        elif result.verdict.outcome == "hold":
            held.append(row.touch_id)
    touches_named(written)
    touches_wait(held)
    Recipient.objects.bulk_update(rows, ["touch_id", "asked_at"])
    Mailing.objects.filter(pk=mailing.pk).update(progress=mailing.progress + len(rows))
    return len(rows)


def compose_of(parts: Sequence[tuple[Mailing, str]], identity_id: uuid.UUID) -> Compose:
    """What one person is sent: one mailing, or several as one (mailing, and the name to greet by), the first leading."""
    first, name = parts[0]
    texts = [
        greeted(mailing.text, called)
        if n == 0
        else f"{greeted(mailing.subject, called)}\n\n{greeted(mailing.text, called)}"
        for n, (mailing, called) in enumerate(parts)
    ]
    used: Mapping[str, UsedFact] = {
        str(row): UsedFact.again(row) for mailing, _called in parts for row in mailing.based_on
    }
    return Compose(
        user=first.sent_by or first.author,
        account=first.account,
        text=SEPARATOR.join(text.strip() for text in texts),
        recipients=((identity_id, "to"),),
        subject=greeted(first.subject, name),
        kind="campaign",
        purpose=first.purpose,
        name_used=name,
        based_on=tuple(used.values()),
        undo_seconds=UNDO_SECONDS,
        extra={"mailings": [str(mailing.pk) for mailing, _called in parts]},
    )


@transaction.atomic
def mailing_stop(*, mailing: Mailing, user: User) -> Mailing:
    """Ask nobody else, take back what has not left, and take what is held out of the queue. It can be gone on with."""
    mailing = Mailing.objects.select_for_update().get(pk=mailing.pk)
    if mailing.state not in (State.SENDING, State.DONE):
        raise MailingError(_("It is not being sent."))
    mailing.state = State.STOPPED
    mailing.save(update_fields=["state"])
    audit.record("mailing_stopped", "mailing", mailing.pk, title=mailing.title)
    from kith.campaigns.jobs import stop_run

    defer(stop_run, mailing_id=str(mailing.pk), key=f"mailing-stop:{mailing.pk}")
    return mailing


def take_back(mailing_id: uuid.UUID) -> None:
    """What a stop leaves to do; again from where it was after an interruption."""
    with transaction.atomic():
        held = Touch.objects.select_for_update().filter(
            mailing_id=mailing_id, state=Touch.State.HELD, subject_id=None
        )
        ids = list(held.values_list("pk", flat=True))
        Touch.objects.filter(pk__in=ids).update(state=Touch.State.CANCELLED)
        Recipient.objects.filter(touch_id__in=ids).update(touch=None, asked_at=None)
    waiting = Delivery.objects.filter(
        state=Delivery.State.QUEUED, decision__touch__mailing_id=mailing_id
    ).select_related("message", "decision")
    for delivery in waiting.order_by("id").iterator():
        with transaction.atomic():
            if message_unsend(message=delivery.message):
                Recipient.objects.filter(touch_id=delivery.decision.touch_id).update(
                    touch=None, asked_at=None
                )
