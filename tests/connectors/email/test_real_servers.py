"""The connector against Dovecot and Postfix."""

from __future__ import annotations

import contextlib
import json
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.connectors.email.conftest import Make, loopback_guard
from tests.support.mailservers import DOMAIN, PASSWORD, TOKEN, Dovecot, Postfix, free_port

from kith.connectors.contract import (
    Media,
    MessageReceived,
    OutcomeUnknown,
    Outgoing,
    Party,
    RawItem,
    ReconnectNeeded,
    Refused,
    RetryLater,
)  # fmt: skip
from kith.connectors.email import imap
from kith.connectors.email.connector import Connector
from kith.connectors.email.imap import Reader
from kith.connectors.email.options import read

pytestmark = pytest.mark.realserver


def mail(number: int, body: str = "Hello", **headers: str) -> bytes:
    lines = {
        "From": f"Customer {number} <c{number}@elsewhere.example>",
        "Subject": f"Question {number}",
        "Message-ID": f"<m{number}@elsewhere.example>",
        "Date": "Mon, 02 Nov 2026 10:00:00 +0000",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return ("".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n" + body + "\r\n").encode()


def drain(connector: Connector, cursor: str = "", limit: int = 100) -> tuple[list[RawItem], str]:
    items: list[RawItem] = []
    for _ in range(500):
        page = connector.fetch(cursor, limit=limit)
        items += page.items
        cursor = page.cursor
        assert len(page.items) <= limit
        if not page.more:
            return items, cursor
    raise AssertionError("never says that there is no more")


def received(connector: Connector, item: RawItem) -> MessageReceived:
    (event,) = connector.parse(item)
    assert isinstance(event, MessageReceived)
    return event


def ids(connector: Connector, items: list[RawItem]) -> list[str]:
    return [received(connector, item).external_id for item in items]


def test_three_hundred_mails_in_pages_and_only_the_new_ones_after(
    dovecot_server: Dovecot, make: Make, user: str
) -> None:
    dovecot_server.deliver(user, *(mail(n) for n in range(300)))
    connector = make()
    items, cursor = drain(connector, limit=70)
    assert sorted(ids(connector, items)) == sorted(f"m{n}@elsewhere.example" for n in range(300))
    assert len({item.external_id for item in items}) == 300
    assert items[0].meta["folder"] == "INBOX"
    assert items[0].meta["size"] == len(items[0].body)
    assert items[0].at is not None
    assert items[0].at.tzinfo is not None
    assert drain(connector, cursor)[0] == []
    dovecot_server.deliver(user, mail(301))
    fresh, _ = drain(connector, cursor)
    assert ids(connector, fresh) == ["m301@elsewhere.example"]


def test_reading_marks_nothing_as_read(dovecot_server: Dovecot, make: Make, user: str) -> None:
    dovecot_server.deliver(user, mail(1), mail(2, body="x" * 2_000_000))
    drain(make())
    seen = dovecot_server.doveadm("search", "-u", user, "mailbox", "INBOX", "SEEN")
    assert seen.strip() == ""
    assert len(dovecot_server.doveadm("search", "-u", user, "mailbox", "INBOX", "ALL").split("\n")) == 3


def test_another_uidvalidity_brings_the_same_messages_again(
    dovecot_server: Dovecot, make: Make, user: str
) -> None:
    dovecot_server.deliver(user, *(mail(n) for n in range(5)))
    connector = make()
    first, cursor = drain(connector)
    dovecot_server.doveadm("mailbox", "update", "-u", user, "--uid-validity", "77777", "INBOX")
    again, after = drain(connector, cursor)
    assert sorted(ids(connector, again)) == sorted(ids(connector, first))
    one, other = received(connector, first[0]), received(connector, again[0])
    assert one.extra["content_hash"] == other.extra["content_hash"]
    assert {item.meta["uidvalidity"] for item in again} == {77777}
    assert not {item.external_id for item in first} & {item.external_id for item in again}
    assert drain(connector, after)[0] == []


def test_a_large_mail_comes_in_pieces_and_a_huge_one_cut(
    dovecot_server: Dovecot, make: Make, user: str
) -> None:
    lines = "\r\n".join(f"line {n} of a long report" for n in range(120_000))
    dovecot_server.deliver(user, mail(1, body=lines), mail(2))
    (large, small), _ = drain(make(max_megabytes="9"))
    assert len(large.body) == large.meta["size"] > 3_000_000
    assert b"line 119999" in large.body
    assert small.body.endswith(b"Hello\r\n")
    connector = make(max_megabytes="2")
    (cut, _), _ = drain(connector)
    assert "only its beginning" in cut.meta["cut"]
    event = received(connector, cut)
    assert event.extra["cut"] is True
    assert event.subject == "Question 1"
    assert event.text.startswith("line 0")


def test_history_only_since_a_day(dovecot_server: Dovecot, make: Make, user: str) -> None:
    dovecot_server.deliver(user, mail(1), mail(2))
    connector = make(since=datetime.now(UTC) + timedelta(days=4))
    items, cursor = drain(connector)
    assert items == []
    assert json.loads(cursor)["folders"]["INBOX"]["n"] == 3
    assert len(drain(make(since=datetime.now(UTC) - timedelta(days=4)))[0]) == 2


def test_sent_from_the_phone_counts_as_ours(dovecot_server: Dovecot, make: Make, user: str) -> None:
    connector = make()
    with Reader(read(connector._setup), loopback_guard) as reader:
        reader.append_sent(
            mail(9, From=f"Me <{user.upper()}>", In_Reply_To="<m1@elsewhere.example>"), datetime.now(UTC)
        )
    (item,), _ = drain(connector)
    assert item.meta["is_sent_folder"] is True
    assert item.meta["folder"] == "Gesendet"
    assert item.meta["flags"] == ["\\Recent", "\\Seen"] or item.meta["flags"] == ["\\Seen"]
    event = received(connector, item)
    assert event.outgoing
    assert event.thread_keys == ("mid:m1@elsewhere.example",)


def test_idle_hears_of_a_new_mail_within_two_seconds(dovecot_server: Dovecot, make: Make, user: str) -> None:
    dovecot_server.deliver(user, mail(1))
    connector = make()
    _, cursor = drain(connector)
    assert connector.wait(cursor, until=datetime.now(UTC) + timedelta(seconds=1)) is False
    timer = threading.Timer(1.0, dovecot_server.deliver, (user, mail(2)))
    timer.start()
    begun = time.monotonic()
    assert connector.wait(cursor, until=datetime.now(UTC) + timedelta(seconds=20)) is True
    assert time.monotonic() - begun < 4
    timer.join()
    assert (
        connector.wait(cursor, until=datetime.now(UTC) + timedelta(seconds=20)) is True
    )  # it is there already


def test_idle_is_renewed_before_servers_give_up(
    dovecot_server: Dovecot, make: Make, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert imap.IDLE_SECONDS < 29 * 60
    monkeypatch.setattr(imap, "IDLE_SECONDS", 0.2)
    connector = make()
    _, cursor = drain(connector)
    timer = threading.Timer(1.0, dovecot_server.deliver, (user, mail(2)))
    timer.start()
    assert connector.wait(cursor, until=datetime.now(UTC) + timedelta(seconds=10)) is True
    timer.join()


def test_pop3_reads_each_once_and_deletes_none(dovecot_server: Dovecot, make: Make, user: str) -> None:
    dovecot_server.deliver(user, *(mail(n) for n in range(12)), mail(99, body="z" * 5000))
    connector = make(protocol="pop3", port=str(dovecot_server.pop3))
    items, cursor = drain(connector, limit=5)
    assert len(set(ids(connector, items))) == 13
    assert any(b"z" * 5000 in item.body for item in items)
    assert drain(connector, cursor)[0] == []
    dovecot_server.deliver(user, mail(50))
    assert ids(connector, drain(connector, cursor)[0]) == ["m50@elsewhere.example"]
    assert len(drain(make(protocol="pop3", port=str(dovecot_server.pop3)))[0]) == 14


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_xoauth2(dovecot_server: Dovecot, postfix_server: Postfix, make: Make, protocol: str) -> None:
    settings = {
        "auth": "oauth", "address": f"anna@{DOMAIN}", "protocol": protocol, "smtp_port": str(postfix_server.smtp),
        "port": str(dovecot_server.imap if protocol == "imap" else dovecot_server.pop3),
    }  # fmt: skip
    assert make(secrets={"access_token": TOKEN}, **settings).check().external_id == f"anna@{DOMAIN}"
    with pytest.raises(ReconnectNeeded) as caught:
        make(secrets={"access_token": "expired-token"}, **settings).check()
    assert caught.value.field == "auth"
    assert "expired-token" not in str(caught.value)
    with pytest.raises(ReconnectNeeded, match="expired"):
        make(secrets={"access_token": TOKEN, "expires_at": "1000"}, **settings).fetch("", limit=1)


@pytest.mark.parametrize(
    ("settings", "secrets", "error", "field"),
    [
        ({}, {"password": "wrong"}, ReconnectNeeded, "password"),
        ({}, {}, ReconnectNeeded, "password"),
        ({"port": "closed"}, None, RetryLater, "port"),
        ({"port": "99999"}, None, Refused, "port"),
        ({"port": "smtp"}, None, RetryLater, "port"),
        ({"security": "tls"}, None, RetryLater, "security"),
        ({"security": "starttls"}, None, Refused, "host"),
        ({"security": "yes"}, None, Refused, "security"),
        ({"host": ""}, None, Refused, "host"),
        ({"address": "nobody"}, None, Refused, "address"),
        ({"smtp_port": "closed"}, None, RetryLater, "smtp_port"),
        ({"smtp_security": "starttls"}, None, Refused, "smtp_host"),
        ({"smtp_security": "starttls", "smtp_port": "plain"}, None, RetryLater, "smtp_security"),
        ({"folders": "INBOX\nNowhere"}, None, Refused, "folders"),
        ({}, {"password": PASSWORD, "smtp_password": "wrong"}, ReconnectNeeded, "smtp_password"),
    ],
)
def test_check_blames_the_right_field(
    make: Make,
    postfix_server: Postfix,
    settings: dict[str, str],
    secrets: dict[str, str] | None,
    error: type[Exception],
    field: str,
) -> None:
    ports = {
        "closed": str(free_port()),
        "smtp": str(postfix_server.smtp),
        "plain": str(postfix_server.plain),
    }
    chosen = {name: ports.get(value, value) for name, value in settings.items()}
    connector = make(secrets=secrets, **{"smtp_port": str(postfix_server.smtp), **chosen})
    with pytest.raises(error) as caught:
        connector.check()
    assert caught.value.field == field  # type: ignore[attr-defined]
    assert str(caught.value).endswith((".", "?")) or ":" in str(caught.value)


def _greets(greeting: bytes, refusal: bytes, stop: threading.Event) -> int:
    """A server of few words that knows no TLS: greets, and refuses everything. Its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)

    def serve() -> None:
        with listener:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    with connection, connection.makefile("rb") as lines:
                        connection.sendall(greeting)
                        for line in lines:
                            tag, _, wanted = line.strip().partition(b" ")
                            if wanted == b"CAPABILITY":
                                connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
                            else:
                                connection.sendall(refusal.replace(b"TAG", tag))

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3"])
def test_a_server_without_tls_is_told_from_one_with_a_wrong_certificate(
    make: Make, postfix_server: Postfix, protocol: str
) -> None:
    """It is not spoken to in clear instead, and the sentence says what to try."""
    stop = threading.Event()
    try:
        if protocol == "smtp":
            port = postfix_server.plain
            connector = make(smtp_security="starttls", smtp_port=str(port))
        else:
            words = (
                (b"* OK [CAPABILITY IMAP4rev1] hello\r\n", b"TAG BAD no such command\r\n")
                if protocol == "imap"
                else (b"+OK hello\r\n", b"-ERR no such command\r\n")
            )
            port = _greets(*words, stop)
            connector = make(security="starttls", port=str(port), protocol=protocol)
        with pytest.raises(RetryLater) as caught:
            connector.check()
    finally:
        stop.set()
    assert str(caught.value) == (
        f"mail.test does not speak TLS on port {port}; try another encryption or port."
    )
    assert caught.value.field == ("smtp_security" if protocol == "smtp" else "security")


def test_check_tells_who_we_are(make: Make, postfix_server: Postfix, user: str) -> None:
    told: list[str] = []
    own = make(tell=told.append, smtp_port=str(postfix_server.smtp)).check()
    assert [sentence.partition(",")[0] for sentence in told] == [
        "Signing in to mail.test",
        "Reading the list of folders",
        "Signing in to mail.test",
    ]
    assert own.external_id == user
    assert own.details["sent_folder"] == "Gesendet"
    assert "INBOX" in own.details["folders"].split("\n")


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_certificates_must_be_those_of_the_name(
    make: Make, dovecot_server: Dovecot, user: str, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot_server.deliver(user, mail(1))
    port = str(dovecot_server.imaps if security == "tls" else dovecot_server.imap)
    with pytest.raises(Refused, match="certificate") as caught:
        make(security=security, port=port).fetch("", limit=5)
    assert caught.value.field == "host"
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot_server.certificate))
    assert len(make(security=security, port=port).fetch("", limit=5).items) == 1
    with pytest.raises(Refused, match="certificate"):
        make(security=security, port=port, host="other.test").fetch("", limit=5)
    if security == "starttls":
        pop = make(security=security, port=str(dovecot_server.pop3), protocol="pop3")
        assert len(pop.fetch("", limit=5).items) == 1


def test_only_checked_addresses_are_connected_to(make: Make) -> None:
    def guard(host: str, port: int) -> list[str]:
        raise Refused(f"{host} is inside of our own network.")

    with pytest.raises(Refused) as caught:
        make(guard=guard).fetch("", limit=1)
    assert caught.value.field == "host"
    with pytest.raises(Refused) as caught:
        make(guard=guard).send(outgoing("k", "x@kontor.example"))
    assert caught.value.field == "smtp_host"


def outgoing(key: str, *to: str, **more: Any) -> Outgoing:
    parties = tuple(Party(external_id=address, role="to") for address in to)
    return Outgoing(
        **{"idempotency_key": key, "text": "Hello\n.\nEnd", "to": parties, "subject": "Answer", **more}
    )


def wait_for_mail(connector: Connector, count: int = 1) -> list[RawItem]:
    for _ in range(100):
        items, _ = drain(connector)
        if len(items) >= count:
            return items
        time.sleep(0.1)
    raise AssertionError("the mail did not arrive")


def test_an_answer_goes_out_and_is_found_again(make: Make, postfix_server: Postfix, user: str) -> None:
    connector = make(smtp_port=str(postfix_server.smtp))
    other = f"to-{user}"
    begun = datetime.now(UTC)
    message = outgoing(
        "0192-key",
        other,
        html="<p>Hello <img src='cid:logo'></p>",
        in_reply_to="m1@elsewhere.example",
        references=("m0@elsewhere.example", "m1@elsewhere.example"),
        media=(
            Media(file_name="Prüf\r\nbericht.pdf", content_type="application/pdf", content=b"%PDF" * 500),
            Media(
                file_name="logo.png",
                content_type="image/png",
                content=b"\x89PNG",
                content_id="logo",
                inline=True,
            ),
        ),
        from_name="Räder\r\nBcc: victim@kontor.example",
        subject="Réponse\r\nX-Evil: yes",
    )
    assert connector.find_sent(message, since=begun).state == "unknown"
    receipt = connector.send(message)
    assert receipt.external_id == f"kith.0192-key@{DOMAIN}"
    (item,) = wait_for_mail(make(address=other))
    event = received(make(address=other), item)
    assert event.external_id == receipt.external_id
    assert event.text.startswith("Hello\n.\nEnd")
    assert event.html.startswith("<p>Hello")
    assert event.subject == "Réponse X-Evil: yes"
    assert b"\nX-Evil" not in item.body
    assert b"\nBcc" not in item.body
    assert event.thread_keys == ("mid:m1@elsewhere.example", "mid:m0@elsewhere.example")
    assert [(m.file_name, m.content, m.inline) for m in event.media] == [
        ("logo.png", b"\x89PNG", True), ("Prüf_bericht.pdf", b"%PDF" * 500, False),
    ]  # fmt: skip
    copy, _ = drain(connector)
    assert [(c.meta["folder"], received(connector, c).outgoing) for c in copy] == [("Gesendet", True)]
    assert received(connector, copy[0]).extra["content_hash"] == event.extra["content_hash"]
    found = connector.find_sent(message, since=begun)
    assert found.state == "sent"
    assert found.receipt is not None
    assert found.receipt.external_id == receipt.external_id


def test_where_the_provider_files_sent_mail_a_missing_copy_means_not_sent(
    make: Make, postfix_server: Postfix
) -> None:
    connector = make(sent_copy="server")
    message = outgoing("never", f"x@{DOMAIN}")
    assert connector.find_sent(message, since=datetime.now(UTC)).state == "unknown"
    assert connector.find_sent(message, since=datetime.now(UTC) - timedelta(hours=1)).state == "not_sent"


def test_one_refused_recipient_keeps_the_mail_from_all(
    make: Make, postfix_server: Postfix, user: str
) -> None:
    connector = make(smtp_port=str(postfix_server.smtp))
    other = f"spared-{user}"
    with pytest.raises(Refused, match="refused@") as caught:
        connector.send(outgoing("k1", other, f"refused@{DOMAIN}"))
    assert caught.value.field == "to"
    with pytest.raises(RetryLater, match="later@"):
        connector.send(outgoing("k2", other, f"later@{DOMAIN}"))
    with pytest.raises(Refused):
        connector.send(outgoing("k3", "no address"))
    time.sleep(1)
    assert drain(make(address=other))[0] == []


def test_blind_copies_arrive_and_are_shown_to_nobody(make: Make, postfix_server: Postfix, user: str) -> None:
    connector = make(smtp_port=str(postfix_server.smtp))
    hidden, shown = f"hidden-{user}", f"shown-{user}"
    message = Outgoing(
        idempotency_key="b", text="x", to=(Party(external_id=shown), Party(external_id=hidden, role="bcc"))
    )
    connector.send(message)
    for address in (hidden, shown):
        (item,) = wait_for_mail(make(address=address))
        assert hidden.encode() not in item.body.split(b"\r\n\r\n", 1)[0].split(b"From: ", 1)[1]


class Cutter:
    """An SMTP server that hangs up at a chosen moment."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.bodies: list[bytes] = []
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            with sock, sock.makefile("rwb") as file:
                self._talk(file)

    def _talk(self, file: Any) -> None:
        def say(text: str) -> None:
            file.write(text.encode() + b"\r\n")
            file.flush()

        say("220 cutter")
        for line in file:
            word = line.split()[0].upper().decode()
            if word == "DATA":
                if self.moment == "data":
                    return
                say("354 go on")
                body = b""
                for part in file:
                    if part == b".\r\n":
                        break
                    body += part
                    if self.moment == "body":
                        return
                self.bodies.append(body)
                if self.moment == "answer":
                    return
                say(self.moment)
            elif word == self.moment:
                return
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def cutter(request: pytest.FixtureRequest) -> Iterator[Cutter]:
    server = Cutter(request.param)
    yield server
    server.close()


@pytest.mark.parametrize(
    ("cutter", "error"),
    [
        ("EHLO", RetryLater), ("MAIL", RetryLater), ("RCPT", RetryLater), ("data", RetryLater),
        ("answer", OutcomeUnknown), ("421 going down", OutcomeUnknown), ("451 later", RetryLater), ("554 never", Refused),
    ],
    indirect=["cutter"],
)  # fmt: skip
def test_what_is_known_when_the_line_breaks(make: Make, cutter: Cutter, error: type[Exception]) -> None:
    connector = make(smtp_port=str(cutter.port))
    with pytest.raises(error):
        connector.send(outgoing("k", f"x@{DOMAIN}"))
    assert len(cutter.bodies) == (1 if cutter.moment[:1] in "aw345" else 0)


@pytest.mark.parametrize("cutter", ["body"], indirect=True)
def test_a_break_amid_the_body_is_surely_not_sent(make: Make, cutter: Cutter) -> None:
    big = Media(file_name="big.bin", content_type="application/zip", content=b"\0" * 15_000_000)
    with pytest.raises(RetryLater):
        make(smtp_port=str(cutter.port)).send(outgoing("k", f"x@{DOMAIN}", media=(big,)))
    assert cutter.bodies == []


@pytest.mark.parametrize("cutter", ["250 taken"], indirect=True)
def test_a_copy_that_can_not_be_filed_is_no_failure(make: Make, cutter: Cutter) -> None:
    connector = make(smtp_port=str(cutter.port), port=str(free_port()))
    assert connector.send(outgoing("k", f"x@{DOMAIN}")).external_id == f"kith.k@{DOMAIN}"
    assert b"\r\n..\r\nEnd" in cutter.bodies[0]


def test_postfix_bounces_what_nobody_gets_and_the_bounce_names_our_mail(
    make: Make, postfix_server: Postfix, user: str
) -> None:
    connector = make(smtp_port=str(postfix_server.smtp), sent_copy="none")
    receipt = connector.send(outgoing("bounce-me", "gone@nowhere.example"))
    (item,) = wait_for_mail(connector)
    event = received(connector, item)
    assert event.automatic == "bounce"
    assert event.bounced == ("gone@nowhere.example",)
    assert event.bounce_of == receipt.external_id


def test_three_hundred_mails_through_postfix(
    dovecot_server: Dovecot, postfix_server: Postfix, make: Make, user: str
) -> None:
    with smtplib.SMTP("127.0.0.1", postfix_server.smtp) as client:
        for number in range(300):
            client.sendmail(f"c{number}@elsewhere.example", [user], mail(number))
    connector = make()
    items = wait_for_mail(connector, 300)
    assert len(set(ids(connector, items))) == 300
