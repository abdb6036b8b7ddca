"""A mail's whole way with real servers: Postfix, Dovecot, the reading process, the gate, SMTP and back."""

from __future__ import annotations

import smtplib
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client

from kith.channels import gateway, runner
from kith.channels.models import Delivery, RawItem
from kith.channels.outbox import Compose, message_send
from kith.contacts.models import Identity
from kith.conversations.models import Conversation, ConversationScope, Message, MessageCopy
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from tests.support import house
from tests.support.mailservers import DOMAIN, PASSWORD, Dovecot, Postfix, dovecot_server, postfix_server
from tests.torture.processes import environment, listening

__all__ = ["dovecot_server", "postfix_server"]

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
pytestmark = [pytest.mark.realserver, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def account(
    dovecot_server: Dovecot, postfix_server: Postfix, monkeypatch: pytest.MonkeyPatch
) -> ChannelAccount:
    """A mailbox of ours on the real servers, connected now."""
    monkeypatch.setattr(
        django_settings, "KITH", replace(django_settings.KITH, allowed_networks=("127.0.0.0/8",))
    )
    address = f"info-{uuid.uuid4().hex[:8]}@{DOMAIN}"
    values = {
        "address": address,
        "host": "127.0.0.1",
        "port": str(dovecot_server.imap),
        "security": "none",
        "smtp_host": "127.0.0.1",
        "smtp_port": str(postfix_server.smtp),
        "smtp_security": "none",
    }
    own = gateway.check("email", values, {"password": PASSWORD})
    return house.account(
        "email",
        name="Info",
        address=own.handle,
        external_id=own.external_id,
        settings=values,
        secrets={"password": PASSWORD},
        history_until=datetime.now(UTC) - timedelta(minutes=5),
    )


@pytest.fixture
def customer() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@{DOMAIN}"


@pytest.fixture
def environ(database_url: str, kith_home: Path) -> dict[str, str]:
    return environment(database_url, kith_home)


def until(told: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def mail(sender: str, to: str, text: str, *, at: datetime | None = None, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = f"Ada Lovelace <{sender}>", to
    message["Subject"] = headers.pop("subject", "The bell does not ring")
    message["Date"] = format_datetime(at or datetime.now(UTC))
    message["Message-ID"] = headers.pop("message_id", f"<{uuid.uuid4().hex}@outside.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def post(server: Postfix, message: EmailMessage, sender: str, to: str) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp) as client:
        client.send_message(message, sender, [to])


def inbox(server: Dovecot, user: str, folder: str = "INBOX") -> list[EmailMessage]:
    found = server.doveadm("-f", "tab", "fetch", "-u", user, "uid", "mailbox", folder, "ALL").split()[1:]
    texts = [
        server.doveadm("fetch", "-u", user, "text", "mailbox", folder, "uid", uid).partition("\n")[2]
        for uid in found
    ]
    return [message_from_bytes(text.encode(), policy=policy.default) for text in texts]  # type: ignore[misc]


def answer(account: ChannelAccount, mara: User, asked: Message, text: str) -> Message:
    copy = MessageCopy.objects.filter(message=asked).select_related("thread")[0]
    result = message_send(
        Compose(
            user=mara,
            account=account,
            text=text,
            subject=f"Re: {asked.subject}",
            recipients=((asked.sender_id, "to"),),  # type: ignore[arg-type]
            conversation_id=copy.thread.conversation_id,
            reply_to=asked,
            undo_seconds=0,
        )
    )
    assert result.verdict.outcome == "allow", result.verdict
    return Message.objects.get(pk=result.message_id)


def appended(server: Dovecot, user: str, message: EmailMessage) -> None:
    """As a phone's mail program does it: into the folder of sent mail, by IMAP."""
    import imaplib

    with imaplib.IMAP4("127.0.0.1", server.imap) as client:
        client.login(user, PASSWORD)
        assert client.append("Gesendet", r"(\Seen)", None, message.as_bytes())[0] == "OK"  # type: ignore[arg-type]


def test_a_conversation_there_and_back(
    account: ChannelAccount,
    dovecot_server: Dovecot,
    postfix_server: Postfix,
    customer: str,
    environ: dict[str, str],
) -> None:
    mara = house.user()
    old = mail(
        customer, account.address, "Long ago", at=datetime.now(UTC) - timedelta(days=400), subject="Old"
    )
    dovecot_server.deliver(account.address, old.as_bytes())
    with listening(environ):
        until(lambda: Message.objects.filter(subject="Old").exists())
        history = Message.objects.get(subject="Old")
        assert history.history
        row = ConversationScope.objects.get()
        assert (row.status, row.waiting_since) == ("closed", None)

        first = mail(customer, account.address, "It is silent.")
        post(postfix_server, first, customer, account.address)
        until(lambda: Message.objects.filter(subject="The bell does not ring").exists())
        asked = Message.objects.get(subject="The bell does not ring")
        conversation = MessageCopy.objects.get(message=asked).thread.conversation_id
        assert ConversationScope.objects.get(conversation_id=conversation).waiting_since is not None

        sent = answer(account, mara, asked, "Try the other bell.")
        until(lambda: inbox(dovecot_server, customer))
        (arrived,) = inbox(dovecot_server, customer)
        assert arrived["In-Reply-To"] == first["Message-ID"]
        assert first["Message-ID"] in arrived["References"]
        assert arrived["Subject"] == "Re: The bell does not ring"
        assert "Mara" in arrived["From"]
        until(lambda: Delivery.objects.get().state == "sent")
        sent.refresh_from_db()
        assert f"<{sent.external_id}>" == arrived["Message-ID"]

        # The copy that was filed in Sent is read, and is the same message.
        until(lambda: RawItem.objects.filter(meta__is_sent_folder=True, state="done").exists())
        assert Message.objects.filter(direction="out").count() == 1
        assert MessageCopy.objects.filter(message=sent, first_in_thread=True).count() == 1
        assert ConversationScope.objects.get(conversation_id=conversation).waiting_since is None

        again = mail(
            customer,
            account.address,
            "It rings now!",
            subject="Re: The bell does not ring",
            In_Reply_To=arrived["Message-ID"],
            References=f"{first['Message-ID']} {arrived['Message-ID']}",
        )
        post(postfix_server, again, customer, account.address)
        until(lambda: Message.objects.filter(text__startswith="It rings").exists())
        thanks = Message.objects.get(text__startswith="It rings")
        assert MessageCopy.objects.get(message=thanks).thread.conversation_id == conversation
        assert ConversationScope.objects.get(conversation_id=conversation).waiting_since is not None

        phone = mail(
            account.address,
            customer,
            "Glad to hear it. Sent from my phone",
            subject="Re: The bell does not ring",
            In_Reply_To=again["Message-ID"],
            References=again["Message-ID"],
        )
        appended(dovecot_server, account.address, phone)
        until(lambda: Message.objects.filter(text__contains="my phone").exists())
        ours = Message.objects.get(text__contains="my phone")
        assert (ours.direction, ours.state) == ("out", "sent")
        assert MessageCopy.objects.get(message=ours).thread.conversation_id == conversation
        assert ConversationScope.objects.get(conversation_id=conversation).waiting_since is None
    assert Message.objects.count() == 5
    assert Conversation.objects.count() == 2
    assert not RawItem.objects.exclude(state="done").exists()


def test_a_bounce_is_attached_to_what_bounced(
    account: ChannelAccount, dovecot_server: Dovecot, postfix_server: Postfix, environ: dict[str, str]
) -> None:
    mara = house.user()
    gone = "gone@nowhere.example"
    question = mail(gone, account.address, "Do you still sell bells?")
    post(postfix_server, question, gone, account.address)
    with listening(environ):
        until(lambda: Message.objects.exists())
        asked = Message.objects.get()
        sent = answer(account, mara, asked, "We do.")
        until(lambda: Message.objects.filter(automatic="bounce").exists(), 60)
    bounce = Message.objects.get(automatic="bounce")
    sent.refresh_from_db()
    assert sent.state == "failed"
    assert sent.extra["failure"]
    assert Identity.objects.get(external_id=gone).bounced_at is not None
    assert bounce.extra["bounce_of"] == sent.external_id
    threads = set(
        MessageCopy.objects.filter(message__in=[asked, sent, bounce]).values_list("thread", flat=True)
    )
    assert len(threads) == 1
    row = ConversationScope.objects.get()
    assert row.tray == ""
    assert row.waiting_since is not None, "an answer that did not arrive leaves them waiting"


def test_what_a_colleague_sends_elsewhere_with_the_drop_box_in_blind_copy_is_ours(
    account: ChannelAccount,
    dovecot_server: Dovecot,
    postfix_server: Postfix,
    customer: str,
    environ: dict[str, str],
) -> None:
    mara = house.user()
    box = account.address.replace("@", "+kith@")
    account.settings = {**account.settings, "dropbox": box, "authserv_id": f"mx.{DOMAIN}"}
    account.save()
    question = mail(customer, account.address, "It is silent.")

    def dropped(subject: str, verdict: str) -> None:
        sent = mail(mara.email, customer, f"About {subject}", subject=subject)
        del sent["From"]
        sent["From"] = f"Mara <{mara.email}>"
        sent["Authentication-Results"] = (
            f"mx.{DOMAIN}; dmarc={verdict} header.from={mara.email.partition('@')[2]}"
        )
        post(postfix_server, sent, mara.email, box)

    with listening(environ):
        post(postfix_server, question, customer, account.address)
        until(lambda: Message.objects.exists())
        dropped("proven", "pass")
        dropped("forged", "fail")
        until(lambda: Message.objects.count() == 3)
    ours = Message.objects.get(subject="proven")
    assert (ours.direction, ours.state) == ("out", "sent")
    to = ours.participants.get(role="to")
    assert to.identity.external_id == customer
    assert Message.objects.get(subject="forged").direction == "in", "anybody may know the address"
    rows = {row.subject: row.waiting_since for row in ConversationScope.objects.all()}
    assert any(value is None for value in rows.values()), "it counts as an answer"


def test_what_another_network_tells_by_mail_is_a_mention_to_be_answered_there(
    account: ChannelAccount, postfix_server: Postfix, environ: dict[str, str]
) -> None:
    teller = "notification@facebookmail.com"
    told = mail(
        teller, account.address, "Carla: do you repair bells?", subject="Carla commented on your post"
    )
    told.add_alternative(
        '<p>Carla: do you repair bells?</p><a href="https://www.facebook.com/n/?post=1">See it</a>',
        subtype="html",
    )
    other = mail(
        "news@shop.example", account.address, "Buy!", subject="Offers", List_Id="<news.shop.example>"
    )
    with listening(environ):
        post(postfix_server, told, teller, account.address)
        post(postfix_server, other, "news@shop.example", account.address)
        until(lambda: Message.objects.count() == 2)
    mention = Message.objects.get(subject="Carla commented on your post")
    assert (mention.automatic, mention.url) == ("mention", "https://www.facebook.com/n/?post=1")
    assert mention.extra["mention_network"] == "facebook"
    trays = dict(ConversationScope.objects.values_list("subject", "tray"))
    assert trays == {"Carla commented on your post": "", "Offers": "list"}
    row = ConversationScope.objects.get(subject="Carla commented on your post")
    assert (row.status, row.waiting_since) == ("open", None), "no clock runs here: they wait elsewhere"
    client = Client()
    client.force_login(house.user("Olga", role="owner"), backend=BACKEND)
    page = client.get(f"/inbox/{row.conversation_id}/").content.decode()
    assert "Answer there" in page
    assert 'href="https://www.facebook.com/n/?post=1"' in page


@pytest.mark.torture
def test_uidvalidity_changed_in_every_session_doubles_and_deletes_nothing(
    account: ChannelAccount, dovecot_server: Dovecot, customer: str, full: bool
) -> None:
    from kith.channels.parser import Parser
    from kith.channels.receive import raw_items_parse

    mails = [mail(customer, account.address, f"Number {n}", subject=f"Matter {n}") for n in range(12)]
    dovecot_server.deliver(account.address, *(m.as_bytes() for m in mails))
    with Parser() as parser:
        for session in range(60 if full else 6):
            dovecot_server.doveadm(
                "mailbox", "update", "-u", account.address, "--uid-validity", str(70_000 + session), "INBOX"
            )
            connector = gateway.connector_for(account)
            runner.fetch_all(account, connector)
            while raw_items_parse(account.pk, parser):
                continue
            fresh = mail(customer, account.address, f"Later {session}", subject=f"Later {session}")
            dovecot_server.deliver(account.address, fresh.as_bytes())
            mails.append(fresh)
    read = mails[:-1]  # the last one came after the last look
    assert sorted(Message.objects.values_list("external_id", flat=True)) == sorted(
        m["Message-ID"].strip("<>") for m in read
    )
    assert MessageCopy.objects.filter(first_in_thread=True).count() == len(read)
    assert len(inbox(dovecot_server, account.address)) == len(mails)
    assert dovecot_server.doveadm("search", "-u", account.address, "mailbox", "INBOX", "SEEN").strip() == ""
