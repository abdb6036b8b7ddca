"""The queue of what the gate held: released when it is due, together where people agree to that, or given up when too old."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kith.base.clock import now
from kith.base.ids import new_id
from kith.campaigns.errors import MailingError
from kith.campaigns.models import Mailing
from kith.campaigns.services.send import compose_of
from kith.channels.mailings import message_cleared
from kith.channels.outbox import message_release
from kith.conversations.models import Message
from kith.core import sql
from kith.teams.models import User
from kith.teams.notifications import notify
from kith.trust.models import Touch
from kith.trust.services.held import Held, held_allow, held_keep, held_merge, held_of, touches_expire
from kith.trust.types import Verdict

_DUE = """
SELECT t.identity_id FROM trust_touch t WHERE t.state = 'held' AND t.mailing_id IS NOT NULL AND t.subject_id IS NULL
AND t.planned_for <= %(now)s AND t.identity_id IS NOT NULL
GROUP BY 1 ORDER BY max(t.priority) DESC, min(t.planned_for) LIMIT %(limit)s
"""
# Messages that a person wrote (a mailing's wait as touches): held until a time, which has come.
_MESSAGES_DUE = """
SELECT m.id FROM conversations_message m JOIN LATERAL (
    SELECT d.until FROM trust_touch x JOIN trust_decision d ON d.touch_id = x.id
    WHERE x.subject_id = m.id AND x.state = 'held' AND d.outcome = 'hold' ORDER BY d.id DESC LIMIT 1) last ON true
WHERE m.state = 'held' AND NOT m.extra ? 'mailings' AND last.until <= %(now)s ORDER BY m.at LIMIT %(limit)s
"""


def queue_release(*, limit: int = 500) -> int:
    """Ask the gate again about whoever is due, and send what it lets go; returns how many messages went."""
    sent = 0
    for (identity,) in sql.rows(_DUE, {"now": now(), "limit": limit}):
        sent += person_release(identity)
    for (message,) in sql.rows(_MESSAGES_DUE, {"now": now(), "limit": limit}):
        with transaction.atomic():
            found = Message.objects.select_for_update(skip_locked=True, of=("self",)).filter(
                pk=message, state=Message.State.HELD
            )
            for one in found:
                sent += message_release(one).outcome == "allow"
    return sent


@transaction.atomic
def person_release(identity_id: uuid.UUID) -> int:
    """What is held for one address: the first that may go takes the others along that may be joined, as one message.

    The person is locked, so two workers never count the same place twice; the next is asked about after the first counts.
    """
    sent = 0
    while True:
        held = held_of(identity_id)
        mailings = _mailings(held)
        for one in held:
            if one.outcome != "allow" and (one.outcome == "deny" or one.touch.planned_for <= now()):
                held_keep(one)
        free = [one for one in held if one.outcome == "allow" and one.touch.mailing_id in mailings]
        if not free:
            return sent
        _send(free, mailings, identity_id)
        sent += 1


def _mailings(held: Sequence[Held]) -> dict[uuid.UUID, Mailing]:
    """Those that these are of; what is stopped is about to be taken out of the queue, and sends nothing meanwhile."""
    going = Mailing.objects.exclude(state=Mailing.State.STOPPED)
    return going.select_related("account__team", "author", "sent_by").in_bulk(
        [one.touch.mailing_id for one in held if one.touch.mailing_id]
    )


def _send(
    free: Sequence[Held], mailings: dict[uuid.UUID, Mailing], identity_id: uuid.UUID, *, by: User | None = None,
    reason: str = "",
) -> Verdict | None:  # fmt: skip
    """The first of these as a message, with those that may be joined to it; None when it may go, else why not."""
    lead = free[0]
    mailing = mailings[lead.touch.mailing_id]  # type: ignore[index]
    along = [
        one
        for one in free[1:]
        if mailing.digest
        and one.outcome == "allow"
        and (other := mailings.get(one.touch.mailing_id)) is not None  # type: ignore[arg-type]
        and other.digest
        and other.account_id == mailing.account_id
    ]
    key = new_id()
    clearance = held_allow(lead, message_id=key, by=by, reason=reason)
    if clearance is None:
        return lead.verdict
    parts = [(mailings[one.touch.mailing_id], one.touch.name_used) for one in (lead, *along)]  # type: ignore[index]
    message_cleared(compose_of(parts, identity_id), key, clearance)
    held_merge(along, into=lead.touch)
    return None


@transaction.atomic
def touch_send_now(*, touch_id: uuid.UUID, user: User, reason: str) -> Verdict | None:
    """Send one held touch of a mailing anyway, with a reason that is kept; None when it went, else why it stays.

    What is denied stays; so does what this colleague may not approve. Raises MailingError when it does not wait any more.
    """
    reason = " ".join(reason.split())[:500]
    if not reason:
        raise MailingError(_("Say why it may go all the same."))
    identity = Touch.objects.filter(pk=touch_id).values_list("identity_id", flat=True).first()
    found = [one for one in held_of(identity) if one.touch.pk == touch_id] if identity else []
    mailings = _mailings(found)
    if not found or identity is None or not mailings:
        raise MailingError(_("It does not wait any more."))
    said = _send(found, mailings, identity, by=user, reason=reason)
    if said is not None and said.outcome == "deny":
        held_keep(found[0])
    return said


def queue_expire() -> int:
    """Give up what was held for too long, and tell who sent it: once a mailing."""
    done = 0
    while True:
        with transaction.atomic():
            found = touches_expire()
            for mailing in Mailing.objects.filter(pk__in=found).select_related("account"):
                _tell(mailing)
        if not found:
            return done
        done += sum(found.values())


def _tell(mailing: Mailing) -> None:
    number = Touch.objects.filter(mailing_id=mailing.pk, state=Touch.State.EXPIRED).count()

    def title() -> str:
        return ngettext(
            "%(n)s person did not get “%(title)s”: it was held back until it was too late",
            "%(n)s people did not get “%(title)s”: it was held back until it was too late",
            number,
        ) % {"n": number, "title": mailing.title}

    whom = mailing.sent_by_id or mailing.author_id
    if whom is not None:
        _notify(whom, title, mailing)


def _notify(whom: uuid.UUID, title: Callable[[], str], mailing: Mailing) -> None:
    notify(
        [whom],
        kind="mailing",
        title=title,
        path=f"/mailings/{mailing.pk}/",
        subject_id=mailing.pk,
        scope_id=mailing.account.scope_id,
    )
