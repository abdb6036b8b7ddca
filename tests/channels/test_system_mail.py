"""System mail is kept, leaves by a real SMTP server, and waits where there is none."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from django.conf import settings as django_settings
from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob

from kith.channels import gateway, system_mail
from kith.networks.models import ChannelAccount
from kith.networks.services import channel_account_connect
from kith.networks.types import Audience, Own
from kith.teams.models import SystemMail
from kith.teams.services import user_create

pytestmark = pytest.mark.django_db


class Sink(MessageHandler):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []
        self.refuse = False

    def handle_message(self, message: Any) -> None:
        self.got.append(message)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    handler = Sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    _use(monkeypatch, f"smtp://127.0.0.1:{port}")
    yield handler
    controller.stop()


def _use(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    values = dataclasses.replace(django_settings.KITH, mail_url=url, mail_from="kith@us.example")
    monkeypatch.setattr(django_settings, "KITH", values)


def _write() -> SystemMail:
    message = mail.EmailMessage("You are\ninvited", "Open https://kith.example/x", to=["new@us.example"])
    assert system_mail.Backend().send_messages([message]) == 1
    return SystemMail.objects.get()


def test_a_mail_is_kept_and_sent_by_a_job_never_in_the_request(sink: Sink) -> None:
    row = _write()
    assert sink.got == []
    job = ProcrastinateJob.objects.get(task_name="channels.send_system_mails")
    assert job.args == {"ids": [str(row.id)]}
    system_mail.send_system_mails(**job.args)
    (sent,) = sink.got
    assert (sent["To"], sent["Subject"], sent["Auto-Submitted"]) == (
        "new@us.example",
        "You are invited",
        "auto-generated",
    )
    row.refresh_from_db()
    assert row.sent_at is not None
    assert row.text == ""
    system_mail.send_system_mails(**job.args)
    assert len(sink.got) == 1


def test_a_refusal_is_kept_in_words_and_tried_again(sink: Sink) -> None:
    row = _write()
    sink.refuse = True
    with pytest.raises(system_mail.SystemMailFailed):
        system_mail.send_system_mails(ids=[str(row.id)])
    row.refresh_from_db()
    assert "nobody of that name" in row.error
    sink.refuse = False
    system_mail.send_system_mails(ids=[str(row.id)])
    assert SystemMail.objects.get().sent_at is not None


def test_no_server_is_no_failure_and_the_text_stays() -> None:
    row = _write()
    assert system_mail.system_mail_send(row.id) == ""
    row.refresh_from_db()
    assert row.sent_at is None
    assert "KITH_MAIL_URL" in row.error
    assert "https://kith.example/x" in row.text


def test_the_first_mailbox_that_everyone_sees_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = user_create(email="ada@us.example", name="Ada", password="a long pass phrase")
    sent: list[Any] = []

    class Box:
        def send(self, outgoing: Any) -> None:
            sent.append(outgoing)

        def find_sent(self, outgoing: Any, *, since: Any) -> None: ...

    monkeypatch.setattr(gateway, "connector_for", lambda account: Box())
    values = {"address": "info@us.example", "host": "imap.us.example", "smtp_host": "smtp.us.example"}
    for audience, own in (
        (Audience("private", owner=ada), "ada@us.example"),
        (Audience(), "info@us.example"),
    ):
        channel_account_connect(
            network="email", name=own, values=values, own=Own(own, own), audience=audience, user=None
        )
    chosen = system_mail.mailbox()
    assert chosen == ChannelAccount.objects.get(external_id="info@us.example")
    row = _write()
    system_mail.send_system_mails(ids=[str(row.id)])
    assert [o.to[0].external_id for o in sent] == ["new@us.example"]
    assert sent[0].automatic
    assert SystemMail.objects.get().sent_at is not None
