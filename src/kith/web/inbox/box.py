"""The box in which one answers or passes on: what it holds, from the kept draft or from what was just sent to us."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext as _

from kith.channels.answers import Clash, signature_of
from kith.channels.outbox import OutboxError, OutgoingFile
from kith.channels.quoted import MARK
from kith.channels.visitors import Visit, visit_of
from kith.conversations.models import Draft, Message, MessageCopy
from kith.conversations.selectors import ConversationView, message_visible
from kith.conversations.services import drafts
from kith.core.asking import Asking, asked
from kith.core.fields import as_uuid
from kith.engagement.selectors import has_saved_replies_ask
from kith.networks.selectors import manifest_of
from kith.teams.types import Viewer
from kith.trust.advice import Advice
from kith.web.access import SignedIn
from kith.web.inbox.ways import (
    NOTE,
    Typed,
    Way,
    account_of,
    advice_of_way,
    everybody,
    find_way,
    mailbox,
    ways_of,
    ways_to_forward,
)

MODES = ("reply", "forward")
FIELDS = ("to", "cc", "bcc", "subject", "warning", "audience")
LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Answered:
    """The one message that is answered or passed on, when somebody chose it."""

    id: uuid.UUID
    name: str
    snippet: str
    gone: bool = False  # deleted by its author


@dataclass(frozen=True, slots=True)
class Box:
    """`began`: the newest message when the answer was begun, "" for none. `once` names the press of the button that is to
    come: pressed twice, it sends once."""

    mode: str
    ways: list[Way]
    way: Way | None
    typed: Typed
    began: str = ""
    files: list[dict[str, Any]] = field(default_factory=list)
    answered: Answered | None = None
    advice: Advice | None = None
    signature: str = ""
    visit: Visit | None = None
    has_replies: bool = False
    error: str = ""
    clash: Clash | None = None
    focus: bool = False
    once: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def source_gone(self) -> bool:
        """Whether what is quoted or answered here was deleted by its author since."""
        return MARK in self.typed.text or (self.answered is not None and self.answered.gone)

    @property
    def open_fields(self) -> bool:
        """Whether the fields of a mail are shown at once: there is something in them that one should see."""
        return self.mode == "forward" or bool(self.typed.to or self.typed.cc or self.typed.bcc)


class Kept(NamedTuple):
    """The drafts of a conversation by mode, and whether there are saved replies."""

    drafts: Mapping[str, Draft]
    has_replies: bool


def kept_asking(viewer: Viewer, conversation_id: uuid.UUID) -> Asking[Kept]:
    """To be asked together with the conversation."""
    rows, has_replies = yield drafts.drafts_ask(viewer, conversation_id), has_saved_replies_ask(viewer)
    return Kept({draft.mode: draft for draft in rows}, has_replies)


def ways_for(request: SignedIn, conversation: ConversationView, mode: str) -> tuple[list[Way], Visit | None]:
    """The ways of a mode, and the visitor whom an answer would go to, if it is one."""
    if mode == "forward":
        return ways_to_forward(request, conversation), None
    visit = None
    if any((m := manifest_of(name)) is not None and m.visitors for name in conversation.networks):
        visit = visit_of(request.viewer, conversation.id)
    return ways_of(request, conversation, visit), visit


def box_of(
    request: SignedIn,
    conversation: ConversationView,
    *,
    mode: str = "",
    typed: Typed | None = None,
    via: str = "",
    began: str = "",
    error: str = "",
    clash: Clash | None = None,
    focus: bool = False,
    kept: Kept | None = None,
) -> Box:
    """The box, as a draft has kept it; `typed` and `via` say more than the draft."""
    drafted, has_replies = kept or asked(kept_asking(request.viewer, conversation.id))
    if mode not in MODES:
        mode = "forward" if "forward" in drafted and "reply" not in drafted else "reply"
    draft = drafted.get(mode)
    ways, visit = ways_for(request, conversation, mode)
    said: Mapping[str, Any] = draft.recipients if draft else {}
    if typed is None:
        typed = _typed_of(draft) if draft else Typed()
    way = find_way(ways, via or str(said.get("via", "")))
    account = account_of(way) if way else None
    newest = str(conversation.last_message_id or "")
    return Box(
        mode=mode,
        ways=ways,
        way=way,
        typed=typed,
        began=began or str(said.get("began", "")) or newest,
        files=list(draft.attachments) if draft else [],
        answered=_answered(request, typed.reply_to),
        advice=advice_of_way(request, conversation, way, typed, ways, account),
        signature=signature_of(account, request.user) if account else "",
        visit=visit,
        has_replies=has_replies,
        error=error,
        clash=clash,
        focus=focus,
    )


def _typed_of(draft: Draft) -> Typed:
    said = draft.recipients
    return Typed(
        text=draft.body,
        subject=draft.subject,
        reply_to=draft.reply_to_id,
        to=str(said.get("to", "")),
        cc=str(said.get("cc", "")),
        bcc=str(said.get("bcc", "")),
        warning=str(said.get("warning", "")),
        audience=str(said.get("audience", "")),
        urgent=bool(said.get("urgent")),
    )


def _answered(request: SignedIn, message_id: uuid.UUID | None) -> Answered | None:
    if message_id is None or not message_visible(request.viewer, message_id):
        return None
    message = Message.objects.select_related("sender", "author").filter(pk=message_id).first()
    if message is None:
        return None
    sender = message.sender
    name = message.author.name if message.author else ""
    name = name or (sender.display_name or sender.handle if sender else "")
    text = message.text[: message.quote_at] if message.quote_at else message.text
    gone = message.deleted_upstream_at is not None
    return Answered(message.pk, name or _("Somebody"), " ".join(text.split())[:140], gone)


def typed_of(post: QueryDict) -> Typed:
    """What the form says."""
    words = {name: post.get(name, "").strip()[:4000] for name in FIELDS}
    text = post.get("text", "").replace("\r\n", "\n")[:LONGEST]
    urgent = bool(post.get("urgent"))
    return Typed(text=text, reply_to=as_uuid(post.get("reply_to", "")), urgent=urgent, **words)


def draft_keep(
    request: SignedIn, conversation_id: uuid.UUID, mode: str, typed: Typed, *, via: str, began: str
) -> None:
    """Keep what is being written; its files stay as they are. Nothing at all forgets it."""
    row = drafts.draft_get(request.viewer, conversation_id=conversation_id, mode=mode)
    if not typed.text.strip() and mode == "reply" and not (row and row.attachments) and not typed.reply_to:
        drafts.draft_delete(request.viewer, conversation_id=conversation_id, mode=mode)
        return
    words = {name: getattr(typed, name) for name in ("to", "cc", "bcc", "warning", "audience", "urgent")}
    drafts.draft_save(
        request.viewer,
        conversation_id=conversation_id,
        mode=mode,
        body=typed.text,
        subject=typed.subject[:500],
        recipients={"via": via[:200], "began": began[:40], **{k: v for k, v in words.items() if v}},
        reply_to_id=typed.reply_to,
        attachments=None,
    )


def draft_begin(
    request: SignedIn,
    conversation: ConversationView,
    mode: str,
    message: Message,
    typed: Typed,
    *,
    to_all: bool,
) -> None:
    """A draft that answers one message (or all who got it), or passes it on with its files."""
    began = str(conversation.last_message_id or "")
    if mode == "forward":
        drafts.draft_delete(request.viewer, conversation_id=conversation.id, mode=mode)
        subject = message.subject if message.subject.lower().startswith("fwd:") else f"Fwd: {message.subject}"
        made = Typed(text=forwarded(message), subject=subject.strip()[:500], reply_to=message.pk)
        draft_keep(request, conversation.id, mode, made, via="", began=began)
        files = [_file(a) for a in message.attachments.order_by("id") if a.digest]
        drafts.draft_files_change(request.viewer, conversation_id=conversation.id, mode=mode, add=files)
        return
    ways, _visit = ways_for(request, conversation, mode)
    threads = set(
        MessageCopy.objects.filter(
            message=message, thread__conversation_id=conversation.id, scope_id__in=request.viewer.scope_ids
        ).values_list("thread_id", flat=True)
    )
    way = next((w for w in ways if w.channel and w.channel.thread_id in threads), None)
    to = cc = ""
    if way is not None and way.is_mail:
        to = _senders(message) or way.to
        if to_all:
            to, cc = everybody(message, replace(way, to=to))
    made = replace(typed, to=to, cc=cc, bcc="", reply_to=message.pk)
    draft_keep(request, conversation.id, mode, made, via=way.value if way else "", began=began)


def _senders(message: Message) -> str:
    """Whom an answer to a mail goes to: whom it names for answers, else its sender; those whom we wrote to, if it is ours."""
    ours = message.direction == Message.Direction.OUT
    people = list(
        message.participants.filter(role__in=["to"] if ours else ["reply_to", "from"])
        .exclude(identity__kind="us")
        .order_by("id")
        .values_list("role", "display_name", "identity__external_id")
    )
    wanted = [p for p in people if p[0] == "reply_to"] or people
    return ", ".join(dict.fromkeys(mailbox(name, address) for _role, name, address in wanted))


def forwarded(message: Message) -> str:
    """A message as one passes it on: who wrote it, when, about what, and what it said."""
    sender = message.sender
    who = mailbox(sender.display_name, sender.handle or sender.external_id) if sender else ""
    to = ", ".join(
        p.identity.handle or p.identity.external_id
        for p in message.participants.filter(role="to").select_related("identity").order_by("id")[:20]
    )
    lines = [
        (_("From"), who),
        (_("Date"), message.at.strftime("%Y-%m-%d %H:%M %Z")),
        (_("Subject"), message.subject),
        (_("To"), to),
    ]
    head = "\n".join(f"{name}: {value}" for name, value in lines if value)
    return f"\n\n---------- {_('Forwarded message')} ----------\n{head}\n\n{message.text.strip()}"[:LONGEST]


def _file(attachment: Any) -> dict[str, Any]:
    return {
        "digest": attachment.digest,
        "file_name": attachment.file_name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "alt_text": attachment.alt_text,
    }


def draft_restore(request: SignedIn, conversation_id: uuid.UUID, message: Message) -> str:
    """What was taken back goes into the box again, before what stands there already. Returns the mode."""
    text = message.text[: message.signature_at] if message.signature_at is not None else message.text
    forward = message.extra.get("forward_of")
    mode = "forward" if forward else "reply"
    row = drafts.draft_get(request.viewer, conversation_id=conversation_id, mode=mode)
    people: dict[str, list[str]] = {"to": [], "cc": [], "bcc": []}
    manifest = manifest_of(message.network)
    if manifest is not None and manifest.medium == "mail":
        for person in message.participants.exclude(role="from").select_related("identity").order_by("id"):
            name, address = person.identity.display_name, person.identity.external_id
            people.setdefault(person.role, []).append(mailbox(name, address))
    answered = None
    if message.in_reply_to:
        answered = Message.objects.filter(network=message.network, external_id=message.in_reply_to).first()
    drafts.draft_save(
        request.viewer,
        conversation_id=conversation_id,
        mode=mode,
        body="\n\n".join(part for part in (text, row.body if row else "") if part),
        subject=message.subject[:500],
        recipients={
            "via": _via_of(message, mode),
            "warning": message.content_warning,
            "audience": message.extra.get("audience", ""),
            **{role: ", ".join(people[role]) for role in ("to", "cc", "bcc") if people[role]},
        },
        reply_to_id=as_uuid(forward) if forward else (answered.pk if answered else None),
        attachments=row.attachments if row else (),
    )
    files = [_file(a) for a in message.attachments.order_by("id")]
    drafts.draft_files_change(request.viewer, conversation_id=conversation_id, mode=mode, add=files)
    return mode


def _via_of(message: Message, mode: str) -> str:
    account = message.extra.get("channel_account", "")
    if mode == "forward":
        return f"forward:{account}"
    copy = message.copies.order_by("id").first()
    people = message.participants.filter(role="to").order_by("id").values_list("identity_id", flat=True)
    return ":".join(str(part or "") for part in (account, copy.thread_id if copy else "", people.first()))


def files_to_send(way: Way, files: Sequence[Mapping[str, Any]]) -> tuple[OutgoingFile, ...]:
    """The files of a draft, for the outbox. Raises OutboxError where the way takes none."""
    if not files:
        return ()
    if way.value == NOTE:
        raise OutboxError(_("A note takes no files."))
    if not way.takes_files:
        raise OutboxError(_("No files can be sent this way."))
    return tuple(
        OutgoingFile(
            f["digest"], f["file_name"], f["content_type"], int(f["size"]), str(f.get("alt_text", ""))
        )
        for f in files
    )
