"""Two mailings to the same people while the workers that send them are killed: nobody gets two, nobody is left out, and the
cap holds; the same when one is stopped midway and gone on with."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from kith.base.ids import new_id
from kith.campaigns.models import Mailing, Recipient
from kith.campaigns.services import check, send
from kith.channels.models import Delivery
from kith.contacts.models import Contact, Identity
from kith.conversations.models import Message
from kith.core import company
from kith.teams.models import Division
from kith.trust.models import Consent, ContactPolicy, Touch
from kith.workspace.mailing_lists import list_of_people
from tests.support.cast import Cast, cast_make
from tests.support.telling import Tell
from tests.torture.own_server import OwnServer, own_server
from tests.torture.processes import Nursery, environment

pytestmark = pytest.mark.torture
WORKERS = 2
PATIENCE = 120.0  # seconds in which something happens, even on a busy machine


@dataclass(frozen=True)
class Size:
    people: int
    kills: int
    part: int


@pytest.fixture
def size(full: bool) -> Size:
    return Size(5_000, 20, 100) if full else Size(300, 4, 20)


@pytest.fixture
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[OwnServer, str]]:
    with django_db_blocker.unblock(), own_server() as made:
        yield made


def people(count: int) -> list[Any]:
    keys = [new_id() for _ in range(count)]
    Contact.objects.bulk_create(
        Contact(id=key, canonical_id=key, name=f"Paula {n}", given_name="Paula", name_confidence=0.9)
        for n, key in enumerate(keys)
    )
    identities = Identity.objects.bulk_create(
        Identity(network="email", external_id=f"p{n}@out.example", handle=f"p{n}@out.example", contact_id=key)
        for n, key in enumerate(keys)
    )
    given = datetime.now(UTC) - timedelta(days=400)
    Consent.objects.bulk_create(
        Consent(identity=one, purpose="news", channel="email", status="given", given_at=given)
        for one in identities
    )
    return keys


def mailing(cast: Cast, title: str, whom: list[Any]) -> Mailing:
    """From a division of its own."""
    account = cast.accounts["info" if title == "Spring" else "sales"]
    cast.sales.division = Division.objects.create(name=title)
    cast.sales.save()
    made = Mailing.objects.create(
        title=title, purpose="news", account=account, subject=f"{title}, {{name}}", text=f"{title} for {{name}}.",
        people=list_of_people(whom), author=cast.olga,
    )  # fmt: skip
    Mailing.objects.filter(pk=made.pk).update(state="checking")
    made.refresh_from_db()
    check.check(made)
    made.refresh_from_db()
    assert made.numbers["outcomes"] == {"allow": len(whom)}
    return made


def go_on(mailing: Mailing, cast: Cast) -> None:
    send.mailing_send(mailing=Mailing.objects.get(pk=mailing.pk), user=cast.olga)


class Fire:
    def __init__(self, cast: Cast, nursery: Nursery, mailings: list[Mailing], tell: Tell) -> None:
        self.cast, self.nursery, self.mailings, self.tell = cast, nursery, mailings, tell
        self.workers = [nursery.fork("jobs") for _ in range(WORKERS)]
        self.killed = self.pressed = 0

    def asked(self) -> int:
        return Recipient.objects.exclude(asked_at=None).count()

    def kill(self) -> None:
        """One of the workers, or all of them, at whatever they do."""
        for place in range(WORKERS):
            if random.random() < 0.6 or place == self.killed % WORKERS:
                self.nursery.kill(self.workers[place])
                self.killed += 1
                self.workers[place] = self.nursery.fork("jobs")

    def go(self) -> None:
        """A colleague presses "Go on sending" wherever sending broke off for good."""
        for row in Mailing.objects.filter(pk__in=[m.pk for m in self.mailings], state="stopped"):
            self.pressed += 1
            go_on(row, self.cast)

    def burn(self, kills: int, until: int) -> None:
        """Kill so often, each after some progress, before `until` people have been asked about."""
        begun = self.asked()
        for number in range(1, kills + 1):
            wanted = begun + (until - begun) * number // (kills + 1)
            self.wait(lambda wanted=wanted: self.asked() >= wanted, f"{wanted} of {until}")  # type: ignore[misc]
            time.sleep(random.random() * 0.1)
            self.kill()
            if number % max(kills // 6, 1) == 0:
                self.tell(f"{self.asked()} of {until} asked about, {self.killed} workers killed")

    def wait(self, done: Callable[[], bool], what: str) -> None:
        last, end = -1, time.monotonic() + PATIENCE
        while not done():
            self.go()
            if (now := self.asked()) != last:
                last, end = now, time.monotonic() + PATIENCE
            assert time.monotonic() < end, f"nothing is sent any more before {what}: {states()}"
            time.sleep(0.05)

    def end(self) -> None:
        for worker in self.workers:
            self.nursery.kill(worker)


def states() -> dict[str, Any]:
    return {
        "mailings": list(Mailing.objects.values_list("title", "state", "progress", "total")),
        "touches": dict(Counter(Touch.objects.values_list("state", flat=True))),
    }


def nobody_twice(whom: list[Any]) -> Counter[str]:
    """Each person has one message that goes, whichever mailing it is of; and each delivery is of one touch that was allowed."""
    going = Delivery.objects.exclude(state="cancelled")
    got = Counter(going.values_list("decision__touch__contact_id", flat=True))
    assert got == Counter(whom), "each gets one message, and no more than one"
    allowed = Counter(Touch.objects.filter(state="allowed").values_list("contact_id", flat=True))
    assert allowed == got, "the cap of one a week holds, over both divisions"
    assert going.count() == going.values("message_id").distinct().count()
    return Counter(going.values_list("decision__touch__title", flat=True))


def test_mailings_under_fire(
    size: Size,
    server: tuple[OwnServer, str],
    kith_home: Path,
    tmp_path: Path,
    tell: Tell,
    figures: Callable[[dict[str, object]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _postgres, url = server
    random.seed(8)
    monkeypatch.setattr(send, "UNDO_SECONDS", 0)
    company.set_value("name", "Bicycles Ltd")
    # The test runs at any hour: it is night for nobody.
    ContactPolicy.objects.create(text='[quiet]\nfrom = "04:00"\nuntil = "04:00"\n')
    cast = cast_make()
    whom = people(size.people)
    both = [mailing(cast, title, whom) for title in ("Spring", "Summer")]
    tell(f"two mailings to {size.people} people wait")
    connections.close_all()
    begun = time.monotonic()
    nursery = Nursery(environment(url, kith_home, TORTURE_PART=str(size.part)), tmp_path / "log")
    for one in both:
        go_on(one, cast)
    fire = Fire(cast, nursery, both, tell)
    everybody = 2 * size.people
    try:
        fire.burn(size.kills, everybody)
        fire.wait(
            lambda: Mailing.objects.filter(state="done").count() == 2 and fire.asked() == everybody, "the end"
        )
        shares = nobody_twice(whom)
        assert Touch.objects.count() == everybody, "each was asked about once for each mailing"
        assert Recipient.objects.filter(touch__state__in=("allowed", "held")).count() == everybody, (
            "nobody is lost"
        )
        assert Touch.objects.filter(state="held").count() == size.people
        assert min(shares.values()) > 0

        # Stopped while workers die, and gone on with.
        send.mailing_stop(mailing=Mailing.objects.get(pk=both[0].pk), user=cast.olga)
        taken = Touch.objects.filter(mailing_id=both[0].pk).exclude(state="cancelled")
        before = taken.count()
        for _round in range(max(size.kills // 4, 2)):
            fire_until = time.monotonic() + PATIENCE
            while taken.count() == before and before and time.monotonic() < fire_until:
                time.sleep(0.02)
            before = taken.count()
            fire.kill()
        end = time.monotonic() + PATIENCE
        while Recipient.objects.filter(mailing=both[0]).exclude(asked_at=None).exists():
            assert time.monotonic() < end, states()
            time.sleep(0.1)
        assert not taken.exists(), "all of it is taken back"
        stopped = fire.killed
        go_on(both[0], cast)
        fire.burn(max(size.kills // 4, 1), everybody)
        fire.wait(
            lambda: Mailing.objects.filter(state="done").count() == 2 and fire.asked() == everybody, "the end"
        )
        assert nobody_twice(whom) == shares, (
            "those that it reached first are reached again, and the others not"
        )
        texts = Counter(Message.objects.filter(state="queued").values_list("text", flat=True))
        assert texts == {f"{title} for Paula.": number for title, number in shares.items()}
        counted: dict[str, object] = {
            "people": size.people,
            "mailings": 2,
            "workers killed": fire.killed,
            "of these while it was stopped and gone on with": fire.killed - stopped,
            "gone on with by a person": fire.pressed,
            "twice": 0,
            "lost": 0,
            "above the cap": 0,
            "seconds": round(time.monotonic() - begun),
        }
        tell(json.dumps(counted))
        figures(counted)
    finally:
        fire.end()
        nursery.close()
