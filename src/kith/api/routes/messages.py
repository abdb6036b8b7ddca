"""Messages: read one, take one back, answer a conversation, write to somebody. Everything sent passes the gate."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router, Status

from kith.api.access import Caller, Token, caller_of
from kith.api.problems import Problem, blame
from kith.api.routes.conversations import conversation_seen, messages_out
from kith.api.schemas import MessageOut, ReadingIn, ReplyIn, SendIn, SentOut
from kith.channels import visitors
from kith.channels.answers import AnswerClash, Clash, answer_send, signed
from kith.channels.outbox import Compose, OutboxError, SendResult, message_send, message_unsend
from kith.conversations.models import Message, MessageCopy, Participant, Thread
from kith.conversations.selectors import (
    ConversationView,
    ReplyChannel,
    attachment_get,
    conversation_get,
    identities_seen,
    message_visible,
)
from kith.core import blobs
from kith.networks.models import ChannelAccount
from kith.networks.selectors import channel_accounts_for, manifest_of, only_public
from kith.teams.models import User
from kith.understanding.errors import UnderstandingError
from kith.understanding.services import message_correct

router = Router(tags=["messages"])
replies = Router(tags=["messages"])
READ, WRITE = Token("conversations:read"), Token("messages:write")
CORRECT = Token("conversations:write")


def _sent(result: SendResult) -> dict[str, Any]:
    state = Message.objects.values_list("state", flat=True).get(pk=result.message_id)
    verdict = result.verdict
    return {
        "message_id": result.message_id,
        "conversation_id": result.conversation_id,
        "state": state,
        "verdict": {
            "outcome": verdict.outcome,
            "rule": verdict.rule,
            "sentence": verdict.sentence,
            "until": verdict.until,
        },
    }


def _author(caller: Caller) -> User:
    """The whole row of who writes: their signature stands under a mail."""
    return User.objects.get(pk=caller.user_id)


def _answer(
    caller: Caller, compose: Compose, body: ReplyIn, answered: uuid.UUID | None, newest: uuid.UUID | None
) -> dict[str, Any]:
    """Send an answer as the screen does: one at a time, signed, and not where somebody was faster. What the person outside
    added counts where the caller said what it had seen; for `newest` is what stands there now."""
    began = body.seen_message_id or answered
    try:
        result = answer_send(
            caller.viewer,
            compose,
            began=began,
            seen=body.seen_message_id or newest,
            confirmed=body.confirm,
        )
    except AnswerClash as error:
        raise _clash(error.clash) from error
    except OutboxError as error:
        raise Problem(409, str(error)) from error
    assert result is not None  # only a press of a button is asked for twice
    return _sent(result)


def _clash(clash: Clash) -> Problem:
    found = clash.conflict
    if found is None:
        kind, told = "typing", "A colleague is typing an answer."
    elif found.is_us:
        kind, told = "answered", "A colleague was faster: the answer stands there already."
    else:
        kind, told = "added", "There is more since the message that you have seen."
    return Problem(
        409,
        f"{told} Read it, and confirm with its key to answer all the same.",
        clash={
            "key": clash.key,
            "kind": kind,
            "message_id": str(found.message_id) if found else None,
            "author": found.author if found else "",
            "at": found.at.isoformat() if found else None,
            "snippet": found.snippet if found else "",
            "count": found.count if found else 0,
            "typing": list(clash.typing),
        },
    )


def _account(caller: Caller, account_id: uuid.UUID, field: str) -> ChannelAccount:
    account = channel_accounts_for(caller.viewer).filter(pk=account_id).first()
    if account is None:
        raise blame(field, "There is no such channel.")
    return account


def _way(caller: Caller, view: ConversationView, body: ReplyIn) -> tuple[ReplyChannel, uuid.UUID | None]:
    """How to answer: as the screen would, or where the named message came in; with the message that is answered."""
    conversation_id, channels = view.id, view.reply_channels
    if body.message_id is None:
        if not channels:
            raise Problem(409, "No channel of ours can answer here.")
        return channels[0], channels[0].reply_to_id
    threads = set(
        MessageCopy.objects.filter(
            message_id=body.message_id,
            message__direction=Message.Direction.IN,
            thread__conversation_id=conversation_id,
            scope_id__in=caller.viewer.scope_ids,
        ).values_list("thread_id", flat=True)
    )
    if not threads:
        raise blame("message_id", "This message did not come in here.")
    for channel in channels:
        if channel.thread_id in threads:
            return channel, body.message_id
    raise Problem(409, "No channel of ours can answer this message.")


@replies.post("/{uuid:conversation_id}/reply", auth=WRITE, response={201: SentOut}, summary="Answer")
def conversations_reply(request: HttpRequest, conversation_id: uuid.UUID, body: ReplyIn) -> Any:
    """Goes out on the channel it came from, after ten seconds in which it can be taken back; a mail with the signature that
    the channel or its author has. 409 with `clash` when a colleague was faster, or is typing: `confirm` overrides it."""
    caller = caller_of(request)
    found = conversation_seen(caller.viewer, conversation_id)
    view = conversation_get(caller.viewer, found)
    if view is None:
        raise Problem(409, "No channel of ours can answer here.")
    if body.seen_message_id is not None and not _stands_in(caller, found, body.seen_message_id):
        raise blame("seen_message_id", "This message does not stand here.")
    if body.by_mail_from is not None:
        compose = _by_mail(caller, found, body, body.by_mail_from)
        return Status(201, _answer(caller, compose, body, _last_in(caller, found), view.last_message_id))
    channel, reply_to = _way(caller, view, body)
    answered = Message.objects.filter(pk=reply_to).first() if reply_to else None
    compose = Compose(
        user=_author(caller),
        account=ChannelAccount.objects.get(pk=channel.channel_account_id),
        text=body.text,
        recipients=_recipients(channel, answered),
        conversation_id=found,
        reply_to=answered,
        thread=Thread.objects.filter(pk=channel.thread_id).first() if channel.thread_id else None,
        subject=(body.subject or channel.subject) if channel.supports_subject else "",
        visibility=channel.visibility,
        send_at=body.send_at,
    )
    began = reply_to or _last_in(caller, found)
    return Status(201, _answer(caller, compose, body, began, view.last_message_id))


def _last_in(caller: Caller, conversation_id: uuid.UUID) -> uuid.UUID | None:
    """What came in last: the message that an answer is to, where it names none."""
    rows = MessageCopy.objects.filter(
        thread__conversation_id=conversation_id,
        scope_id__in=caller.viewer.scope_ids,
        message__direction=Message.Direction.IN,
    )
    return rows.order_by("-id").values_list("message_id", flat=True).first()


def _stands_in(caller: Caller, conversation_id: uuid.UUID, message_id: uuid.UUID) -> bool:
    return MessageCopy.objects.filter(
        message_id=message_id,
        thread__conversation_id=conversation_id,
        scope_id__in=caller.viewer.scope_ids,
    ).exists()


def _recipients(channel: ReplyChannel, answered: Message | None) -> tuple[tuple[uuid.UUID, str], ...]:
    """Whom a mail names for answers (Reply-To), else who wrote it."""
    manifest = manifest_of(channel.network)
    if answered is not None and manifest is not None and manifest.medium == "mail":
        named = Participant.objects.filter(message=answered, role="reply_to").order_by("id")
        if people := tuple(dict.fromkeys((p.identity_id, "to") for p in named)):
            return people
    recipient = answered.sender_id if answered and answered.sender_id else channel.identity_id
    return ((recipient, "to"),) if recipient else ()


def _by_mail(caller: Caller, conversation_id: uuid.UUID, body: ReplyIn, account_id: uuid.UUID) -> Compose:
    account = _account(caller, account_id, "by_mail_from")
    try:
        return visitors.answer_by_mail(
            viewer=caller.viewer,
            user=_author(caller),
            conversation_id=conversation_id,
            account=account,
            text=body.text,
            subject=body.subject,
        )
    except visitors.VisitorError as error:
        told = {
            "medium": "This channel sends no mail.",
            "email": "Nobody left an e-mail address in this conversation.",
        }
        raise blame(
            "by_mail_from", told.get(error.code, "This can't be answered by mail."), status=409
        ) from error


@router.post("", auth=WRITE, response={201: SentOut}, summary="Write to somebody")
def messages_send(request: HttpRequest, body: SendIn) -> Any:
    """From one of our channels to identities on its network; begins a conversation."""
    caller = caller_of(request)
    account = _account(caller, body.channel_id, "channel_id")
    known = {i.pk: i for i in identities_seen(caller.viewer).filter(pk__in=body.identity_ids)}
    for number, wanted in enumerate(body.identity_ids):
        if wanted not in known or known[wanted].network != account.network:
            raise blame(f"identity_ids.{number}", "There is no such identity on this channel's network.")
    if body.visibility == "public" and not only_public(account.network):
        raise blame("visibility", "This network has private messages: a conversation begins with one.")
    compose = Compose(
        user=_author(caller),
        account=account,
        text=body.text,
        recipients=tuple((i, "to") for i in dict.fromkeys(body.identity_ids)),
        subject=body.subject,
        visibility=body.visibility,
        send_at=body.send_at,
    )
    try:
        result = message_send(signed(compose))
    except OutboxError as error:
        raise Problem(409, str(error)) from error
    return Status(201, _sent(result))


def _message(request: HttpRequest, message_id: uuid.UUID) -> tuple[Message, uuid.UUID | None]:
    viewer = caller_of(request).viewer
    if not message_visible(viewer, message_id):
        raise Problem(404, "There is no such message, or you may not see it.")
    conversation_id = (
        MessageCopy.objects.filter(message_id=message_id, scope_id__in=viewer.scope_ids)
        .order_by("id")
        .values_list("thread__conversation_id", flat=True)
        .first()
    )
    return Message.objects.get(pk=message_id), conversation_id


@router.post(
    "/{uuid:message_id}/reading",
    auth=CORRECT,
    response=MessageOut,
    summary="Correct what was read in a message",
)
def messages_correct(request: HttpRequest, message_id: uuid.UUID, body: ReadingIn) -> Any:
    """What is said here counts at once, as on screen. 409: the message has not been read."""
    message, conversation_id = _message(request, message_id)
    values = {name: value for name, value in body.dict().items() if value is not None}
    try:
        message_correct(caller_of(request).viewer, message.pk, values=values)
    except UnderstandingError as error:
        raise Problem(409, str(error)) from error
    return messages_out([message], conversation_id)[0]


@router.get("/{uuid:message_id}", auth=READ, response=MessageOut, summary="One message")
def messages_get(request: HttpRequest, message_id: uuid.UUID) -> Any:
    message, conversation_id = _message(request, message_id)
    return messages_out([message], conversation_id)[0]


@router.post(
    "/{uuid:message_id}/unsend", auth=WRITE, response=MessageOut, summary="Take back a message that waits"
)
def messages_unsend(request: HttpRequest, message_id: uuid.UUID) -> Any:
    message, conversation_id = _message(request, message_id)
    if not message_unsend(message=message):
        raise Problem(409, "It is too late: the message has gone out, or is about to.")
    return messages_out([Message.objects.get(pk=message_id)], conversation_id)[0]


@router.get(
    "/files/{uuid:attachment_id}",
    auth=READ,
    response={200: None},
    summary="The bytes of an attachment",
    openapi_extra={
        "responses": {
            200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
        }
    },
)
def files_get(request: HttpRequest, attachment_id: uuid.UUID) -> HttpResponseBase:
    found = attachment_get(caller_of(request).viewer, attachment_id)
    if found is None or not found.digest or not blobs.exists(found.digest):
        raise Problem(404, "There is no such file, or you may not see it.")
    return FileResponse(
        blobs.open_blob(found.digest),
        as_attachment=True,
        filename=found.file_name,
        content_type="application/octet-stream",
    )
