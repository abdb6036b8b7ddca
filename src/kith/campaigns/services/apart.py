"""A mailing's message that the gate stopped at the last moment: all that is in it waits in the queue again, each for itself."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kith.channels.outbox import message_unsend
from kith.conversations.models import Message
from kith.trust.models import Touch
from kith.trust.services.held import touch_waits


def on_message_held(kind: str, ids: Sequence[uuid.UUID]) -> None:
    """What was joined in one message may go at different times, or never; so the message does not wait, its touches do."""
    for message in Message.objects.filter(pk__in=ids, state=Message.State.HELD, extra__has_key="mailings"):
        led = Touch.objects.filter(subject_id=message.pk, state=Touch.State.HELD).exclude(mailing_id=None)
        waiting = list(led.values_list("pk", flat=True))
        denied = Touch.objects.filter(subject_id=message.pk, state=Touch.State.DENIED)
        refused = list(denied.values_list("pk", flat=True))
        if message_unsend(message=message, parts_wait=True):
            for key in waiting:
                touch_waits(key)
            Touch.objects.filter(pk__in=refused).update(state=Touch.State.DENIED)
