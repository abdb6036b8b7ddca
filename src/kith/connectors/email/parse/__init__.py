"""One mail's bytes to one `MessageReceived`. Never raises, linear in the size of the mail."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import mktime_tz, parsedate_tz
from typing import Any

from kith.connectors.contract import MessageReceived, Party, Role, Verified
from kith.connectors.email.parse.addresses import Address, normalise, parse_addresses
from kith.connectors.email.parse.authentication import authentication, verified
from kith.connectors.email.parse.automatic import Automatic, kind_of, list_id
from kith.connectors.email.parse.body import Body, raw_text, read_body
from kith.connectors.email.parse.bounces import Bounce, message_id, read_bounce
from kith.connectors.email.parse.folding import Folds, fold
from kith.connectors.email.parse.html import links
from kith.connectors.email.parse.mime import Part, parse_message
from kith.connectors.email.parse.notifications import mention, urls_in
from kith.connectors.email.parse.subjects import is_forward, is_reply, subject_key
from kith.connectors.email.parse.text import decode_bytes

__all__ = ["MAX_PARTIES", "OWN_PREFIX", "Context", "parse_mail", "subject_key"]

MAX_PARTIES = 500
MAX_REFERENCES = 60
OWN_PREFIX = "kith."

_ROLES: tuple[tuple[str, Role], ...] = (
    ("from", "from"), ("sender", "sender"), ("reply-to", "reply_to"), ("to", "to"), ("cc", "cc"), ("bcc", "bcc"),
)  # fmt: skip
_IDS = re.compile(rb"<([^<>]{3,900})>")
_BARE_IDS = re.compile(rb"[^\s<>,;\"()]{1,250}@[^\s<>,;\"()]{1,250}")
_DATE = re.compile(
    rb"\s*(?:[A-Za-z]{3},?\s+)?(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{4})\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s+(?:([+-])(\d\d)(\d\d)|GMT|UTC?|Z)"
)
_MONTHS = {m: i + 1 for i, m in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split())}
_OLDEST = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """What the mailbox knows and the mail does not say.

    `own` are our addresses (normalised), `authserv_id` names the server whose Authentication-Results are believed,
    `received_at` is when the mailbox got it.
    """

    own: frozenset[str] = frozenset()
    authserv_id: str = ""
    is_sent_folder: bool = False
    is_junk_folder: bool = False
    received_at: datetime | None = None
    cut: bool = False  # only the beginning of the mail is here
    dropbox: str = ""  # mail that a colleague sends to this address is filed as ours
    colleagues: frozenset[str] = frozenset()
    extra: Mapping[str, Any] = field(default_factory=dict)


def parse_mail(raw: bytes, context: Context = Context()) -> MessageReceived:
    """The message. What can't be read has `unreadable` set and, as its text, what could be saved."""
    try:
        return _parse(raw, context)
    except Exception as error:  # noqa: BLE001 - law 2: whatever came must become visible
        return MessageReceived(
            external_id=_digest(raw),
            at=context.received_at or datetime.now(UTC),
            parties=(),
            text=raw_text(raw),
            own_thread_key="mid:" + _digest(raw),
            unreadable=f"This mail could not be read ({type(error).__name__}); here is its source.",
            extra={"subject_key": ""},
        )


def _digest(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _parse(raw: bytes, context: Context) -> MessageReceived:
    root = parse_message(raw)
    names = frozenset(name for name, _ in root.headers)
    external_id = message_id(root.raw("message-id")) or _digest(raw)
    subject = root.text("subject")[:2000]
    body = read_body(root)
    senders, lists, total = _people(root)
    sender = senders[0].address if senders else ""
    results, domain = authentication(root, context.authserv_id)
    proof = verified(results, domain, senders, sum(1 for name, _ in root.headers if name == "from"))
    bounce = _bounce(root, names, subject, body)
    delivered = _delivered_to(root, names)
    context = _dropped(context, sender, proof, delivered)
    automatic = _automatic(root, names, sender, subject, bounce)
    outgoing, unproven = _outgoing(sender, context, proof, results)
    forwarded = is_forward(subject)
    folds = fold(body.text, body.quote_hint, forwarded=forwarded) if not bounce else Folds()
    network, url = ("", "")
    if sender and proof != "failed" and not outgoing:
        network, url = mention(sender, subject, lambda: links(body.html) or urls_in(body.text))
        if network and automatic != "bounce":
            automatic = "notification"
    parties = _parties(lists, context.own, proof, bool(automatic), delivered)
    in_reply_to, thread_keys = _thread(root, names, external_id)
    extra: dict[str, Any] = {"subject_key": subject_key(subject), **context.extra}
    extra["content_hash"] = _content_hash(sender, subject, root.raw("date"), body)
    if total > len(parties):
        extra["parties_total"] = total
    if delivered:
        extra["delivered_to"] = delivered
    if forwarded:
        extra["forwarded"] = True
    elif is_reply(subject):
        extra["is_reply"] = True
    if unproven:
        extra["own_address_unproven"] = True
    if body.cut or context.cut:
        extra["cut"] = True
    if body.media_total > len(body.media):
        extra["media_total"] = body.media_total
    if bounce is not None:
        extra["report"] = bounce.kind
        if bounce.status:
            extra["status"] = bounce.status
        if bounce.kind != "failed" and bounce.addresses:
            extra["report_addresses"] = list(bounce.addresses)
            extra["report_of"] = bounce.message_id
    if body.defect:
        extra["defect"] = body.defect
    failed = bounce is not None and bounce.kind == "failed"
    return MessageReceived(
        external_id=external_id,
        at=_date(root, context.received_at),
        parties=parties,
        text=body.text,
        thread_keys=thread_keys,
        own_thread_key="mid:" + external_id,
        in_reply_to=in_reply_to,
        subject=subject,
        html=body.html,
        language=_language(root, names),
        media=tuple(body.media),
        outgoing=outgoing,
        automatic=automatic,
        spam=context.is_junk_folder or _is_spam(root, names),
        bounced=bounce.addresses if bounce and failed else (),
        bounce_of=bounce.message_id if bounce and failed else "",
        quote_at=folds.quote_at,
        signature_at=folds.signature_at,
        url=url,
        authentication=results,
        unreadable=_unreadable(root, body, subject),
        list_id=list_id(root) if "list-id" in names else "",
        mention_network=network,
        extra=extra,
    )


def _unreadable(root: Part, body: Body, subject: str) -> str:
    if body.text.strip() or body.html.strip() or body.media:
        return "" if root.headers else "This mail has no headers."
    if body.defect:
        return f"Nothing in this mail could be read: {body.defect}."
    return "" if subject else "This mail is empty."


def _people(root: Part) -> tuple[list[Address], list[tuple[Role, Address]], int]:
    senders: list[Address] = []
    lists: list[tuple[Role, Address]] = []
    total = 0
    room = {"from": 20, "sender": 5, "reply_to": 20}
    for header, role in _ROLES:
        for value in root.all_raw(header)[:50]:
            found, count = parse_addresses(value, MAX_PARTIES)
            total += count
            lists.extend((role, address) for address in found[: room.get(role, MAX_PARTIES)])
            if role == "from":
                senders.extend(found[:20])
    if not senders:
        for header in ("sender", "reply-to", "return-path"):
            found, _ = parse_addresses(root.raw(header), 1)
            if found and found[0].valid:
                senders = [Address(found[0].address, found[0].name, found[0].written, exact=False)]
                lists.insert(0, ("from", senders[0]))
                total += 1
                break
    return senders, lists, total


def _parties(
    lists: list[tuple[Role, Address]],
    own: frozenset[str],
    proof: Verified,
    automated: bool,
    delivered: list[str],
) -> tuple[Party, ...]:
    out: list[Party] = []
    seen: set[tuple[str, str]] = set()
    for role, address in lists:
        key = (role, address.address)
        if key in seen or not address.address:
            continue
        seen.add(key)
        sends = role == "from"
        out.append(
            Party(
                external_id=address.address,
                handle=address.written[:320] or address.address,
                display_name=address.name,
                role=role,
                verified=proof if sends else "none",
                is_us=address.address in own,
                automated=automated and sends,
                flags=() if address.valid else ("invalid",),
            )
        )
        if len(out) >= MAX_PARTIES:
            break
    named = {party.external_id for party in out}
    for address_text in delivered:
        if address_text in own and address_text not in named:
            # We got it and stand on no list: a blind copy to us.
            out.append(Party(external_id=address_text, handle=address_text, role="bcc", is_us=True))
            break
    return tuple(out)


def _delivered_to(root: Part, names: frozenset[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to"):
        if name in names:
            for value in root.all_raw(name)[:10]:
                address = normalise(decode_bytes(value[:400], "").strip().strip("<>"))
                if address:
                    found.setdefault(address)
    return list(found)


def _dropped(context: Context, sender: str, proof: Verified, delivered: Sequence[str]) -> Context:
    """With a colleague's own address among ours, for a mail that they sent to somebody and, blind, to the drop-box.

    Only if it is proven that it was them: anybody may know the address of the drop-box.
    """
    if context.dropbox not in delivered or sender not in context.colleagues or proof != "dmarc":
        return context
    return replace(context, own=context.own | {sender})


def _outgoing(
    sender: str, context: Context, proof: Verified, results: Mapping[str, str]
) -> tuple[bool, bool]:
    """(whether we sent it, whether it claims so without proof): anybody can write our address as the sender."""
    if sender not in context.own:
        return False, False
    if context.is_sent_folder or proof == "dmarc":
        return True, False
    if proof == "failed" or results:
        return False, True
    return True, False


def _bounce(root: Part, names: frozenset[str], subject: str, body: Body) -> Bounce | None:
    return read_bounce(root, decode_bytes(root.raw("from")[:600], ""), subject, body.text)


def _automatic(
    root: Part, names: frozenset[str], sender: str, subject: str, bounce: Bounce | None
) -> Automatic:
    if bounce is not None:
        return "bounce" if bounce.kind == "failed" else "notification"
    return kind_of(root, names, sender, subject)


def _thread(root: Part, names: frozenset[str], external_id: str) -> tuple[str, tuple[str, ...]]:
    replied = _ids(root.raw("in-reply-to")) if "in-reply-to" in names else []
    references = _ids(root.raw("references")) if "references" in names else []
    ordered = replied[:3] + references[::-1]
    if len(ordered) > MAX_REFERENCES:
        ordered = ordered[: MAX_REFERENCES - 5] + ordered[-5:]  # the newest, and where it began
    ours = [one for one in ordered if one.startswith(OWN_PREFIX)]
    keys = dict.fromkeys("mid:" + one for one in [*ours, *ordered] if one != external_id)
    if "thread-index" in names:
        index = decode_bytes(root.raw("thread-index")[:400], "").strip()
        if len(index) >= 30 and index.isascii():
            keys.setdefault("tix:" + index[:28])
    in_reply_to = replied[0] if replied else references[-1] if references else ""
    return in_reply_to, tuple(keys)


def _ids(value: bytes) -> list[str]:
    value = value[:200_000]
    found = _IDS.findall(value) if b"<" in value else _BARE_IDS.findall(value)
    return [
        text for text in ("".join(decode_bytes(one, "").split()) for one in found) if 3 <= len(text) <= 500
    ]


def _date(root: Part, received: datetime | None) -> datetime:
    said = _parse_date(root.raw("date"))
    if received is None:
        for value in root.all_raw("received")[:3]:
            received = _parse_date(value.rpartition(b";")[2])
            if received is not None:
                break
    if said is None or said < _OLDEST:
        return received or said or datetime.now(UTC)
    if received is not None and said > received + timedelta(days=1):
        return received  # a clock that runs ahead must not keep a mail on top for years
    return said


def _parse_date(value: bytes) -> datetime | None:
    if not value:
        return None
    found = _DATE.match(value)
    try:
        if found and (month := _MONTHS.get(found[2].lower())):
            offset = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0))
            if offset < timedelta(hours=24):
                zone = timezone(-offset if found[7] == b"-" else offset)
                return datetime(
                    int(found[3]),
                    month,
                    int(found[1]),
                    int(found[4]),
                    int(found[5]),
                    min(59, int(found[6] or 0)),
                    tzinfo=zone,
                ).astimezone(UTC)
        parsed = parsedate_tz(value[:200].decode("ascii", "replace"))
        return None if parsed is None else datetime.fromtimestamp(mktime_tz(parsed), UTC)
    except (ValueError, OverflowError, TypeError, IndexError, OSError, AttributeError):
        return None


def _language(root: Part, names: frozenset[str]) -> str:
    if "content-language" not in names:
        return ""
    said = decode_bytes(root.raw("content-language")[:100], "").split(",")[0].strip().lower()
    return said[:2] if re.match(r"[a-z]{2}(?:-|$)", said) else ""


def _is_spam(root: Part, names: frozenset[str]) -> bool:
    if "x-spam-flag" in names and root.raw("x-spam-flag")[:3].lower() == b"yes":
        return True
    return "x-spam-status" in names and root.raw("x-spam-status")[:3].lower() == b"yes"


def _content_hash(sender: str, subject: str, date: bytes, body: Body) -> str:
    """The same for every copy of a message, whichever servers it went through."""
    digest = hashlib.sha256()
    for piece in (sender, subject, decode_bytes(date[:200], ""), " ".join(body.text.split())):
        digest.update(piece.encode("utf-8", "replace") + b"\0")
    for item in body.media:
        digest.update(hashlib.sha256(item.content or b"").digest())
    return digest.hexdigest()
