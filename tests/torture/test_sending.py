"""Replies go out while workers and PostgreSQL are killed: none is lost, none is sent twice, what is unsure is listed."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import Error, connection, connections

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
from tests.torture.own_server import OwnServer, own_server
from tests.torture.processes import Nursery, environment
from tests.torture.sink import Sink

pytestmark = pytest.mark.torture


@dataclass(frozen=True)
class Size:
    replies: int
    worker_kills: int
    server_kills: int
    slow: float


@pytest.fixture
def size(request: pytest.FixtureRequest) -> Size:
    if request.config.getoption("--torture") == "full":
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


def queue(account: ChannelAccount, count: int) -> dict[str, str]:
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
    for _ in range(100):
        try:
            return Counter(Delivery.objects.values_list("state", flat=True))
        except (Error, psycopg.Error):
            connection.close()
            time.sleep(0.2)
    raise AssertionError("the server does not come back")


def test_replies_under_fire(
    size: Size, server: tuple[OwnServer, str], kith_home: Path, tmp_path: Path
) -> None:
    postgres, url = server
    random.seed(4)
    with Sink(size.slow) as sink:
        account = mailbox(sink)
        queued = queue(account, size.replies)
        connections.close_all()
        environ = environment(url, kith_home, TORTURE_ORPHAN_AFTER="3")
        nursery = Nursery(environ, tmp_path / "log")
        begun = time.monotonic()
        workers = [nursery.fork("send") for _ in range(3)]
        killed, servers_killed, unknown_seen = 0, 0, set[str]()
        try:
            while killed < size.worker_kills or servers_killed < size.server_kills:
                time.sleep(random.uniform(0.05, 0.6))
                place = random.randrange(len(workers))
                nursery.kill(workers[place])
                killed += 1
                workers[place] = nursery.fork("send")
                due = killed * size.server_kills // size.worker_kills
                if servers_killed < min(due, size.server_kills):
                    postgres.kill()
                    servers_killed += 1
                    time.sleep(random.uniform(0, 0.5))
                    postgres.start()
                assert time.monotonic() - begun < 1500, "it does not come to an end"
            end = time.monotonic() + 600
            while (left := states()) and (left["queued"] or left["claimed"]):
                unknown_seen |= _unknown()
                assert time.monotonic() < end, left
                time.sleep(0.5)
            before = Counter(sink.taken)
            uncertain = _unknown()
            time.sleep(4)  # longer than the time after which an orphan is looked for: nothing may stir
            assert sink.taken == before
            assert _unknown() == uncertain >= unknown_seen
        finally:
            for worker in workers:
                nursery.kill(worker)
            nursery.close()

        wanted = {d: f"kith.{m}@us.example" for d, m in queued.items()}
        rows = {str(d.pk): d for d in Delivery.objects.all()}
        sent = {d for d, row in rows.items() if row.state == "sent"}
        unknown = {d for d, row in rows.items() if row.state == "unknown"}
        arrived = set(sink.taken)
        figures = {
            "replies": len(queued),
            "workers killed": killed,
            "servers killed": servers_killed,
            "sent": len(sent),
            "unsure, arrived": sum(wanted[d] in arrived for d in unknown),
            "unsure, not arrived": sum(wanted[d] not in arrived for d in unknown),
            "twice": sum(n > 1 for n in sink.taken.values()),
            "seconds": round(time.monotonic() - begun),
        }
        print("\n" + json.dumps(figures))
        assert set(rows) == set(queued), "none is lost, none is added"
        assert sent | unknown == set(queued), "each is certain, or listed as unsure"
        assert {wanted[d] for d in sent} <= arrived, "what is told as sent has arrived"
        assert arrived <= set(wanted.values())
        assert figures["twice"] == 0
        assert all(Message.objects.get(pk=queued[d]).state == "unknown" for d in unknown), (
            "a person sees each of them on its message"
        )
        # An uncertain one costs at most what was in flight: three workers at each kill, and all three with the server.
        assert len(unknown) <= killed + 3 * servers_killed
        assert MessageCopy.objects.filter(first_in_thread=True).count() == 2 * len(queued)


def _unknown() -> set[str]:
    return {str(key) for key in Delivery.objects.filter(state="unknown").values_list("id", flat=True)}
