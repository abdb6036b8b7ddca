"""What our own drafts and waiting messages quote of a message that its author deleted, or rest on."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, Func, JSONField, Q, Value

from kith.channels.compose import compose_again, gate_ask
from kith.conversations.models import Draft, Message, MessageCopy
from kith.conversations.services import messages_refresh, search_documents_write
from kith.core import events
from kith.trust.models import Touch
from kith.trust.services import touches_cancel
from kith.trust.types import REMARK_GONE

MARK = "> […]"
ENOUGH = 12  # characters: so many of a message elsewhere are a quotation, fewer are chance
EVENT = "message_source_deleted"
WAITING = (Message.State.QUEUED, Message.State.SCHEDULED, Message.State.HELD)


def quotes_out(text: str, said: str) -> str:
    """`text` without what it quotes of `said`: lines that begin with ">", or all of it. Where it stood is a mark."""
    lines = {_plain(line) for line in said.splitlines()} - {""}
    kept: list[str] = []
    for line in text.split("\n"):
        marked = bool(kept) and kept[-1] == MARK
        quoted = line.startswith(">")
        words = _plain(line.lstrip("> "))
        if quoted and (words in lines or (not words and marked)):
            if not marked:
                kept.append(MARK)
        else:
            kept.append(line)
    rest, whole = "\n".join(kept), said.strip()
    return rest.replace(whole, MARK.removeprefix("> ")) if len(whole) >= ENOUGH else rest


def _plain(line: str) -> str:
    return " ".join(line.split())


def quotations_forget(message: Message) -> None:
    """Take the words of a message that is about to lose them out of drafts, and out of what waits to be sent. In the caller's
    transaction; the gate is asked anew about what waits as soon as that has ended."""
    talks = MessageCopy.objects.filter(message=message).values("thread__conversation_id")
    for draft in Draft.objects.filter(Q(conversation_id__in=talks) | Q(reply_to_id=message.pk)):
        body = quotes_out(draft.body, message.text)
        if body != draft.body:
            Draft.objects.filter(pk=draft.pk).update(body=body)
    out = Message.objects.filter(direction=Message.Direction.OUT, state__in=WAITING)
    of_ours = list(out.filter(copies__thread__conversation_id__in=talks).distinct())
    resting = [ours.pk for ours in of_ours if _loses(ours, message)]
    if resting:
        for ours in Message.objects.filter(pk__in=resting):
            Touch.objects.filter(subject_id=ours.pk).update(title=(ours.subject or ours.text)[:200])
        Touch.objects.filter(subject_id__in=resting, state__in=("held", "allowed")).update(
            based_on=Func(
                F("based_on"), Value([REMARK_GONE], JSONField()), function="", arg_joiner=" || ",
                output_field=JSONField(),
            )
        )  # fmt: skip
        search_documents_write(resting)
        messages_refresh(resting)
        events.record(EVENT, resting)


def _loses(ours: Message, gone: Message) -> bool:
    """Whether this one quotes or answers what is gone; its own words stay, and the gate hears of the rest."""
    body, rest = ours.text[: ours.signature_at], ours.text[ours.signature_at :] if ours.signature_at else ""
    words = quotes_out(body, gone.text)
    answers = gone.visibility == "public" and ours.in_reply_to == gone.external_id
    if words == body and not answers:
        return False
    if words != body:
        ours.text, ours.html = words + rest, ""
        ours.signature_at = len(words) if ours.signature_at else None
    ours.extra = {**ours.extra, "based_on": [*ours.extra.get("based_on", ()), REMARK_GONE]}
    ours.save(update_fields=["text", "html", "signature_at", "extra"])
    return True


def on_source_deleted(kind: str, ids: Sequence[uuid.UUID]) -> None:
    """Ask the gate about what was planned or held, so that its reason stands there; what is on its way is asked about when it
    leaves."""
    for key in ids:
        with transaction.atomic():
            message = Message.objects.filter(
                pk=key, state__in=(Message.State.SCHEDULED, Message.State.HELD)
            ).first()
            if message is None:
                continue
            touches_cancel(message.pk)
            gate_ask(compose_again(message), subject_id=message.pk)
            Message.objects.filter(pk=key).update(state=Message.State.HELD)
            messages_refresh([key])


def subscribe() -> None:
    events.subscribe("channels.source_deleted", [EVENT], on_source_deleted)
