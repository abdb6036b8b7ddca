"""Replies go out while workers and PostgreSQL are killed: none is lost, none is sent twice, what is unsure is listed."""

from __future__ import annotations

import contextlib
import json
import queue
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import Error, connection, connections
from django.test import Client
from django.urls import reverse

from kith.channels.models import Delivery
from kith.channels.outbox import Compose, message_send
from kith.contacts.services import identities_observe
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Message, MessageCopy
from kith.conversations.services import messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.networks.models import ChannelAccount
from tests.support import house
from tests.support.mailservers import free_port
from tests.support.telling import Tell
from tests.torture.own_server import OwnServer, own_server
from tests.torture.processes import Nursery, environment, owner_of
from tests.torture.sink import MOMENTS, Held, Sink

pytestmark = pytest.mark.torture
WORKERS = 3
PATIENCE = 240.0  # seconds in which something happens, even on a busy machine


@dataclass(frozen=True)
class Size:
    replies: int
    worker_kills: int
    server_kills: int
    slow: float


@pytest.fixture
def size(full: bool) -> Size:
    if full:
        return Size(2000, 200, 20, 0.05)
    return Size(120, 10, 1, 0.04)


@pytest.fixture
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[OwnServer, str]]:
    with django_db_blocker.unblock(), own_server() as made:
        yield made


def mailbox(sink: Sink) -> ChannelAccount:
    """Sends to the sink; its mailbox can't be read, so that what was interrupted can't be found either."""
    values = {
        "address": "info@us.example",
        "host": "127.0.0.1",
        "port": str(free_port()),
        "security": "none",
        "smtp_host": "127.0.0.1",
        "smtp_port": str(sink.port),
        "smtp_security": "none",
        "smtp_username": "-",
        "sent_copy": "none",
    }
    address = "info@us.example"
    return house.account(
        "email", address=address, external_id=address, settings=values, secrets={"password": "x"}
    )


@contextlib.contextmanager
def not_waiting_for_the_disk() -> Iterator[None]:
    """Commits inside the block are on disk at its end, all at once."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        yield
        cursor.execute("SET synchronous_commit = on")
        cursor.execute(
            "UPDATE teams_user SET name = name"
        )  # takes to the disk what was written before it, too


def queue_replies(account: ChannelAccount, count: int) -> dict[str, str]:
    """Answers to as many people who have written; gives message ids by delivery ids."""
    mara = house.user()
    place = Place("email", account.scope_id, account.pk, house.LONG_AGO)
    people = [
        ObservedIdentity("email", f"p{n}@out.example", handle=f"p{n}@out.example") for n in range(count)
    ]
    asked = [
        IncomingMessage(
            f"q{n}@out.example",
            datetime.now(UTC),
            (IncomingParticipant(person, "from"),),
            f"Question {n}",
            thread_keys=(f"q{n}",),
            own_key=f"q{n}",
        )
        for n, person in enumerate(people)
    ]
    found: dict[str, str] = {}
    known = identities_observe(people)
    for begin in range(0, count, 200):
        for row, person in zip(
            messages_record(place, asked[begin : begin + 200]), people[begin : begin + 200], strict=True
        ):
            result = message_send(
                Compose(
                    user=mara,
                    account=account,
                    text="An answer",
                    recipients=((known[person.key].id, "to"),),
                    conversation_id=row.conversation_id,
                    reply_to=Message.objects.get(pk=row.message_id),
                    undo_seconds=0,
                )
            )
            assert result.verdict.outcome == "allow"
            found[str(result.delivery_id)] = str(result.message_id)
    return found


def states() -> Counter[str]:
    """How many deliveries are in which state; waits for a server that has just been killed."""
    for _ in range(600):
        try:
            return Counter(Delivery.objects.values_list("state", flat=True))
        except (Error, psycopg.Error):
            connection.close()
            time.sleep(0.2)
    raise AssertionError("the server does not come back")


def stops_of(size: Size) -> list[int]:
    """At which moments of the mails workers are killed: spread over three quarters of all that there will be."""
    step = size.replies * len(MOMENTS) * 3 // 4 // size.worker_kills
    return [step * n + random.randrange(step) for n in range(size.worker_kills)]


class Fire:
    """Kills workers, and the server, while a mail is at a known moment of being sent."""

    def __init__(self, size: Size, postgres: OwnServer, sink: Sink, nursery: Nursery, tell: Tell) -> None:
        self.size, self.postgres, self.sink, self.nursery, self.tell = size, postgres, sink, nursery, tell
        self.workers = [nursery.fork("send") for _ in range(WORKERS)]
        self.killed, self.servers_killed = 0, 0
        self.moments = Counter[str]()

    def kill_all(self) -> None:
        while self.killed < self.size.worker_kills:
            try:
                held = self.sink.held.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"nothing is sent any more: {states()}") from None
            self.strike(held)
            if self.killed % max(10, self.size.worker_kills // 20) == 0:
                self.tell(
                    f"{len(self.sink.taken)} of {self.size.replies} mails taken, {self.killed} of {self.size.worker_kills} "
                    f"workers and {self.servers_killed} of {self.size.server_kills} servers killed"
                )

    def strike(self, held: Held) -> None:
        """Every other time the one who speaks dies in the middle of it, else any of them, at whatever it does."""
        place = random.randrange(WORKERS)
        if self.killed % 2 == 0:
            speaker = owner_of(held.port, self.workers)
            place = self.workers.index(speaker) if speaker else place
        elif held.moment == "told":
            held.go()  # what comes next is the confirmation
        server_too = (
            self.servers_killed < (self.killed + 1) * self.size.server_kills // self.size.worker_kills
        )
        if server_too:
            self.postgres.kill()
            self.servers_killed += 1
            if random.random() < 0.5:
                held.go()  # it is sent, or not, and there is nobody to tell
        self.nursery.kill(self.workers[place])
        self.killed += 1
        self.moments[held.moment] += 1
        if server_too:
            self.postgres.start()
        self.workers[place] = self.nursery.fork("send")
        held.go()

    def end(self) -> None:
        for worker in self.workers:
            self.nursery.kill(worker)

    def until_settled(self) -> None:
        """Wait until each is sent or uncertain; as long as something happens, it may take its time."""
        last, end, told = states(), time.monotonic() + PATIENCE, time.monotonic()
        while (left := states()) and (left["queued"] or left["claimed"]):
            if left != last:
                last, end = left, time.monotonic() + PATIENCE
            if time.monotonic() - told > 10:
                told = time.monotonic()
                self.tell(f"the rest: {dict(left)}")
            assert time.monotonic() < end, left
            time.sleep(0.5)


def uncertain() -> set[str]:
    return {str(key) for key in Delivery.objects.filter(state="unknown").values_list("id", flat=True)}


def decide_by_buttons(account: ChannelAccount, arrived: Callable[[str], bool]) -> int:
    """Go to the channel's page, as an administrator does, look each of them up on the network, and press its button."""
    boss = house.user("Boss", role="admin")
    client = Client()
    client.force_login(boss, backend="allauth.account.auth_backends.AuthenticationBackend")
    page, pressed = reverse("settings:channel", args=[account.pk]), 0
    button = re.compile(re.escape(page) + r"[a-z/]*/([0-9a-f-]{36})/")
    while listed := set(button.findall(client.get(page).content.decode())) & uncertain():
        for delivery in listed:
            was = "sent" if arrived(delivery) else "not_sent"
            address = reverse("settings:delivery_decide", args=[account.pk, delivery])
            assert client.post(address, {"was": was}).status_code == 302
            pressed += 1
    return pressed


def test_replies_under_fire(
    size: Size,
    server: tuple[OwnServer, str],
    kith_home: Path,
    tmp_path: Path,
    tell: Tell,
    figures: Callable[[dict[str, object]], None],
) -> None:
    postgres, url = server
    random.seed(4)
    with Sink(size.slow, stops_of(size)) as sink:
        account = mailbox(sink)
        with not_waiting_for_the_disk():
            queued = queue_replies(account, size.replies)
        tell(f"{len(queued)} replies wait")
        connections.close_all()
        begun = time.monotonic()
        nursery = Nursery(environment(url, kith_home, TORTURE_ORPHAN_AFTER="3"), tmp_path / "log")
        fire = Fire(size, postgres, sink, nursery, tell)
        try:
            fire.kill_all()
            fire.until_settled()
            before, unsure = Counter(sink.taken), uncertain()
            time.sleep(4)  # longer than the time after which an orphan is looked for: nothing may stir
            assert sink.taken == before
            assert uncertain() == unsure

            wanted = {d: f"kith.{m}@us.example" for d, m in queued.items()}
            rows = {str(d.pk): d for d in Delivery.objects.all()}
            sent = {d for d, row in rows.items() if row.state == "sent"}
            arrived = set(sink.taken)
            counted: dict[str, object] = {
                "replies": len(queued),
                "workers killed": fire.killed,
                "while a mail was": dict(fire.moments),
                "servers killed": fire.servers_killed,
                "sent": len(sent),
                "unsure, arrived": sum(wanted[d] in arrived for d in unsure),
                "unsure, not arrived": sum(wanted[d] not in arrived for d in unsure),
                "twice": sum(n > 1 for n in sink.taken.values()),
                "seconds": round(time.monotonic() - begun),
            }
            tell(json.dumps(counted))
            figures(counted)
            assert set(rows) == set(queued), "none is lost, none is added"
            assert sent | unsure == set(queued), "each is certain, or listed as unsure"
            assert {wanted[d] for d in sent} <= arrived, "what is told as sent has arrived"
            assert arrived <= set(wanted.values())
            assert counted["twice"] == 0
            assert all(Message.objects.get(pk=queued[d]).state == "unknown" for d in unsure), (
                "a person sees each of them on its message"
            )
            # Uncertain is at most what was in flight: one with each worker, and with a server what all of them had.
            assert len(unsure) <= fire.killed + WORKERS * fire.servers_killed

            assert decide_by_buttons(account, lambda d: wanted[d] in arrived) == len(unsure)
            fire.until_settled()
            assert states() == {"sent": len(queued)}
            assert sink.taken == Counter(wanted.values()), "in the end each has arrived, once"
        finally:
            fire.end()
            nursery.close()
        assert MessageCopy.objects.filter(first_in_thread=True).count() == 2 * len(queued)
