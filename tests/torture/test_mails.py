"""Corpora and bombs by the real way in: each is a visible message, within its time, and the next good mail arrives."""

from __future__ import annotations

import email
import email.errors
import email.header
import email.message
import email.policy
import email.utils
import json
import re
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.db import connection

from kith.channels.models import RawItem
from kith.channels.parser import Parser
from kith.channels.receive import accounts_waiting, raw_items_parse, raw_items_store
from kith.connectors import child
from kith.connectors.contract import RawItem as WireItem
from kith.conversations.models import ConversationScope, Message, MessageCopy
from kith.networks.models import ChannelAccount
from tests.connectors.email.test_bombs import BOMBS
from tests.connectors.email.test_corpora import spam_assassin
from tests.support import house
from tests.support.shared import shared_data
from tests.support.telling import Tell

pytestmark = [pytest.mark.torture, pytest.mark.django_db]

NO_HEADERS = "This mail has no headers."
EMPTY = "This mail is empty."
FAILS = "(the standard library raises an error)"
GOOD = b"From: Ada <ada@out.example>\r\nTo: info@us.example\r\nSubject: Good\r\nMessage-ID: <good-%d@out.example>\r\n\r\nGood %d\r\n"


# Where the standard library is wrong, or what a mail has is no text of its own: an attached message, a file, a picture.
_OBSOLETE = "The obsolete syntax allow spaces before the colon and also empty lines in folding."
KNOWN: dict[str, dict[str, str]] = {
    "cpython-test_email/msg_11.txt": {"attached": "1"},
    "cpython-test_email/msg_18.txt": {"unreadable": EMPTY},
    "cpython-test_email/msg_28.txt": {"attached": "2"},
    "cpython-test_email/msg_30.txt": {"attached": "2"},
    "cpython-test_email/msg_37.txt": {"attached": "3"},
    "cpython-test_email/msg_46.txt": {"attached": "1"},
    "mimetools-testmsgs/2002_06_12_doublebound_decoded_1_2.txt": {"unreadable": EMPTY},
    "mimetools-testmsgs/bluedot-postcard_decoded_1_2_1.txt": {"unreadable": EMPTY},
    "mimetools-testmsgs/frag.msg": {"attached": "1"},
    "mimetools-testmsgs/frag.out": {"attached": "1"},
    "mimetools-testmsgs/frag_decoded_1_1.txt": {"unreadable": EMPTY},
    "mimetools-testmsgs/infinite_decoded_1.txt": {
        "subject": "[cacomp-l] =??Q?Re=3A_=5Bcacomp-l=5D_E_n=3A_Bras=EDlia_cobre?="
    },
    "mimetools-testmsgs/multi-2gifs-base64.msg": {"attached": "1"},
    "mimetools-testmsgs/multi-2gifs-base64.out": {"attached": "1"},
    "mimetools-testmsgs/re-fwd.msg": {"attached": "1"},
    "testmsgs/bad-newlines-multiple-parts-base64.msg": {"attached": "1"},
    "testmsgs/bad-newlines-multiple-parts-base64.out": {"attached": "1"},
    "testmsgs/base64encoded-rfc822message-nested.msg": {"attached": "1"},
    "testmsgs/base64encoded-rfc822message-nested.out": {"attached": "1"},
    "testmsgs/base64encoded-rfc822message.msg": {"attached": "1"},
    "testmsgs/base64encoded-rfc822message.out": {"attached": "1"},
    "testmsgs/ending-boundaries.msg": {"unreadable": EMPTY},
    "testmsgs/missing-boundary.out": {"unreadable": EMPTY},
    "testmsgs/multipartemptypart.msg": {"unreadable": EMPTY},
    "testmsgs/multipartemptypart.out": {"unreadable": EMPTY},
    "testmsgs/multipartnestedemptyparts_decoded_1_1.txt": {"unreadable": EMPTY},
    "testmsgs/multipartnestedemptypartsnorfc822.msg": {"unreadable": EMPTY},
    "testmsgs/multipartnestedemptypartsnorfc822.out": {"unreadable": EMPTY},
    "testmsgs/multipartnopart.msg": {"unreadable": EMPTY},
    "testmsgs/obsolete.msg": {"subject": _OBSOLETE, "headers": "yes", "line": "body"},
    "testmsgs/obsolete.out": {"subject": _OBSOLETE, "headers": "yes", "line": "body"},
    "bsd/arf-22.eml": {"attached": "1"},
    "bsd/arf-23.eml": {"attached": "1"},
    "bsd/arf-24.eml": {"attached": "1"},
    "bsd/lhost-kddi-01.eml": {"subject": "メールエラー通知"},
    "bsd/lhost-mcafee-05.eml": {"attached": "3"},
    "malformed/000.eml": {"unreadable": EMPTY},
    "malformed/004.eml": {"unreadable": EMPTY},
    "malformed/005.eml": {"unreadable": "Nothing in this mail could be read: no boundary."},
    "malformed/007.eml": {"unreadable": EMPTY},
    "malformed/010.eml": {"attached": "1"},
    "malformed/012.eml": {"attached": "3"},
    "malformed/019.eml": {
        "subject": "Sprint 3 multipart fixture",
        "headers": "yes",
        "line": "Plaintextbodyofthemultipartfixture.",
    },
    "thirdparty/007.eml": {"attached": "3"},
    "thirdparty/011.eml": {"attached": "1"},
    "P/unicode_msg": {"sender": "сергей обухов"},
}


@dataclass(frozen=True)
class Expected:
    """`line`: one of the first text's lines, without its spaces."""

    has_headers: bool
    subject: str
    sender: str
    has_text: bool
    line: str


Differences = Callable[[str, Expected, Message], list[str]]


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as made:
        yield made


def receive(account: ChannelAccount, parser: Parser, *bodies: bytes, first: int = 0) -> None:
    found = [
        WireItem(
            f"INBOX:1:{n}",
            body,
            at=datetime(2026, 11, 3, tzinfo=UTC),
            meta={"folder": "INBOX", "uid": str(n)},
        )
        for n, body in enumerate(bodies, start=first)
    ]
    raw_items_store(account, found)
    while raw_items_parse(account.pk, parser):
        continue


def visible(raw: RawItem) -> bool:
    """Whether a person finds it: as a message, in a conversation with a row in the inbox."""
    messages = Message.objects.filter(raw_id=raw.pk) | Message.objects.filter(
        external_id=f"unreadable:{raw.digest}"
    )
    return ConversationScope.objects.filter(
        conversation__threads__copies__message__in=messages.values("id")
    ).exists()


def test_the_limits_are_those_that_are_promised() -> None:
    assert (child.CPU_SECONDS, child.MEMORY_BYTES) == (5.0, 512 * 1024 * 1024)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_message_and_the_next_mail_arrives(name: str, parser: Parser) -> None:
    account = house.mailbox()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    receive(account, parser, BOMBS[name](), GOOD % (1, 1))
    bomb, good = RawItem.objects.order_by("id")
    assert visible(bomb)
    assert bomb.state == "done", bomb.error
    assert good.state == "done"
    assert Message.objects.filter(subject="Good", text__startswith="Good 1").exists()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < child.CPU_SECONDS + 1


def what_a_reader_expects(raw: bytes) -> Expected:
    """Read by the standard library, which knows nothing of ours."""
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    subject, sender = mail.get("subject", ""), mail.get("from", "")
    parts = [p for p in mail.walk() if p.get_content_maintype() == "text" and not p.is_multipart()]
    shown = [p for p in parts if not p.get_filename()]
    plain = next((p for p in shown if p.get_content_type() == "text/plain"), None)
    lines = (_decoded(plain) if plain else "").splitlines()
    return Expected(
        has_headers=bool(mail.keys()),
        subject=_subject(subject),
        sender=email.utils.parseaddr(str(sender))[1].casefold(),
        has_text=any(_decoded(part).strip() for part in shown),
        line=_squeezed(next((x for x in lines if x.isascii() and len(re.findall("[A-Za-z]", x)) > 10), "")),
    )


def _subject(value: str) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except (UnicodeError, LookupError, email.errors.HeaderParseError):
        return FAILS


def _decoded(part: email.message.Message) -> str:
    body = part.get_payload(decode=True)
    text = body.decode("latin-1") if isinstance(body, bytes) else ""
    return "" if "\x1b$" in text else text.replace("\0", "")  # Japanese by escapes is no Latin


def _squeezed(text: str) -> str:
    return "".join(text.split())


def test_every_mail_of_the_corpora_is_a_message(
    full: bool, parser: Parser, tell: Tell, figures: Callable[[dict[str, object]], None]
) -> None:
    """One visible message each, with the sender, the subject and the words that the standard library finds in it, or, by
    name, what is better than that."""
    folder = shared_data("mail")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.read_bytes(): str(path.relative_to(folder)) for path in reversed(files)}
    wanted = dict(list(named.items())[:: 1 if full else 8])
    figures(_read_all(wanted, parser, tell, _differences))


def test_every_mail_of_spam_assassin_is_a_message(
    full: bool, parser: Parser, tell: Tell, figures: Callable[[dict[str, object]], None]
) -> None:
    """As above; where mails break the rules by bare bytes of unnamed charsets, anything readable will do."""
    named = {path.read_bytes(): path.name for path in reversed(spam_assassin())}
    wanted = dict(list(named.items())[:: 1 if full else 40])
    figures(_read_all(wanted, parser, tell, _rough_differences))


def _read_all(
    named: dict[bytes, str], parser: Parser, tell: Tell, differences: Differences
) -> dict[str, object]:
    account, bodies = house.mailbox(), list(named)
    begun = time.monotonic()
    for begin in range(0, len(bodies), 200):
        receive(account, parser, *bodies[begin : begin + 200], first=begin)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as autovacuum does where this is no single transaction
        tell(f"{min(begin + 200, len(bodies))} of {len(bodies)} mails read")
    receive(account, parser, GOOD % (2, 2), first=len(bodies))
    assert accounts_waiting() == []
    aside = dict(RawItem.objects.exclude(state="done").values_list("external_id", "error"))
    assert aside == {}, "each could be read"
    counted = {"mails": len(bodies), "set aside": len(aside), "seconds": round(time.monotonic() - begun)}

    copies = list(MessageCopy.objects.select_related("message__sender"))
    assert sorted(int(c.uid) for c in copies) == list(range(len(bodies) + 1)), "each is a message, once"
    in_inbox = set(
        ConversationScope.objects.values_list("conversation__threads__copies__message_id", flat=True)
    )
    wrong: dict[str, list[str]] = {}
    for copy in copies:
        if int(copy.uid) == len(bodies):
            assert copy.message.text.startswith("Good 2"), "and the next one arrives"
            continue
        body = bodies[int(copy.uid)]
        found = differences(named[body], what_a_reader_expects(body), copy.message)
        if copy.message_id not in in_inbox:
            found.append("no person finds it")
        if found:
            wrong[named[body]] = found
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)
    return dict(counted)


def _rough_differences(name: str, expected: Expected, message: Message) -> list[str]:
    found = []
    subject, sender = expected.subject, expected.sender
    if subject.isascii() and subject != FAILS and _squeezed(message.subject) != _squeezed(subject):
        found.append(f"subject {message.subject!r}, not {subject!r}")
    ours = message.sender.external_id.casefold() if message.sender else ""
    if sender.isascii() and sender and "=?" not in sender and ours != sender:
        found.append(f"sender {ours!r}, not {sender!r}")
    if message.unreadable:
        found.append(f"unreadable: {message.unreadable}")
    if expected.has_text and not (message.text.strip() or message.html or message.attachments.exists()):
        found.append("nothing to read")
    return found


def _differences(name: str, expected: Expected, message: Message) -> list[str]:
    known = KNOWN.get("/".join(name.split("/")[-2:]), {})
    subject, sender = known.get("subject", expected.subject), known.get("sender", expected.sender)
    text = _squeezed(message.text)
    found = []
    if _squeezed(message.subject) != _squeezed(subject):
        found.append(f"subject {message.subject!r}, not {subject!r}")
    if (message.sender.external_id.casefold() if message.sender else "") != sender:
        found.append(f"sender {message.sender}, not {sender!r}")
    if message.unreadable != known.get(
        "unreadable", "" if expected.has_headers or "headers" in known else NO_HEADERS
    ):
        found.append(f"unreadable {message.unreadable!r}")
    if "attached" in known:
        if message.attachments.count() != int(known["attached"]) or text:
            found.append(f"{message.attachments.count()} attachments, text {text[:40]!r}")
    elif "unreadable" not in known:
        if expected.has_text and not text:
            found.append("no text")
        if known.get("line", expected.line) not in text:
            found.append(f"no line {expected.line[:60]!r}")
    return found
