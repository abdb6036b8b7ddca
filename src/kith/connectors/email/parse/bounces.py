"""Bounces: recognised by their form (RFC 3464) or, where the server knows none, by how they sound."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kith.connectors.email.parse.addresses import normalise
from kith.connectors.email.parse.mime import Part, parse_message, split_headers
from kith.connectors.email.parse.text import decode_bytes

SCAN = 60_000
MAX_BOUNCED = 100

_DAEMON = re.compile(
    r"(?:mailer[-_ ]?daemon|mail[-_ ]?daemon|post[-_ ]?master|postmaster|mail delivery (?:sub)?system|"
    r"mail(?:er)?[-_.](?:administrator|admin)|mail delivery|delivery[-_ ]?(?:system|agent)|double-?bounce|mmdf|"
    r"auto-?responder-?bounce|notification[-_+.].*bounce|mailsweeper|fml[-_.]?admin|no-?reply@.*\.(?:bounce|mailer))",
    re.I,
)
# One of these stands in whatever the pattern above finds in ASCII.
_DAEMON_WORDS = ("daemon", "master", "deliver", "admin", "bounce", "mmdf", "sweeper", "fml", "mailer")
_SUBJECT = re.compile(
    r"undeliver(?:able|ed)|(?:delivery|mail|message|email).{0,40}(?:fail|unsuccess|not delivered|could ?n.t be delivered|error)|"
    r"fail(?:ed|ure)\b.{0,30}(?:deliver|notice|mail|send)|returned mail|mail system error|return(?:ed)? to sender|"
    r"non[- ]?(?:remis|recapit|entreg|deliver)|unzustellbar|undelivered|delivery (?:status )?notification|rejected mail|"
    r"user unknown|message (?:status|you sent blocked)|warning: could not send|mail not delivered|delivery report|"
    r"could not (?:deliver|be delivered|send)|nachricht nicht zustellbar|échec de|fehlgeschlagen|impossible de (?:livrer|remettre)|"
    r"не доставлен|недоставлен|配信(?:不能|エラー)|送信(?:エラー|できません)|エラーメール|退信|无法(?:投递|送达)|系统退信|投递失败|"
    r"zurückgewiesen|mail could not be|bounced|not delivered|there was an error sending|notification: inbound|"
    r"(?:correo|mensaje) (?:devuelto|no entregado)|unable to deliver|cannot deliver|delivery (?:has )?failed|dsn\b|ndn\b|"
    r"error (?:sending|in processing)|problem delivering|mail failure|deferred|message delayed|delay(?:ed)?\b.{0,20}(?:mail|deliver)|"
    r"(?:mail|message|delivery).{0,20}delay",
    re.I,
)
_COMPLAINT = re.compile(r"complaint about message from \d", re.I)
_NOT_FINAL = re.compile(r"^action\s*:\s*(\S{1,20})", re.I | re.M)
_RECIPIENT = re.compile(
    r"^(?:final-recipient|original-recipient|x-actual-recipient)\s*:\s*(?:rfc822|x-[\w-]+|utf-8|unknown|dns|smtp|lmtp)?\s*;?\s*([^\r\n]{3,400})",
    re.I | re.M,
)
_STATUS = re.compile(r"^status\s*:\s*([245]\.\d{1,3}\.\d{1,3})", re.I | re.M)
_MESSAGE_ID = re.compile(r"^[ \t>]{0,12}message-id\s*:\s*[\r\n]{0,2}[ \t>]*<?([^\s<>]{3,400})>?", re.I | re.M)
_ORIGINAL = re.compile(
    r"^[ \t>]{0,6}(?:-{2,}[^\n]{0,60}(?:copy|original|returned|header|unsent|message|below|メッセージ|mail)[^\n]{0,80}"
    r"|(?:received|return-path|dkim-signature|x-mailer|mime-version)\s*:\s*\S[^\n]{4,}"
    r"|[^\n]{0,40}(?:original (?:message|mail|text)|unsent message|message header)s?[^\n]{0,60}:?\s*)$",
    re.I | re.M,
)
_EMAIL = re.compile(r"[A-Za-z0-9_.+=/&'*~!#%{}^?$|-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,24}")
_NEAR_ERROR = re.compile(
    r"\b[45]\d\d\b|\b[45]\.\d\.\d|unknown|unrout|reject|fail|not (?:exist|found|listed|deliver|be)|exceed|full|quota|refus|no such|"
    r"undeliver|unable|invalid|disabled|denied|error|time[- ]?out|timed out|expired|suspend|block|could ?n.t|<[^>]+>:\s*$|宛先|失败|失敗",
    re.I,
)
_FROM_LINE = re.compile(
    r"^(?:from|sender|reply-to|x-[\w-]+|return-path|received|by|message-id|reporting-mta)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Bounce:
    """`kind`: "failed", "delayed" (not final), "delivered" (a receipt) or "complaint" (a spam report)."""

    kind: str
    addresses: tuple[str, ...] = ()
    message_id: str = ""
    status: str = ""


def read_bounce(root: Part, sender: str, subject: str, text: str) -> Bounce | None:
    """What a delivery report says, or None when this is none. `sender` is the From header's text."""
    report = root.parameters.get("report-type", "").lower() if root.content_type == "multipart/report" else ""
    status_part = feedback = original = None
    if root.children:
        for part in root.walk():
            kind = part.content_type
            if kind in ("message/delivery-status", "message/global-delivery-status") and status_part is None:
                status_part = part
            elif kind == "message/feedback-report":
                feedback = part
            elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global",
                          "text/rfc822", "message/global-headers", "message/partial"):  # fmt: skip
                original = original or part
    if feedback is not None or report == "feedback-report" or _COMPLAINT.match(subject):
        return _complaint(feedback, original)
    failed_header = root.raw("x-failed-recipients")
    null_path = root.raw("return-path") == b"<>"
    strong = status_part is not None or report == "delivery-status" or bool(failed_header)
    if report == "disposition-notification":
        return None
    if not strong:
        daemon, returned = _is_daemon(sender[:400]), null_path or original is not None
        failing = (daemon or returned) and bool(_SUBJECT.search(subject[:300]))
        sounds = daemon and (failing or returned or _says_failed(text))
        if not (sounds or (failing and returned and _says_failed(text))) or root.raw("list-unsubscribe"):
            return None
    status_text = "" if status_part is None else decode_bytes(status_part.content()[:SCAN], "")
    if status_part is not None and not status_text.strip() and status_part.children:
        status_text = "\n".join(decode_bytes(p.body[:SCAN], "") for p in status_part.children)
    actions = {word.lower().rstrip(";") for word in _NOT_FINAL.findall(status_text)}
    if actions and not actions & {"failed", "fail", "failure"}:
        kind = (
            "delayed"
            if "delayed" in actions
            else "delivered"
            if actions & {"delivered", "relayed", "expanded"}
            else "failed"
        )
    else:
        kind = "failed"
    addresses = _addresses(status_text, failed_header, text)
    found = _STATUS.search(status_text)
    return Bounce(kind, addresses, _original_id(root, original, text), found[1] if found else "")


def _is_daemon(sender: str) -> bool:
    lower = sender.lower()
    if sender.isascii() and not any(word in lower for word in _DAEMON_WORDS):
        return False
    return bool(_DAEMON.search(sender))


def _says_failed(text: str) -> bool:
    return bool(_NEAR_ERROR.search(text[:8000])) and bool(
        _EMAIL.search(text[:8000]) or _ORIGINAL.search(text[:SCAN])
    )


def _addresses(status_text: str, failed_header: bytes, text: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for block in re.split(r"\r?\n\s*\r?\n", status_text):
        action = _NOT_FINAL.search(block)
        if action and action[1].lower() in ("delivered", "relayed", "expanded"):
            continue
        for value in _RECIPIENT.findall(block):
            _add(found, value)
    if not found and failed_header:
        for value in decode_bytes(failed_header[:20_000], "").split(","):
            _add(found, value)
    if not found:
        for address in _from_text(text):
            _add(found, address)
    return tuple(found)[:MAX_BOUNCED]


def _add(found: dict[str, None], value: str) -> None:
    match = _EMAIL.search(value)
    address = normalise(match[0].lstrip("'/=&?")) if match else ""
    if address and len(found) < MAX_BOUNCED:
        found.setdefault(address)


def _from_text(text: str) -> list[str]:
    """Addresses beside an error, above the copy of the message that came back."""
    text = text[:SCAN]
    cut = _ORIGINAL.search(text, min(40, len(text)))
    said = text[: cut.start()] if cut and _EMAIL.search(text[: cut.start()]) else text[:4000]
    lines = said.split("\n")
    near: list[str] = []
    other: list[str] = []
    for index, line in enumerate(lines[:400]):
        if "@" not in line or _FROM_LINE.match(line.strip()):
            continue
        addresses = [found for found in _EMAIL.findall(line[:1000]) if not _DAEMON.search(found)]
        if not addresses:
            continue
        around = " ".join(lines[max(0, index - 1) : index + 4])
        (near if _NEAR_ERROR.search(around[:3000]) else other).extend(addresses[:5])
    return near[:20] or other[:3]


def _original_id(root: Part, original: Part | None, text: str) -> str:
    if original is not None:
        body = original.content() if original.body else b""
        headers, _ = split_headers(body[:SCAN].lstrip())
        for name, value in headers:
            if name == "message-id":
                return message_id(value)
        if body and (found := _MESSAGE_ID.search(decode_bytes(body[:SCAN], ""))):
            return found[1]
    if found := _MESSAGE_ID.search(text[:SCAN]):
        return found[1]
    for name in ("in-reply-to", "x-original-message-id", "original-message-id"):
        if value := root.raw(name):
            return message_id(value)
    return ""


def message_id(value: bytes) -> str:
    """A Message-ID without its brackets; "" when there is none."""
    text = decode_bytes(value[:2000], "").strip()
    start = text.find("<")
    if start >= 0:
        end = text.find(">", start)
        text = text[start + 1 : end if end > 0 else None]
    text = "".join(text.split())
    return text if len(text) <= 500 else ""


def _complaint(feedback: Part | None, original: Part | None) -> Bounce:
    text = "" if feedback is None else decode_bytes(feedback.content()[:SCAN], "")
    found: dict[str, None] = {}
    for value in re.findall(
        r"^(?:original-rcpt-to|removal-recipient)\s*:\s*([^\r\n]{3,400})", text, re.I | re.M
    ):
        _add(found, value)
    identifier = ""
    if original is not None:
        inner = parse_message(original.content()[:SCAN])
        if not found:
            _add(found, decode_bytes(inner.raw("to")[:400], ""))
        identifier = message_id(inner.raw("message-id"))
    return Bounce("complaint", tuple(found), identifier)
