"""What a mail means: people, threads, proof, machines, files."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from kith.connectors.contract import MessageReceived
from kith.connectors.email.parse import Context, parse_mail, subject_key
from kith.connectors.email.parse.notifications import rules
from kith.connectors.email.parse.text import codec_for, decode_words

OWN = frozenset({"support@kontor.example", "anna@kontor.example"})


def mail(
    body: str = "Hello", *extra: str, sender: str = "Ben <ben@elsewhere.example>", **headers: str
) -> bytes:
    given = {
        "From": sender, "To": "support@kontor.example", "Subject": "Hi", "Message-ID": "<1@elsewhere.example>",
        "Date": "Mon, 02 Nov 2026 10:00:00 +0100", **{k.replace("_", "-"): v for k, v in headers.items()},
    }  # fmt: skip
    lines = [*extra, *(f"{name}: {value}" for name, value in given.items() if value)]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def parse(raw: bytes, **context: object) -> MessageReceived:
    return parse_mail(raw, Context(**{"own": OWN, **context}))  # type: ignore[arg-type]


def test_people_with_roles_and_names() -> None:
    message = parse(
        mail(
            sender="=?utf-8?q?M=C3=BCller=2C_J=C3=B6rg?= <J.Mueller@M\u00dcLLER.example>",
            To='"Support, Kontor" <Support@Kontor.example>, undisclosed:;',
            Cc="carl@x.example (Carl), Friends: dora@x.example, eve@x.example;",
            Reply_To="answers@x.example",
        )
    )
    assert [(p.role, p.external_id, p.display_name, p.is_us) for p in message.parties] == [
        ("from", "j.mueller@xn--mller-kva.example", "Müller, Jörg", False),
        ("reply_to", "answers@x.example", "", False),
        ("to", "support@kontor.example", "Support, Kontor", True),
        ("cc", "carl@x.example", "Carl", False),
        ("cc", "dora@x.example", "", False),
        ("cc", "eve@x.example", "", False),
    ]


def test_five_hundred_parties_and_how_many_there_were() -> None:
    message = parse(mail(Cc=", ".join(f"p{n}@x.example" for n in range(20_000))))
    assert len(message.parties) == 500
    assert message.extra["parties_total"] == 20_002


def test_thread_keys_ours_first_then_newest_first() -> None:
    message = parse(
        mail(
            References="<a@x> <kith.k1@kontor.example> <b@x>",
            In_Reply_To="<b@x>",
            Thread_Index="AdA" + "b" * 40,
        )
    )
    assert message.thread_keys == ("mid:kith.k1@kontor.example", "mid:b@x", "mid:a@x", "tix:AdA" + "b" * 25)
    assert message.in_reply_to == "b@x"
    assert message.own_thread_key == "mid:1@elsewhere.example"


def test_without_message_id_the_bytes_name_the_message() -> None:
    first, second = parse(mail(Message_ID="")), parse(mail(Message_ID="<  >"))
    assert first.external_id.startswith("sha256:")
    assert second.external_id.startswith("sha256:")
    assert (
        first.external_id
        == parse(mail(Message_ID="")).external_id
        != parse(mail("Other", Message_ID="")).external_id
    )


def test_the_same_id_with_other_content_has_another_hash() -> None:
    same = parse(b"Received: from x by y\r\n" + mail()).extra["content_hash"]
    assert parse(mail()).extra["content_hash"] == same
    assert parse(mail("Else")).extra["content_hash"] != same


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("Re: Two  wheels", "two wheels"), ("AW: WG: Re[2]: Two wheels", "two wheels"), ("[list] SV: Fwd: Two wheels", "two wheels"),
        ("RE : Two wheels", "two wheels"), ("回复：Two wheels", "two wheels"), ("Antw: Vs: Two wheels", "two wheels"),
        ("Re: [EXTERNAL] Two wheels", "two wheels"), ("Re(3): Two wheels", "two wheels"), ("Ответ: Two wheels", "two wheels"),
        ("Re:", "re:"), ("", ""), ("Regarding: x", "regarding: x"), ("Area: x", "area: x"), ("[#1234] Ticket", "[#1234] ticket"),
    ],
)  # fmt: skip
def test_subject_keys(subject: str, key: str) -> None:
    assert subject_key(subject) == key


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: auto-replied", "auto_reply"), ("Auto-Submitted: auto-generated", "notification"), ("Auto-Submitted: no", ""),
        ("X-Autoreply: yes", "auto_reply"), ("Precedence: auto_reply", "auto_reply"), ("Precedence: bulk", "list"),
        ("List-Id: Bikes <bikes.x.example>", "list"), ("List-Unsubscribe: <https://x.example>", "list"),
        ("X-Auto-Response-Suppress: All", ""), ("X-Whatever: 1", ""),
    ],
)  # fmt: skip
def test_machines_by_header(header: str, kind: str) -> None:
    assert parse(mail("Hello", header)).automatic == kind


def test_machines_by_more_than_a_subject() -> None:
    assert parse(mail(Subject="Out of office")).automatic == ""
    assert parse(mail(Subject="Out of office", X_Auto_Response_Suppress="All")).automatic == "auto_reply"
    assert (
        parse(mail(Subject="Abwesenheit: Urlaub", In_Reply_To="<kith.1@kontor.example>")).automatic
        == "auto_reply"
    )
    assert parse(mail(sender="no-reply@shop.example")).automatic == "notification"
    assert parse(mail(sender="noreen@shop.example")).automatic == ""
    message = parse(mail("x", "List-Id: Bikes of the North <Bikes.x.example>"))
    assert message.list_id == "bikes.x.example"


def test_a_delivery_report() -> None:
    raw = mail(
        "--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        "Final-Recipient: rfc822; Gone@Nowhere.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "Final-Recipient: rfc822; fine@nowhere.example\r\nAction: relayed\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <kith.k@kontor.example>\r\n\r\nx\r\n--b--\r\n",
        Content_Type='multipart/report; report-type=delivery-status; boundary="b"',
        sender="MAILER-DAEMON@mx.example",
    )
    message = parse(raw)
    assert message.automatic == "bounce"
    assert message.bounced == ("gone@nowhere.example",)
    assert message.bounce_of == "kith.k@kontor.example"
    assert message.extra["status"] == "5.1.1"
    late = parse(raw.replace(b"Action: failed", b"Action: delayed"))
    assert (late.automatic, late.bounced, late.extra["report"]) == ("notification", (), "delayed")


GOOD = (
    "Authentication-Results: mx.kontor.example; dmarc=pass header.from=elsewhere.example; spf=pass; dkim=pass"
)


def proof(raw: bytes, authserv_id: str = "mx.kontor.example") -> str:
    message = parse(raw, authserv_id=authserv_id)
    return next((p.verified for p in message.parties if p.role == "from"), "none")


def test_proof_by_the_receiving_server() -> None:
    message = parse(mail("x", GOOD), authserv_id="mx.kontor.example")
    assert message.authentication == {"dmarc": "pass", "spf": "pass", "dkim": "pass"}
    assert proof(mail("x", GOOD)) == "dmarc"
    assert proof(mail("x", GOOD), authserv_id="") == "none"
    assert proof(mail("x", GOOD.replace("dmarc=pass", "dmarc=fail"))) == "failed"
    assert proof(mail("x", GOOD.replace("dmarc=pass", "dmarc=none"))) == "none"
    assert (
        proof(
            mail("x", GOOD.replace("header.from=elsewhere.example", "(p=none) header.from=Elsewhere.Example"))
        )
        == "dmarc"
    )


SPOOFS = {
    "a header of another server": mail("x", GOOD.replace("mx.kontor", "mx.evil")),
    "a header below that of our server": mail("x", GOOD.replace("pass", "fail"), GOOD),
    "pass for another domain": mail("x", GOOD.replace("header.from=elsewhere", "header.from=evil")),
    "our domain as a part of another": mail("x", GOOD.replace("header.from=elsewhere.example", "header.from=where.example")),
    "two From headers": mail("x", GOOD, "From: boss@bank.example"),
    "two From headers, one folded": mail("x", GOOD, "From:\r\n boss@bank.example"),
    "a From header with a space": mail("x", GOOD, "From : boss@bank.example"),
    "two addresses in From": mail("x", GOOD, sender="ben@elsewhere.example, boss@bank.example"),
    "an address in the name, unquoted": mail("x", GOOD, sender="boss@bank.example ben@elsewhere.example"),
    "two pairs of brackets": mail("x", GOOD, sender="<boss@bank.example><ben@elsewhere.example>"),
    "a pass in a comment": mail("x", "Authentication-Results: mx.kontor.example; spf=fail (dmarc=pass; dmarc=pass)"),
    "a pass in quotes": mail("x", 'Authentication-Results: mx.kontor.example; spf=fail reason="; dmarc=pass"'),
    "a pass before a fail": mail("x", GOOD + "; dmarc=fail header.from=elsewhere.example"),
    "a pass for each": mail("x", GOOD + "; dmarc=pass header.from=bank.example"),
    "an id that begins like ours": mail("x", GOOD.replace("kontor.example;", "kontor.example.evil.example;")),
    "no From but a Sender": mail("x", GOOD, sender="", Sender="ben@elsewhere.example"),
    "an empty From": mail("x", GOOD, sender="<>", Sender="ben@elsewhere.example"),
    "a NUL in the domain": mail("x", GOOD, sender="ben@elsewhere.example\0.evil.example"),
    "an encoded address": mail("x", GOOD, sender="=?utf-8?q?boss=40bank.example=2C?= <ben@elsewhere.example>, x@y.example"),
    "a route": mail("x", GOOD, sender="<@bank.example,@evil.example:boss@bank.example>"),
    "a lookalike": mail("x", GOOD, sender="ben@elsewhеre.example"),
    "lf only": mail("x", GOOD.replace("Authentication-Results", "X: y\nAuthentication-Results").replace("kontor", "evil")),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOOFS)
def test_spoofs_are_never_proven(name: str) -> None:
    assert proof(SPOOFS[name]) != "dmarc"


def test_a_message_of_ours_from_another_mailer() -> None:
    ours = mail(sender="Anna <ANNA@kontor.example>")
    assert parse(ours, is_sent_folder=True).outgoing
    assert parse(ours).outgoing
    assert not parse(mail()).outgoing
    forged = parse(
        mail("x", GOOD.replace("dmarc=pass", "dmarc=fail"), sender="anna@kontor.example"),
        authserv_id="mx.kontor.example",
    )
    assert not forged.outgoing
    assert forged.extra["own_address_unproven"] is True


def test_a_blind_copy_to_us() -> None:
    message = parse(mail("x", "Delivered-To: support@kontor.example", To="someone@x.example"))
    assert [(p.role, p.is_us) for p in message.parties if p.external_id == "support@kontor.example"] == [
        ("bcc", True)
    ]


def test_dates() -> None:
    at = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert parse(mail()).at == at
    assert parse(mail(Date="2 Nov 2026 09:00 GMT")).at == at
    received = at - timedelta(days=30)
    assert parse(mail(), received_at=received).at == received  # a clock that runs ahead
    assert parse(mail(Date="nonsense"), received_at=received).at == received
    assert parse(mail("x", "Received: from a by b; Mon, 02 Nov 2026 10:00:00 +0100", Date="")).at == at


MENTIONS = [
    (
        "notification@facebookmail.com",
        "Carla commented on your post",
        "https://www.facebook.com/n/?post=1",
        "facebook",
    ),
    (
        "no-reply@mail.instagram.com",
        "carla mentioned you in a comment",
        "https://www.instagram.com/p/abc/",
        "instagram",
    ),
    (
        "notifications-noreply@linkedin.com",
        "Carla mentioned you in a post",
        "https://www.linkedin.com/feed/update/1",
        "linkedin",
    ),
    ("notify@x.com", "Carla (@carla) replied to your post", "https://x.com/carla/status/1", "x"),
    ("noreply@youtube.com", "New comment on your video", "https://www.youtube.com/watch?v=1", "youtube"),
    (
        "business-noreply@google.com",
        "Carla left a review for Kontor",
        "https://business.google.com/reviews/1",
        "google_reviews",
    ),
    (
        "noreply@trustpilot.com",
        "You've got a new 1-star review",
        "https://business.trustpilot.com/reviews/1",
        "trustpilot",
    ),
]


@pytest.mark.parametrize(("sender", "subject", "url", "network"), MENTIONS)
def test_mentions_elsewhere(sender: str, subject: str, url: str, network: str) -> None:
    html = f'<a href="https://evil.example/{network}.com">x</a><a href="{url}&amp;r=2">answer</a><a href="{url}/settings">s</a>'
    message = parse(mail(html, sender=sender, Subject=subject, Content_Type="text/html"))
    assert (message.mention_network, message.automatic) == (network, "notification")
    assert message.url == url + "&r=2"
    plain = parse(mail(f"Go to {url}.", sender=sender, Subject=subject))
    assert plain.url == url
    assert parse(mail(html, sender=sender, Subject="Your invoice for ads")).mention_network == ""
    assert (
        parse(
            mail(html, sender="x@" + sender.partition("@")[2] + ".evil.example", Subject=subject)
        ).mention_network
        == ""
    )


def test_the_rules_are_complete() -> None:
    networks = {rule.network for found in rules().values() for rule in found}
    assert {"facebook", "instagram", "linkedin", "x", "youtube", "google_reviews", "trustpilot"} <= networks
    assert all(domain == domain.lower() and "@" not in domain for domain in rules())


def test_text_html_files_and_inline_images() -> None:
    image = base64.b64encode(b"\x89PNG1").decode()
    body = (
        "--m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
        "--a\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n\r\nHello \r\nworld\r\n--a\r\nContent-Type: text/html\r\n\r\n"
        "<p>Hello world <img src=cid:pic@x></p>\r\n--a\r\nContent-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n--a--\r\n"
        f"--r\r\nContent-Type: image/png\r\nContent-ID: <pic@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n{image}\r\n--r--\r\n"
        "--m\r\nContent-Type: application/ms-tnef\r\n\r\nxyz\r\n"
        "--m\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\r\ninner text\r\n"
        "--m\r\nContent-Type: text/plain\r\nContent-Disposition: attachment;\r\n filename*0*=utf-8''..%2F..%2Fpr%C3%BC;\r\n filename*1=\"fung.txt\"\r\n\r\nfile\r\n"
        "--m\r\nContent-Type: text/plain\r\n\r\nlist footer\r\n--m--\r\n"
    )
    message = parse(mail(body, Content_Type="multipart/mixed; boundary=m", MIME_Version="1.0"))
    assert message.text == "Hello world\n\nlist footer"
    assert message.html == "<p>Hello world <img src=cid:pic@x></p>\n<pre>list footer</pre>"
    assert [(m.file_name, m.content_type, m.inline, m.content_id) for m in message.media] == [
        ("invite.ics", "text/calendar", False, ""),
        ("file-2.png", "image/png", True, "pic@x"),
        ("winmail.dat", "application/ms-tnef", False, ""),
        ("Inner.eml", "message/rfc822", False, ""),
        ("prüfung.txt", "text/plain", False, ""),
    ]
    assert [m.size for m in message.media] == [len(m.content or b"") for m in message.media]


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("gb2312", "自行车".encode("gb18030"), "自行车"), ("ks_c_5601-1987", "자전거".encode("cp949"), "자전거"),
        ("iso-8859-1", b"Gr\xfc\xdfe \x93x\x94", "Grüße “x”"), ("windows-1251", "велосипед".encode("cp1251"), "велосипед"),
        ("x-unknown", "Grüße".encode(), "Grüße"), ("utf-8", "Grüße".encode("latin-1"), "Grüße"), ("", "Grüße".encode("latin-1"), "Grüße"),
        ("iso-2022-jp", "自転車".encode("iso2022_jp"), "自転車"), ("zip", b"abc", "abc"), ("idna", b"abc", "abc"),
    ],
)  # fmt: skip
def test_charsets(charset: str, data: bytes, text: str) -> None:
    head = mail("", Content_Type=f'text/plain; charset="{charset}"', Content_Transfer_Encoding="8bit")
    assert parse(head + data).text == text


def test_encoded_words() -> None:
    snowman = base64.b64encode("Räder ☃".encode()).decode()
    half = base64.b64encode("ä".encode()[:1]).decode(), base64.b64encode("ä".encode()[1:]).decode()
    assert decode_words(f"=?utf-8?B?{snowman}?=".encode()) == "Räder ☃"
    assert decode_words(f"=?utf-8?B?{half[0]}?=\r\n =?utf-8?B?{half[1]}?= x".encode()) == "ä x"
    assert decode_words(b"=?iso-8859-1?q?=E4_b?= and =?utf-8*de?q?=C3=A4?=") == "ä b and ä"
    assert decode_words("Rohe Räder".encode("latin-1")) == "Rohe Räder"
    assert decode_words(b"a =?utf-8?q?x=0AX-Evil:_1?=") == "a x X-Evil: 1"
    assert codec_for("punycode") == ""


def test_html_only_mail_folds_its_quote() -> None:
    html = (
        "<html><head><title>no</title><style>p{}</style></head><body><p>Yes, <b>please</b>.<br>Ben</p>"
        '<div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 2, Anna wrote:<br></div>'
        "<blockquote>Shall I?</blockquote></div></body></html>"
    )
    message = parse(mail(html, Content_Type="text/html"))
    assert message.quote_at is not None
    assert message.text[: message.quote_at].strip() == "Yes, please.\nBen"
    assert message.text.endswith("> Shall I?")


def test_a_forward_shows_what_it_forwards() -> None:
    text = "-------- Forwarded message --------\nFrom: x@y.example\nSubject: z\n\nlook"
    message = parse(mail(text, Subject="Fwd: z"))
    assert message.quote_at is None
    assert message.extra["forwarded"] is True
    assert message.text.endswith("look")


def test_junk() -> None:
    assert parse(mail(), is_junk_folder=True).spam
    assert parse(mail("x", "X-Spam-Flag: YES")).spam
    assert not parse(mail("x", "X-Spam-Flag: NO")).spam
