"""Mailings that were joined in one message: when it does not go, each waits for itself, and none goes twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kith.campaigns import selectors
from kith.campaigns.models import Mailing
from kith.campaigns.queue import held_rows
from kith.campaigns.services import queue
from kith.campaigns.services.send import mailing_stop, take_back
from kith.channels.models import Delivery
from kith.channels.outbox import message_unsend
from kith.channels.outcomes import delivery_clears
from kith.contacts.models import Contact, Identity
from kith.conversations.models import Message
from kith.core import company, events
from kith.teams.selectors import viewer_of
from kith.trust.models import Objection, Topic, Touch
from kith.trust.services import situation_open_case
from tests.campaigns.test_mailings import DAY, Time, mailing, people, sent
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


@pytest.fixture
def cast(db: object) -> Cast:
    company.set_value("name", "Bicycles Ltd")
    return cast_make()


@pytest.fixture
def joined(cast: Cast, time: Time) -> tuple[Contact, Mailing, Mailing]:
    """One person, and two mailings that wait to leave in one message, the one with "high text" leading."""
    (paula,) = people(1)
    sent(cast, mailing(cast, [paula], title="First"))
    Delivery.objects.update(state="sent")
    Touch.objects.update(state="made")
    time.later(hours=1)
    low = sent(cast, mailing(cast, [paula], title="Low", priority=-1, subject="Low", text="low text"))
    high = sent(cast, mailing(cast, [paula], title="High", priority=1, subject="High", text="high text"))
    time.later(days=7)
    assert queue.queue_release() == 1
    assert selectors.became(low) == {"merged": 1}
    return paula, high, low


def waiting() -> Delivery:
    return Delivery.objects.get(state="queued")


def leaves(delivery: Delivery) -> bool:
    """As at the moment of sending: a worker has claimed it, and the gate is asked once more."""
    delivery.state = "claimed"
    delivery.save()
    return delivery_clears(delivery)


def identity(contact: Contact) -> Identity:
    return Identity.objects.get(contact=contact)


def object_to(contact: Contact, purpose: str) -> None:
    Objection.objects.create(identity=identity(contact), purpose=purpose, made_at=DAY)


def test_when_the_lead_is_held_at_the_last_moment_the_other_waits_for_itself(
    cast: Cast, time: Time, joined: tuple[Contact, Mailing, Mailing]
) -> None:
    paula, high, low = joined
    situation_open_case(identity_ids=[identity(paula).pk], case="angry")
    assert not leaves(waiting())
    events.pump()
    assert (selectors.became(high), selectors.became(low)) == ({"held": 1}, {"held": 1})
    part = Touch.objects.get(mailing_id=low.pk)
    assert (part.merged_into, part.made_at, part.subject_id) == (None, None, None)
    assert {row.what for row in held_rows(viewer_of(cast.olga))[0]} == {"High", "Low"}
    assert not Message.objects.filter(state="held").exists()
    events.pump()
    situation_open_case(identity_ids=[identity(paula).pk], case="")
    for _week in range(3):
        time.later(days=8)
        queue.queue_release()
        for delivery in Delivery.objects.filter(state="queued"):
            assert leaves(delivery)
            delivery.state = "sent"
            delivery.save()
    gone = Delivery.objects.filter(state="sent").order_by("id").values_list("message__text", flat=True)
    assert [text.split("\n")[0] for text in gone if "text" in text] == ["high text"]
    assert "low text" in gone[1]  # together again, as both may go
    assert (selectors.became(high), selectors.became(low)) == ({"allowed": 1}, {"merged": 1})


def test_when_the_lead_is_denied_the_other_goes_alone(
    cast: Cast, time: Time, joined: tuple[Contact, Mailing, Mailing]
) -> None:
    _paula, high, low = joined
    baby = {"attribute": "pregnancy", "origin": "purchase", "about": "self", "purposes": [], "fact_id": None}
    Touch.objects.filter(mailing_id=high.pk).update(based_on=[baby])
    assert not leaves(waiting())
    events.pump()
    assert (selectors.became(high), selectors.became(low)) == ({"denied": 1}, {"held": 1})
    assert queue.queue_release() == 1
    assert waiting().message.text == "low text"
    assert leaves(waiting())


def test_when_only_what_was_joined_may_not_go_the_lead_goes_without_it(
    cast: Cast, time: Time, joined: tuple[Contact, Mailing, Mailing]
) -> None:
    paula, high, low = joined
    Topic.objects.get_or_create(key="tips", defaults={"name": "Tips"})
    Touch.objects.filter(mailing_id=low.pk).update(purpose="tips")
    object_to(paula, "tips")
    assert not leaves(waiting())
    events.pump()
    assert (selectors.became(high), selectors.became(low)) == ({"held": 1}, {"held": 1})
    queue.queue_release()
    assert waiting().message.text == "high text"
    assert (selectors.became(high), selectors.became(low)) == ({"allowed": 1}, {"denied": 1})
    assert leaves(waiting())


@pytest.mark.parametrize("stopped", ["lead", "joined"])
def test_a_stop_takes_its_own_out_of_the_message_and_the_other_still_goes(
    cast: Cast, time: Time, joined: tuple[Contact, Mailing, Mailing], stopped: str
) -> None:
    _paula, high, low = joined
    ends, goes = (high, low) if stopped == "lead" else (low, high)
    mailing_stop(mailing=ends, user=cast.olga)
    queue.queue_release()  # before the stop has come to its end
    take_back(ends.pk)
    take_back(ends.pk)
    assert selectors.became(ends) == {"waiting": 1}
    time.later(minutes=2)
    queue.queue_release()
    assert waiting().message.text == goes.text
    assert selectors.became(goes) == {"allowed": 1}


def test_what_a_person_takes_back_is_taken_back_with_all_that_is_in_it(
    cast: Cast, time: Time, joined: tuple[Contact, Mailing, Mailing]
) -> None:
    _paula, high, low = joined
    assert message_unsend(message=waiting().message)
    assert (selectors.became(high), selectors.became(low)) == ({"cancelled": 1}, {"cancelled": 1})
    time.at += timedelta(days=9)
    assert queue.queue_release() == 0
