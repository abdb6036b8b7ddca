"""Answering: to whom, signed by whom, and not twice. What colleagues write goes to the outbox through here."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import getaddresses

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import id_for_time
from kith.base.markup import html_of
from kith.channels.outbox import SIGNED, Compose, OutboxError, SendResult, message_send
from kith.contacts.models import Identity
from kith.contacts.services import identities_observe
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Message
from kith.conversations.services.attention import Conflict, answer_conflict, presence_of
from kith.core import sql
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import User
from kith.teams.types import Viewer

MOST_RECIPIENTS = 100
_ADDRESS = re.compile(r"[^\s@<>\"',;:()\[\]\\]{1,64}@[^\s@<>\"',;:()\[\]\\]{1,250}")


@dataclass(frozen=True, slots=True)
class Clash:
    """Why an answer waits for a second press of the button: somebody was faster, or is at it. `key` confirms it."""

    key: str
    conflict: Conflict | None = None
    typing: tuple[str, ...] = ()


class AnswerClash(Exception):
    """Somebody answered, or is answering, since this answer was begun."""

    def __init__(self, clash: Clash) -> None:
        super().__init__(clash.key)
        self.clash = clash


def answer_clash(
    viewer: Viewer,
    conversation_id: uuid.UUID,
    *,
    began: uuid.UUID | None,
    seen: uuid.UUID | None,
    confirmed: str = "",
) -> Clash | None:
    """What stands in the way of an answer. `began`: the newest message when it was begun; a colleague's answer after it
    counts. `seen`: the newest on the screen now; what the person outside added after it counts. `confirmed` is the key of
    the clash that was shown already.
    """
    found = answer_conflict(viewer, conversation_id, last_seen=began) if began else None
    if found is not None and not found.is_us and seen is not None:
        found = answer_conflict(viewer, conversation_id, last_seen=seen)
    if found is not None and str(found.message_id) != confirmed:
        return Clash(str(found.message_id), conflict=found)
    typing = tuple(p.name for p in presence_of(viewer, conversation_id) if p.typing)
    if typing and not confirmed:
        return Clash("typing", typing=typing)
    return None


def answer_send(
    viewer: Viewer,
    compose: Compose,
    *,
    began: uuid.UUID | None = None,
    seen: uuid.UUID | None = None,
    confirmed: str = "",
    once: str = "",
) -> SendResult | None:
    """Send an answer in a conversation, one colleague at a time. Raises AnswerClash, OutboxError.

    `once` names this press of the button: None when what it asked for was sent already (its answer got lost on the way).
    """
    with transaction.atomic():
        sql.rows(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))", [f"answer:{compose.conversation_id}"]
        )
        if once and _sent_before(viewer, once):
            return None
        if compose.conversation_id is not None:
            clash = answer_clash(viewer, compose.conversation_id, began=began, seen=seen, confirmed=confirmed)
            if clash is not None:
                raise AnswerClash(clash)
        extra = {**compose.extra, "once": once[:64]} if once else compose.extra
        return message_send(signed(replace(compose, extra=extra)))


def _sent_before(viewer: Viewer, once: str) -> bool:
    """Whether one's own answer of this press was written down within the last day."""
    recent = Message.objects.filter(author_id=viewer.user_id, pk__gt=id_for_time(now() - timedelta(days=1)))
    return recent.filter(extra__once=once[:64]).exists()


def signature_of(account: ChannelAccount, user: User | None) -> str:
    """What stands under a mail: the channel's signature, else the colleague's own; "" on what is no mail."""
    manifest = manifest_of(account.network)
    if manifest is None or manifest.medium != "mail":
        return ""
    return (account.signature or (user.signature if user else "")).strip()


def signed(compose: Compose) -> Compose:
    """The message with its signature, and as HTML beside the text where it is formatted and the network takes that."""
    signature = signature_of(compose.account, compose.user)
    manifest = manifest_of(compose.account.network)
    html = compose.html
    if not html and manifest is not None and manifest.limits.supports_html:
        html = html_of(compose.text + (f"{SIGNED}{signature}" if signature else ""))
    return replace(compose, signature=signature, html=html)


def recipients_typed(
    account: ChannelAccount, *, to: str, cc: str = "", bcc: str = ""
) -> tuple[tuple[uuid.UUID, str], ...]:
    """Identities for addresses as a person types them ("Ada <ada@x.example>, bob@x.example"), each in one role.

    Raises OutboxError for what is no address, and when there are more than a hundred.
    """
    wanted: dict[str, tuple[ObservedIdentity, str]] = {}
    for role, text in (("to", to), ("cc", cc), ("bcc", bcc)):
        for name, address in addresses_of(text):
            wanted.setdefault(address, (ObservedIdentity(account.network, address, "", address, name), role))
    if len(wanted) > MOST_RECIPIENTS:
        raise OutboxError(_("At most %(most)s people at once.") % {"most": MOST_RECIPIENTS})
    known = identities_observe(observed for observed, _role in wanted.values())
    return tuple((known[observed.key].id, role) for observed, role in wanted.values())


def recipients_known(
    account: ChannelAccount, *, to: str, cc: str = "", bcc: str = ""
) -> tuple[tuple[tuple[uuid.UUID, str], ...], bool]:
    """Those of the typed addresses that somebody here knows, and whether there are others; makes nobody known.

    What is no address yet (it is being typed) is left out.
    """
    wanted: dict[str, str] = {}
    for role, text in (("to", to), ("cc", cc), ("bcc", bcc)):
        for part in _parts(" ".join(text.replace(";", ",").split()).strip(", ")):
            address = next((a.lower() for _n, a in getaddresses([part]) if a), "")
            if _ADDRESS.fullmatch(address):
                wanted.setdefault(address, role)
    if not wanted:
        return (), False
    known = dict(
        Identity.objects.filter(
            network=account.network, external_id__in=list(wanted)[:MOST_RECIPIENTS]
        ).values_list("external_id", "id")
    )
    return tuple((known[address], role) for address, role in wanted.items() if address in known), len(
        known
    ) < len(wanted)


def addresses_of(text: str) -> list[tuple[str, str]]:
    """(name, address in lower case) of what was typed; raises OutboxError for a part that is none."""
    found = []
    flat = " ".join(text.replace(";", ",").split()).strip(", ")
    for part in _parts(flat):
        pairs = [pair for pair in getaddresses([part]) if pair[1]]
        if len(pairs) != 1 or not _ADDRESS.fullmatch(pairs[0][1]):
            raise OutboxError(_("“%(text)s” is not an address.") % {"text": part[:200]})
        found.append((pairs[0][0][:200], pairs[0][1].lower()))
    return found


def _parts(text: str) -> list[str]:
    """Split at commas, except inside quotes."""
    parts, quoted, start = [], False, 0
    for at, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif sign == "," and not quoted:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]
