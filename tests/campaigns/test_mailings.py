"""Mailings: the dry run says what the sending does, nobody gets it twice, and what is held goes when it may, together."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from kith.campaigns import jobs, selectors
from kith.campaigns.errors import MailingError
from kith.campaigns.models import Mailing, Recipient
from kith.campaigns.queue import held_counts, held_rows
from kith.campaigns.services import check, queue
from kith.campaigns.services.check import mailing_check
from kith.campaigns.services.send import mailing_send, mailing_stop, send, send_part, take_back
from kith.campaigns.words import greeted
from kith.channels.models import Delivery
from kith.channels.outcomes import delivery_clears
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_create
from kith.conversations.models import Conversation, Message
from kith.core import company
from kith.teams.models import Notification, User
from kith.teams.selectors import viewer_of
from kith.trust.models import Consent, ContactPolicy, Decision, Objection, Touch
from kith.trust.services import situation_open_case
from kith.trust.services.held import touches_drop, touches_put_back
from kith.workspace.mailing_lists import list_of_people, list_of_view
from kith.workspace.people_list import PeopleView
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)


class Time:
    """A clock that tests move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = DAY
        for name in (
            "trust.services.gate", "trust.services.held", "trust.services.ledger", "trust.survey", "trust.facts_used",
            "campaigns.services.check", "campaigns.services.send", "campaigns.services.queue", "channels.outbox",
        ):  # fmt: skip
            monkeypatch.setattr(f"kith.{name}.now", lambda: self.at)

    def later(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


@pytest.fixture
def cast(db: object) -> Cast:
    company.set_value("name", "Bicycles Ltd")
    return cast_make()


def people(number: int, *, consent: bool = True) -> list[Contact]:
    found = []
    for n in range(number):
        address = f"p{Contact.objects.count()}-{n}@out.example"
        contact = contact_create(name=f"Paula Number{n}")
        Identity.objects.create(network="email", external_id=address, handle=address, contact=contact)
        Contact.objects.filter(pk=contact.pk).update(
            given_name="Paula", preferred_name="", name_confidence=0.9
        )
        if consent:
            for one in Identity.objects.filter(contact=contact):
                Consent.objects.create(
                    identity=one,
                    purpose="news",
                    channel="email",
                    status="given",
                    given_at=DAY - timedelta(days=400),
                )
        found.append(contact)
    return found


def mailing(cast: Cast, whom: list[Contact], **rest: Any) -> Mailing:
    account = next(a for a in cast.accounts.values() if a.scope_id == cast.everyone.pk)
    values = {
        "title": "Spring", "purpose": "news", "account": account, "subject": "Spring, {name}",
        "text": "Hello {name},\nspring is here.", "people": list_of_people([c.pk for c in whom]), "author": cast.olga,
    } | rest  # fmt: skip
    return Mailing.objects.create(**values)


def sent(cast: Cast, one: Mailing) -> Mailing:
    one = mailing_send(mailing=mailing_check(mailing=one), user=cast.olga)
    send(one.pk)
    one.refresh_from_db()
    return one


def test_a_dry_run_says_who_and_why_and_writes_no_touch(cast: Cast, time: Time) -> None:
    whom = people(5)
    stranger = people(1, consent=False)
    against = Identity.objects.get(contact=whom[0])
    Objection.objects.create(identity=against, purpose="all", made_at=DAY)
    situation_open_case(identity_ids=[Identity.objects.get(contact=whom[1]).pk], case="angry")
    bare = contact_create(name="No Address")
    one = mailing_check(mailing=mailing(cast, [*whom, *stranger, bare]))
    assert one.state == "checked"
    assert one.numbers["outcomes"] == {"allow": 3, "hold": 1, "deny": 2, "none": 1}
    assert {row[1]: row[2] for row in one.numbers["rules"]} == {
        "plain": 3, "open_complaint": 1, "objection": 1, "consent_missing": 1, "no_address": 1,
    }  # fmt: skip
    assert not Touch.objects.exists()
    rows, after = selectors.recipients(one, limit=4)
    more, last = selectors.recipients(one, after=after or 0, limit=4)
    assert len(rows) == 4
    assert len(more) == 3
    assert last is None
    assert {row.who for row in rows + more} >= {"No Address"}
    assert [name for _key, name in selectors.examples(one, ["open_complaint"])["open_complaint"]] == [
        "Paula Number1"
    ]


def test_a_list_of_a_view_is_read_when_it_is_checked(cast: Cast, time: Time) -> None:
    people(3)
    one = mailing_check(mailing=mailing(cast, [], people=list_of_view(PeopleView(network="email"))))
    assert one.total == 3
    people(1)
    assert mailing_check(mailing=one).total == 4


def test_the_facts_that_chose_them_are_looked_at(cast: Cast, time: Time) -> None:
    whom = people(2)
    baby = {"attribute": "pregnancy", "origin": "purchase", "about": "self", "purposes": [], "fact_id": None}
    one = mailing_check(mailing=mailing(cast, whom, based_on=[baby]))
    assert one.numbers["rules"][0][:3] == ["deny", "sensitive", 2]
    gift = baby | {"attribute": "baby_book", "about": "gift"}
    one = mailing_check(mailing=mailing(cast, whom, based_on=[gift]))
    assert one.numbers["rules"][0][:3] == ["hold", "gift", 2]


def test_a_long_list_is_a_job_with_progress_and_changing_it_ends_it(
    cast: Cast, time: Time, monkeypatch: Any
) -> None:
    monkeypatch.setattr(check, "AT_ONCE", 2)
    monkeypatch.setattr(check, "PART", 2)
    one = mailing_check(mailing=mailing(cast, people(5)))
    assert (one.state, one.progress, one.total) == ("checking", 0, 5)
    Mailing.objects.filter(pk=one.pk).update(state="draft")
    check.check(one)
    assert Recipient.objects.count() == 0
    Mailing.objects.filter(pk=one.pk).update(state="checking")
    jobs.check_run(mailing_id=str(one.pk))
    jobs.check_run(mailing_id=str(one.pk))
    one.refresh_from_db()
    assert (one.state, one.progress, Recipient.objects.count()) == ("checked", 5, 5)


def test_sending_reaches_each_once_and_keeps_the_dry_runs_word(
    cast: Cast, time: Time, monkeypatch: Any
) -> None:
    monkeypatch.setattr("kith.campaigns.services.send.PART", 2)
    whom = [*people(3), *people(1, consent=False)]
    one = mailing_send(mailing=mailing_check(mailing=mailing(cast, whom)), user=cast.olga)
    assert send_part(one.pk) == 2  # and the worker dies
    send(one.pk)
    send(one.pk)
    one.refresh_from_db()
    assert (one.state, one.progress) == ("done", 4)
    assert Touch.objects.filter(mailing_id=one.pk).count() == 4
    assert Delivery.objects.count() == Message.objects.filter(direction="out").count() == 3
    message = Message.objects.filter(direction="out").first()
    assert message is not None
    assert (message.subject, message.text) == ("Spring, Paula", "Hello Paula,\nspring is here.")
    assert message.automatic == ""
    assert message.extra["kind"] == "campaign"
    assert Touch.objects.filter(subject_id=message.pk, state="allowed", actor="automation").exists()
    assert set(Conversation.objects.values_list("status", "assignee")) == {("closed", None)}
    assert selectors.became(one) == {"allowed": 3, "denied": 1}


def test_only_managers_send_and_only_what_was_looked_at(cast: Cast, time: Time) -> None:
    one = mailing(cast, people(1))
    with pytest.raises(MailingError, match="Look first"):
        mailing_send(mailing=one, user=cast.olga)
    one = mailing_check(mailing=one)
    with pytest.raises(MailingError, match="manager"):
        mailing_send(mailing=one, user=cast.carl)


def test_a_stop_takes_back_what_has_not_left_and_going_on_sends_to_the_rest(cast: Cast, time: Time) -> None:
    one = sent(cast, mailing(cast, people(3)))
    gone = Delivery.objects.order_by("id").first()
    assert gone is not None
    Delivery.objects.filter(pk=gone.pk).update(state="sent")
    mailing_stop(mailing=one, user=cast.olga)
    take_back(one.pk)
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["cancelled", "cancelled", "sent"]
    assert Recipient.objects.filter(asked_at=None).count() == 2
    one.refresh_from_db()
    mailing_send(mailing=one, user=cast.olga)
    send(one.pk)
    assert sorted(Delivery.objects.values_list("state", flat=True)) == [
        "cancelled", "cancelled", "queued", "queued", "sent",
    ]  # fmt: skip


def test_what_was_held_goes_when_there_is_room_the_first_by_priority_and_together(
    cast: Cast, time: Time
) -> None:
    (paula,) = people(1)
    sent(cast, mailing(cast, [paula], title="First"))
    time.later(hours=1)
    low = sent(cast, mailing(cast, [paula], title="Low", priority=-1, subject="Low", text="low text"))
    high = sent(cast, mailing(cast, [paula], title="High", priority=1, subject="High", text="high text"))
    alone = sent(cast, mailing(cast, [paula], title="Alone", digest=False, text="alone text"))
    viewer = viewer_of(cast.olga)
    rows, _after = held_rows(viewer)
    assert [row.what for row in rows] == ["High", "Alone", "Low"]
    assert held_counts(viewer) == [("pace", 3)]
    assert rows[0].until == DAY + timedelta(days=7)
    assert queue.queue_release() == 0
    time.later(days=7)
    assert queue.queue_release() == 1
    message = Message.objects.filter(direction="out").order_by("-id").first()
    assert message is not None
    assert message.subject == "High"
    assert message.text.index("high text") < message.text.index("low text")
    states = {m.title: Touch.objects.get(mailing_id=m.pk).state for m in (low, high, alone)}
    assert states == {"Low": "merged", "High": "allowed", "Alone": "held"}
    assert Touch.objects.get(mailing_id=low.pk).merged_into == Touch.objects.get(mailing_id=high.pk)
    assert queue.queue_release() == 0  # the first took the place; the other waits a week again
    time.later(days=7, hours=1)
    assert queue.queue_release() == 1
    assert Delivery.objects.count() == 3


def test_a_complaint_that_is_solved_lets_it_go_and_an_objection_meanwhile_ends_it(
    cast: Cast, time: Time
) -> None:
    solved, never = people(2)
    ids = [Identity.objects.get(contact=c).pk for c in (solved, never)]
    situation_open_case(identity_ids=ids, case="angry")
    one = sent(cast, mailing(cast, [solved, never]))
    assert selectors.became(one) == {"held": 2}
    situation_open_case(identity_ids=ids, case="")
    Objection.objects.create(identity_id=ids[1], purpose="all", made_at=DAY)
    time.later(hours=2)
    assert queue.queue_release() == 1
    assert selectors.became(one) == {"allowed": 1, "denied": 1}


def test_sent_anyway_keeps_the_reason_and_what_nobody_may_approve_stays(cast: Cast, time: Time) -> None:
    (paula,) = people(1)
    situation_open_case(identity_ids=[Identity.objects.get(contact=paula).pk], case="angry")
    one = sent(cast, mailing(cast, [paula]))
    touch = Touch.objects.get(mailing_id=one.pk)
    with pytest.raises(MailingError, match="Say why"):
        queue.touch_send_now(touch_id=touch.pk, user=cast.olga, reason="  ")
    said = queue.touch_send_now(touch_id=touch.pk, user=cast.carl, reason="They asked for it")
    assert said is not None
    assert said.rule == "open_complaint"
    assert queue.touch_send_now(touch_id=touch.pk, user=cast.olga, reason="They asked for it") is None
    last = Decision.objects.filter(touch=touch).order_by("-id").first()
    assert last is not None
    assert (last.outcome, last.rule, last.overridden_by, last.override_reason) == (
        "allow", "open_complaint", cast.olga, "They asked for it",
    )  # fmt: skip
    delivery = Delivery.objects.get()
    assert delivery.decision == last
    assert delivery_clears(delivery)  # at the moment of sending the approval still counts
    with pytest.raises(MailingError, match="does not wait"):
        queue.touch_send_now(touch_id=touch.pk, user=cast.olga, reason="again")


def test_dropped_is_out_of_the_queue_until_it_is_put_back(cast: Cast, time: Time) -> None:
    (paula,) = people(1)
    key = Identity.objects.get(contact=paula).pk
    situation_open_case(identity_ids=[key], case="angry")
    one = sent(cast, mailing(cast, [paula]))
    touch = Touch.objects.get(mailing_id=one.pk)
    assert touches_drop([touch.pk]) == [touch.pk]
    assert held_rows(viewer_of(cast.olga))[0] == []
    situation_open_case(identity_ids=[key], case="")
    time.later(hours=2)
    assert queue.queue_release() == 0
    touches_put_back([touch.pk])
    assert queue.queue_release() == 1


def test_too_old_is_given_up_and_told_once(cast: Cast, time: Time) -> None:
    whom = people(3)
    situation_open_case(identity_ids=[Identity.objects.get(contact=c).pk for c in whom], case="angry")
    one = sent(cast, mailing(cast, whom, expires_days=2))
    assert queue.queue_expire() == 0
    time.later(days=3)
    assert queue.queue_expire() == 3
    assert queue.queue_expire() == 0
    assert selectors.became(one) == {"expired": 3}
    told = Notification.objects.get(user=cast.olga, kind="mailing")
    assert told.title.startswith("3 people did not get “Spring”")


def test_the_queue_shows_nothing_of_a_mailbox_that_one_does_not_see(cast: Cast, time: Time) -> None:
    (paula,) = people(1)
    situation_open_case(identity_ids=[Identity.objects.get(contact=paula).pk], case="angry")
    account = next(a for a in cast.accounts.values() if a.scope_id == cast.private.pk)
    sent(cast, mailing(cast, [paula], account=account))
    assert len(held_rows(viewer_of(cast.carl))[0]) == 1
    assert held_rows(viewer_of(cast.ines))[0] == []
    assert held_counts(viewer_of(cast.ines)) == []


def test_a_name_that_nobody_is_sure_of_is_left_out_without_a_gap() -> None:
    assert greeted("Hello {name},", "Steve") == "Hello Steve,"
    assert greeted("Hello {name},\n{name}!", "") == "Hello,\n!"


@pytest.mark.django_db(transaction=True)
def test_workers_that_release_and_send_at_once_send_once(monkeypatch: pytest.MonkeyPatch) -> None:
    company.set_value("name", "Bicycles Ltd")
    cast = cast_make()
    time = Time(monkeypatch)
    whom = people(6)
    first = mailing_send(mailing=mailing_check(mailing=mailing(cast, whom)), user=cast.olga)
    monkeypatch.setattr("kith.campaigns.services.send.PART", 2)
    _together(4, lambda: send(first.pk))
    assert Delivery.objects.count() == Touch.objects.count() == 6
    time.later(hours=1)
    for title in ("Second", "Third"):
        sent(cast, mailing(cast, whom, title=title))
    assert Touch.objects.filter(state="held").count() == 12
    time.later(days=8)
    _together(4, queue.queue_release)
    assert Delivery.objects.count() == 12
    assert Touch.objects.filter(state="merged").count() == 6
    for contact in whom:
        assert Touch.objects.filter(contact=contact, state="allowed", planned_for=time.at).count() == 1


def _together(number: int, work: Any) -> None:
    errors: list[BaseException] = []
    start = threading.Barrier(number)

    def one() -> None:
        start.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_company_policy_counts(cast: Cast, time: Time) -> None:
    ContactPolicy.objects.create(text="[pace]\nweek = 2\nmonth = 9\nyear = 99\ngap_hours = 0\n", made_by=None)
    whom = people(1)
    for number in range(3):
        sent(cast, mailing(cast, whom, title=str(number)))
    assert Delivery.objects.count() == 2
    assert User.objects.count() > 1
