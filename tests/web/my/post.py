"""A mailbox whose connector hands everything to the test."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from kith.base.clock import now
from kith.channels import gateway
from kith.channels.deliver import Claimer, deliver, deliveries_claim
from kith.connectors.contract import FoundSent, Outgoing, Receipt
from kith.connectors.email.compose import compose
from kith.core import company
from kith.networks.models import ChannelAccount
from tests.support import house

BASE = "https://kith.example"


@dataclass
class Post:
    """What left, as the mail connector would write it."""

    sent: list[Outgoing] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    def send(self, outgoing: Outgoing) -> Receipt:
        written = compose(outgoing, "info@us.example", now())
        self.sent.append(outgoing)
        mail = message_from_bytes(written.body, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return Receipt(external_id=f"<{len(self.sent)}@us.example>", at=now())

    def edit(self, external_id: str, outgoing: Outgoing) -> Receipt:
        raise AssertionError

    def delete(self, external_id: str, **rest: object) -> None:
        raise AssertionError

    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent:
        return FoundSent("unknown")

    @property
    def code(self) -> str:
        found = re.search(r"\b(\d{8})\b", self.sent[-1].text)
        assert found
        return found[1]

    @property
    def link(self) -> str:
        found = re.search(rf"{BASE}(\S+)", self.sent[-1].text)
        assert found
        return found[1]


def post_open(
    monkeypatch: pytest.MonkeyPatch, *, address: str = "info@us.example"
) -> tuple[Post, ChannelAccount]:
    post = Post()
    monkeypatch.setattr(gateway, "connector_for", lambda account, **rest: post)
    company.set_value("public_url", BASE)
    company.set_value("name", "Bells & Co")
    return post, house.mailbox(address, display_name="Bells & Co")


def deliver_all() -> int:
    claimer, count = Claimer.start(), 0
    while (delivery := deliveries_claim(claimer)) is not None:
        deliver(delivery)
        count += 1
    return count


def jobs_run() -> int:
    """Do what waits, as a worker would; returns how many jobs."""
    rows = list(ProcrastinateJob.objects.filter(status="todo").order_by("id").values("task_name", "args"))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    for row in rows:
        app.tasks[row["task_name"]].func(**row["args"])
    return len(rows)
