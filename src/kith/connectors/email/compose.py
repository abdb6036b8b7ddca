"""An `Outgoing` to the bytes of a mail. No value can start a line of its own: every header is made of one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import encoders, policy
from email.charset import QP, Charset
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import format_datetime

from kith.connectors.contract import Media, Outgoing, Refused
from kith.connectors.email.parse import OWN_PREFIX
from kith.connectors.email.parse.addresses import normalise
from kith.connectors.email.parse.body import safe_name
from kith.connectors.email.parse.text import clean, one_line
from kith.connectors.words import say

MAX_REFERENCES = 20
_KEY = re.compile(r"[^A-Za-z0-9_.-]+")
_ATOM = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+\Z")
_ID = re.compile(r"[^\s<>\"(),;:\\@\x00-\x1f\x7f]+@[^\s<>\"(),;\\@\x00-\x1f\x7f]+\Z")

_TEXT = Charset("utf-8")
_TEXT.body_encoding = QP
_TEXT.header_encoding = QP


@dataclass(frozen=True, slots=True)
class Mail:
    """`recipients` is the envelope, blind copies included, that no header shows."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    body: bytes = field(repr=False)
    utf8: bool = False  # an address needs SMTPUTF8


def own_message_id(idempotency_key: str, address: str) -> str:
    """Ours for a key, without brackets: the same at every try."""
    key = _KEY.sub("-", idempotency_key)[:120] or "none"
    return f"{OWN_PREFIX}{key}@{address.rpartition('@')[2]}"


def compose(outgoing: Outgoing, address: str, now: datetime, default_name: str = "") -> Mail:
    """The mail; raises Refused when a recipient is no address or there is none."""
    message_id = own_message_id(outgoing.idempotency_key, address)
    root = _body(outgoing)
    recipients: dict[str, None] = {}
    shown: dict[str, list[str]] = {"To": [], "Cc": [], "Reply-To": []}
    for party in outgoing.to:
        target = normalise(party.external_id)
        if not target:
            raise Refused(
                say(
                    "{value} is not an e-mail address.", value=repr(one_line(clean(party.external_id))[:100])
                ),
                field="to",
            )
        header = {"cc": "Cc", "bcc": "", "reply_to": "Reply-To"}.get(party.role, "To")
        if header:
            shown[header].append(_mailbox(party.display_name, target))
        if header != "Reply-To":
            recipients.setdefault(target)
    if not recipients:
        raise Refused(say("Nobody is named to send this to."), field="to")
    headers = [("From", _mailbox(outgoing.from_name or default_name, address))]
    headers += [(name, ",\r\n ".join(values)) for name, values in shown.items() if values]
    if not shown["To"] and not shown["Cc"]:
        headers.append(("To", "undisclosed-recipients:;"))
    headers += [
        ("Subject", encoded(outgoing.subject[:900])),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<{message_id}>"),
    ]
    headers += _threading(outgoing)
    if outgoing.automatic:
        headers += [
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
            ("Precedence", "auto_reply"),
        ]
    if outgoing.unsubscribe_url:
        url = outgoing.unsubscribe_url
        if not url.startswith("https://") or re.search(r"[\s<>\x00-\x1f\x7f]", url) or not url.isascii():
            raise Refused(
                say("The address for unsubscribing is not a plain https address."), field="unsubscribe_url"
            )
        headers += [("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
    if language := re.match(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?\Z", outgoing.language):
        headers.append(("Content-Language", language[0]))
    headers.append(("MIME-Version", "1.0"))
    del root["MIME-Version"]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    body = root.as_bytes(policy=policy.compat32.clone(linesep="\r\n", max_line_length=0))
    utf8 = not all(a.isascii() for a in (*recipients, address))
    return Mail(message_id, address, tuple(recipients), lines.encode("utf-8") + body, utf8)


def encoded(text: str) -> str:
    """A header's text on one logical line, in encoded words where ASCII does not do."""
    text = " ".join(clean(text).split())
    if text.isascii() and "=?" not in text and len(text) < 200:
        return text
    return Header(text, _TEXT, maxlinelen=70, continuation_ws=" ").encode(linesep="\r\n")


def _mailbox(name: str, address: str) -> str:
    name = (
        one_line(clean(name.replace("\r", " ").replace("\n", " ")))[:200]
        .replace('"', "")
        .replace("\\", "")
        .strip()
    )
    if not name:
        return address if address[:1] != '"' else f"<{address}>"
    if not name.isascii() or "=?" in name:
        return f"{encoded(name)} <{address}>"
    return f"{name} <{address}>" if _ATOM.match(name) else f'"{name}" <{address}>'


def _threading(outgoing: Outgoing) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if _ID.match(outgoing.in_reply_to) and outgoing.in_reply_to.isascii():
        found.append(("In-Reply-To", f"<{outgoing.in_reply_to}>"))
    given = dict.fromkeys([*outgoing.references, outgoing.in_reply_to])
    known = [f"<{one}>" for one in given if _ID.match(one) and one.isascii()]
    if len(known) > MAX_REFERENCES:
        known = [known[0], *known[-MAX_REFERENCES + 1 :]]
    if known:
        found.append(("References", "\r\n ".join(known)))
    return found


def _text_part(text: str, kind: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", kind, charset="utf-8")
    part.set_payload(clean(text.replace("\r\n", "\n")).replace("\r", "\n"), _TEXT)
    return part


def _body(outgoing: Outgoing) -> MIMEBase:
    content: MIMEBase = _text_part(outgoing.text, "plain")
    inline = [item for item in outgoing.media if item.inline and item.content_id and outgoing.html]
    if outgoing.html:
        html: MIMEBase = _text_part(outgoing.html, "html")
        if inline:
            related = MIMEMultipart("related")
            related.attach(html)
            for item in inline:
                related.attach(_file(item))
            html = related
        alternative = MIMEMultipart("alternative")
        alternative.attach(content)
        alternative.attach(html)
        content = alternative
    files: Sequence[Media] = [item for item in outgoing.media if item not in inline]
    if not files:
        return content
    mixed = MIMEMultipart("mixed")
    mixed.attach(content)
    for item in files:
        mixed.attach(_file(item))
    return mixed


def _file(item: Media) -> MIMEBase:
    kind = item.content_type if re.match(r"[\w.+-]{1,60}/[\w.+-]{1,80}\Z", item.content_type, re.A) else ""
    main, _, sub = (kind or "application/octet-stream").partition("/")
    if main in ("multipart", "message"):
        main, sub = (
            "application",
            "octet-stream",
        )  # a mail as a file: encoded whole, opened by its name's ending
    content = item.content
    if content is None:
        if not item.path:
            raise Refused(
                say("The file {file_name} has no content.", file_name=repr(item.file_name)), field="media"
            )
        with open(item.path, "rb") as file:
            content = file.read()
    part = MIMEBase(main, sub)
    part.set_payload(content)
    encoders.encode_base64(part)
    name = one_line(clean(safe_name(item.file_name))) or "file"
    encoded_name: tuple[str, str, str] | str = name if name.isascii() else ("utf-8", "", name)
    part.add_header("Content-Disposition", "inline" if item.inline else "attachment", filename=encoded_name)
    if item.content_id:
        part["Content-ID"] = "<" + re.sub(r"[^\w.@+-]", "", item.content_id, flags=re.A)[:200] + ">"
    return part
