"""Visitors of a page with our chat window or form: a random key in their browser, and what they typed.

The key proves that it is the same browser; nothing that is typed proves who sits there (law 7).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q

from kith.base.clock import now
from kith.base.text import clean
from kith.channels.models import ChatVisitor
from kith.channels.outbox import Compose
from kith.channels.receive import raw_items_store
from kith.connectors.contract import RawItem as WireItem
from kith.contacts.services import identities_observe
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Attachment, Message, ThreadKey
from kith.core.fields import as_uuid
from kith.core.live import here, here_note
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import User
from kith.teams.selectors import users_who_see
from kith.teams.types import Viewer

_KEY = re.compile(r"[A-Za-z0-9_-]{32,128}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
EMAIL = re.compile(r"[^@\s<>\"',;:()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z0-9-]{2,60}")
_HOURS = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TEXT, NAME = 4000, 100
FILES, FILE_BYTES = 3, 5 * 1024 * 1024
SHOWN = 60
ARRIVED = (Message.State.SENT, Message.State.DELIVERED, Message.State.READ)


class VisitorError(ValueError):
    """What a visitor sent that can't be taken; `code` is for their window, which says it in their language."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class VisitorFile:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """One message as the visitor's window shows it; `nonce` is what the window called its own."""

    id: uuid.UUID
    at: datetime
    ours: bool
    text: str
    nonce: str
    files: tuple[tuple[uuid.UUID, str, int], ...] = ()


def account_of(account_id: str | uuid.UUID) -> ChannelAccount | None:
    """A working channel account that visitors reach, by its id."""
    key = as_uuid(account_id)
    account = (
        ChannelAccount.objects.filter(pk=key, state=ChannelAccount.State.ACTIVE).first() if key else None
    )
    manifest = manifest_of(account.network) if account else None
    return account if manifest is not None and manifest.visitors else None


def origins_of(account: ChannelAccount) -> frozenset[str]:
    """Origins whose pages may show the chat: those of `site` (several with spaces), with and without "www."."""
    found = set()
    for text in str(account.settings.get("site", "")).replace(",", " ").split():
        try:
            parts = urlsplit(text)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            continue
        name = parts.hostname
        if parts.scheme not in ("http", "https") or not name:
            continue
        other = name.removeprefix("www.") if name.startswith("www.") else f"www.{name}"
        found |= {f"{parts.scheme}://{name}{port}", f"{parts.scheme}://{other}{port}"}
    return frozenset(found)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def visitor_of(account: ChannelAccount, key: str) -> ChatVisitor | None:
    """The visitor of a key that has written before."""
    if not _KEY.fullmatch(key):
        return None
    return ChatVisitor.objects.filter(channel_account=account, key_hash=_hash(key)).first()


def thread_key(visitor: ChatVisitor) -> str:
    """The key of the one thread of a visitor, as the connector writes it."""
    return f"visitor:{visitor.pk}"


def visitor_says(
    *,
    account: ChannelAccount,
    key: str,
    nonce: str,
    text: str,
    name: str = "",
    email: str = "",
    page_url: str = "",
    files: Sequence[VisitorFile] = (),
) -> ChatVisitor:
    """Take a message from a visitor: raw and durable, read by the channel like any other. Raises VisitorError."""
    text, name, email = (
        clean(text).strip(),
        " ".join(clean(name).split())[:NAME],
        clean(email).strip().lower(),
    )
    if not _KEY.fullmatch(key) or not _NONCE.fullmatch(nonce):
        raise VisitorError("unclear")
    if not text and not files:
        raise VisitorError("empty")
    if len(text) > TEXT:
        raise VisitorError("long")
    if email and (len(email) > 254 or not EMAIL.fullmatch(email)):
        raise VisitorError("email")
    if len(files) > FILES or any(len(f.content) > FILE_BYTES for f in files):
        raise VisitorError("files")
    page = page_url if page_url.startswith(("https://", "http://")) and len(page_url) <= 1000 else ""
    moment = now()
    visitor, _ = ChatVisitor.objects.get_or_create(
        key_hash=_hash(key), defaults={"channel_account": account, "last_seen_at": moment}
    )
    if visitor.channel_account_id != account.pk:
        raise VisitorError("unclear")
    visitor.last_seen_at, visitor.page_url = moment, clean(page)
    visitor.typed_name = name or visitor.typed_name
    visitor.typed_email = email or visitor.typed_email
    visitor.save(update_fields=["last_seen_at", "page_url", "typed_name", "typed_email"])
    claims = {k: v for k, v in (("name", visitor.typed_name), ("email", visitor.typed_email)) if v}
    message_id = f"{visitor.pk}:{nonce}"
    here_note(visitor.pk)
    body = {
        "type": "message.received",
        "timestamp": moment.isoformat(),
        "data": {
            "id": message_id,
            "from": {"id": str(visitor.pk), "name": visitor.typed_name},
            "text": text,
            "page": visitor.page_url,
            "claims": claims,
            "files": [
                {
                    "name": clean(f.name)[:200] or "file",
                    "content_type": clean(f.content_type)[:100],
                    "content": base64.b64encode(f.content).decode(),
                }
                for f in files
            ],
        },
    }
    raw_items_store(account, [WireItem(message_id, json.dumps(body).encode(), at=moment)])
    return visitor


def said_with(visitor: ChatVisitor) -> list[Said]:
    """The last messages of a visitor's thread, oldest first: theirs, and our answers that have gone out."""
    rows = list(
        Message.objects.filter(
            Q(direction=Message.Direction.IN) | Q(direction=Message.Direction.OUT, state__in=ARRIVED),
            copies__thread__keys__key=thread_key(visitor),
            copies__thread__keys__network=visitor.channel_account.network,
            copies__thread__scope_id=visitor.channel_account.scope_id,
            copies__first_in_thread=True,
        )
        .order_by("-at", "-id")
        .distinct()[:SHOWN]
    )
    files: dict[uuid.UUID, list[tuple[uuid.UUID, str, int]]] = {}
    for file in Attachment.objects.filter(message__in=rows).exclude(digest="").order_by("id"):
        files.setdefault(file.message_id, []).append((file.pk, file.file_name, file.size))
    return [
        Said(
            id=m.pk,
            at=m.at,
            ours=m.direction == Message.Direction.OUT,
            text=m.text,
            nonce=m.external_id.rpartition(":")[2] if m.direction == Message.Direction.IN else "",
            files=tuple(files.get(m.pk, ())),
        )
        for m in reversed(rows)
    ]


def file_for(visitor: ChatVisitor, attachment_id: uuid.UUID) -> Attachment | None:
    """A file of the visitor's own thread."""
    wanted = {file for said in said_with(visitor) for file, _, _ in said.files}
    return Attachment.objects.filter(pk=attachment_id).first() if attachment_id in wanted else None


def open_now(hours: str, at: datetime) -> bool:
    """Whether a time lies within hours like "mon-fri 09:00-17:00, sat 10:00-12:00"; True for empty or unreadable ones."""
    parts = [_HOURS.fullmatch(part.strip().lower()) for part in hours.split(",") if part.strip()]
    if not parts or None in parts:
        return True
    clock, today = at.strftime("%H:%M"), at.weekday()
    for part in parts:
        if part is None or part["first"] not in _DAYS or (part["last"] or "mon") not in _DAYS:
            return True
        first = _DAYS.index(part["first"])
        last = _DAYS.index(part["last"] or part["first"])
        days = {(first + step) % 7 for step in range((last - first) % 7 + 1)}
        if today in days and part["begin"] <= clock < part["end"]:
            return True
    return False


def somebody_here(account: ChannelAccount) -> bool:
    """Whether a visitor may expect an answer now: within the hours, and a colleague who sees the channel has Kith open."""
    local = now().astimezone(zoneinfo.ZoneInfo(settings.KITH.time_zone))
    if not open_now(str(account.settings.get("hours", "")), local):
        return False
    return here(users_who_see([account.scope_id]).filter(away=False).values_list("pk", flat=True))


def claimed_address(viewer: Viewer, conversation_id: uuid.UUID) -> str:
    """The e-mail address that a visitor typed last in what the viewer may see of a conversation; "" for none."""
    for extra in (
        Message.objects.filter(
            direction=Message.Direction.IN,
            copies__thread__conversation_id=conversation_id,
            copies__scope_id__in=viewer.scope_ids,
            extra__claims__has_key="email",
        )
        .order_by("-at", "-id")
        .values_list("extra", flat=True)[:1]
    ):
        address = str(extra["claims"]["email"]).strip().lower()
        return address if EMAIL.fullmatch(address) else ""
    return ""


@dataclass(frozen=True, slots=True)
class Visit:
    """The visitor of a conversation: whether a page with our window is open there now, and the address that they typed."""

    is_here: bool
    address: str


def visit_of(viewer: Viewer, conversation_id: uuid.UUID) -> Visit | None:
    """The newest visitor in what the viewer may see of a conversation; None when it is with no visitor of a page."""
    keys = ThreadKey.objects.filter(
        thread__conversation_id=conversation_id,
        thread__scope_id__in=viewer.scope_ids,
        key__startswith="visitor:",
    ).values_list("key", flat=True)
    wanted = [found for key in keys[:20] if (found := as_uuid(key.partition(":")[2])) is not None]
    newest = ChatVisitor.objects.filter(pk__in=wanted).order_by("-last_seen_at").first() if wanted else None
    if newest is None:
        return None
    return Visit(here([newest.pk]), claimed_address(viewer, conversation_id))


def answer_by_mail(
    *,
    viewer: Viewer,
    user: User,
    conversation_id: uuid.UUID,
    account: ChannelAccount,
    text: str,
    subject: str = "",
) -> Compose:
    """A mail to the address that a visitor typed, because a colleague chose so: an identity of its own, linked to nobody.

    The answer stands in the same conversation. Raises VisitorError ("medium", "email").
    """
    manifest = manifest_of(account.network)
    if manifest is None or manifest.medium != "mail":
        raise VisitorError("medium")
    address = claimed_address(viewer, conversation_id)
    if not address:
        raise VisitorError("email")
    observed = ObservedIdentity(account.network, address, handle=address)
    identity = identities_observe([observed])[observed.key]
    return Compose(
        user=user,
        account=account,
        text=text,
        recipients=((identity.id, "to"),),
        conversation_id=conversation_id,
        subject=subject,
    )
