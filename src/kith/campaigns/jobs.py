"""Background work of this room: dry runs of long lists, sending, and the queue of what is held."""

from __future__ import annotations

from kith.campaigns.models import Mailing
from kith.core.jobs import job


def check_given_up(error: Exception | None, *, mailing_id: str) -> None:
    from django.utils.translation import gettext as _

    Mailing.objects.filter(pk=mailing_id, state=Mailing.State.CHECKING).update(
        state=Mailing.State.DRAFT, error=_("The dry run could not be brought to its end. Begin it again.")
    )


@job("campaigns.check", tries=3, given_up=check_given_up)
def check_run(*, mailing_id: str) -> None:
    """The dry run of a long list; again from its start after an interruption."""
    from kith.campaigns.services.check import check

    mailing = Mailing.objects.filter(pk=mailing_id, state=Mailing.State.CHECKING).first()
    if mailing is not None:
        check(mailing)


def send_given_up(error: Exception | None, *, mailing_id: str) -> None:
    from django.utils.translation import gettext as _

    Mailing.objects.filter(pk=mailing_id, state=Mailing.State.SENDING).update(
        state=Mailing.State.STOPPED, error=_("Sending broke off. Go on with it; nobody gets it twice.")
    )


@job("campaigns.send", tries=6, given_up=send_given_up)
def send_run(*, mailing_id: str) -> None:
    """Send a mailing; after an interruption, to those who are left."""
    from uuid import UUID

    from kith.campaigns.services.send import send

    send(UUID(mailing_id))


@job("campaigns.stop", tries=8)
def stop_run(*, mailing_id: str) -> None:
    """Take back what a stopped mailing has not sent yet."""
    from uuid import UUID

    from kith.campaigns.services.send import take_back

    take_back(UUID(mailing_id))


@job("campaigns.queue", every="* * * * *")
def queue_look() -> None:
    """Release what was held and is due, and give up what is too old."""
    from kith.campaigns.services.queue import queue_expire, queue_release

    queue_expire()
    queue_release()
