"""The gate against its rows: one person over all identities, one ledger for all divisions, asked again when it goes."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from kith.base import clock
from kith.base.clock import now
from kith.base.ids import new_id
from kith.channels.compose import Compose
from kith.channels.models import Delivery
from kith.channels.outbox import message_release, message_send
from kith.channels.outcomes import delivery_clears
from kith.contacts.models import Contact, Fact, Identity, IdentityLink
from kith.contacts.services import contact_create, contact_for_identity, fact_forget, fact_record
from kith.conversations.models import Message
from kith.teams.models import Division, User
from kith.trust.gather import gather
from kith.trust.models import (
    Consent,
    ContactPolicy,
    Decision,
    Invitation,
    Objection,
    Preference,
    Suppression,
    Touch,
)
from kith.trust.services import (
    GateRefused,
    TouchRequest,
    fact_infer,
    identity_link_ask,
    situation_open_case,
    suppression_add,
    touch_request,
    touch_request_each,
    touches_cancel,
    touches_made,
    touches_recheck,
)
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 5, 12, 9, 0, tzinfo=clock.now().tzinfo)


@pytest.fixture
def cast(db: object) -> Cast:
    return cast_make()


@pytest.fixture(autouse=True)
def by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate's night would hold offers whenever the tests run late."""
    _policy('[quiet]\nfrom = "00:00"\nuntil = "00:00"\n')


def _policy(text: str) -> None:
    ContactPolicy.objects.create(text=text)


def identity(name: str, contact: Contact | None = None) -> Identity:
    return Identity.objects.create(network="email", external_id=name, handle=name, contact=contact)


def agree(*identities: Identity, purpose: str = "offers", status: str = "given", ago: int = 9) -> None:
    for one in identities:
        Consent.objects.create(
            identity=one,
            purpose=purpose,
            channel="email",
            status=status,
            given_at=now() - timedelta(days=ago),
        )


def offer(*identities: Identity, **rest: Any) -> TouchRequest:
    return TouchRequest(
        kind="campaign",
        channel="email",
        network="email",
        identity_ids=tuple(one.pk for one in identities),
        actor="automation",
        purpose="offers",
        subject_id=new_id(),
        **rest,
    )


@pytest.fixture
def two(cast: Cast) -> tuple[Identity, Identity]:
    """One person at two addresses."""
    contact = contact_create(name="Ada")
    home, work = identity("ada@home.example", contact), identity("ada@work.example", contact)
    agree(home, work)
    return home, work


def test_what_one_address_had_counts_for_the_other(two: tuple[Identity, Identity]) -> None:
    home, work = two
    books, toys = (Division.objects.create(name=name) for name in ("Books", "Toys"))
    assert touch_request(offer(home, division_id=books.pk)).allowed
    second = touch_request(offer(work, division_id=toys.pk))
    assert (second.allowed, second.verdict.rule) == (False, "pace")
    held = Touch.objects.get(pk=second.touch_ids[0])
    row = held.decisions.get()
    assert (held.state, held.division, row.outcome) == ("held", toys, "hold")
    assert row.sentence == "Offers from us within a week: 1 (Books 1). The most is 1."
    assert row.until is not None


def test_merged_people_share_a_ledger(cast: Cast) -> None:
    from kith.contacts.services import contact_merge

    one, other = contact_create(name="Ada"), contact_create(name="Ada L.")
    left, right = identity("a@x.example", one), identity("b@x.example", other)
    agree(left, right)
    assert touch_request(offer(left)).allowed
    contact_merge(survivor=one, loser=other)
    assert touch_request(offer(right)).verdict.rule == "pace"


def test_held_denied_and_cancelled_touches_take_no_place(two: tuple[Identity, Identity]) -> None:
    first = touch_request(offer(two[0]))
    touches_cancel(Touch.objects.get(pk=first.touch_ids[0]).subject_id or uuid.uuid4())
    again = touch_request(offer(two[0]))
    assert again.allowed
    touches_made(again.touch_ids)
    assert touch_request(offer(two[0])).verdict.rule == "pace"


def test_one_recipient_holds_the_whole_message_but_not_a_mailing(
    two: tuple[Identity, Identity], cast: Cast
) -> None:
    stranger = identity("stranger@x.example")
    together = touch_request(offer(two[0], stranger))
    assert not together.allowed
    assert together.verdict.rule == "consent_missing"
    each = touch_request_each(offer(two[0], stranger))
    assert {key: result.allowed for key, result in each.items()} == {two[0].pk: True, stranger.pk: False}


def test_consent_withdrawn_anywhere_holds_for_the_person_until_they_say_otherwise(
    two: tuple[Identity, Identity],
) -> None:
    home, work = two
    agree(home, status="withdrawn", ago=5)
    assert touch_request(offer(work)).verdict.rule == "consent_withdrawn"
    agree(work, ago=1)
    assert touch_request(offer(work)).allowed
    agree(home, status="withdrawn", purpose="all", ago=0)
    assert touch_request(offer(work)).verdict.rule == "unsubscribed"


def test_what_is_only_asked_for_is_no_consent(cast: Cast) -> None:
    one = identity("new@x.example")
    agree(one, status="asked")
    assert touch_request(offer(one)).verdict.rule == "consent_missing"


def test_wishes_objections_and_complaints_reach_the_gate(two: tuple[Identity, Identity]) -> None:
    home, work = two
    Preference.objects.create(identity=home, per_month=0)
    assert touch_request(offer(work)).verdict.rule == "wish"
    Preference.objects.update(per_month=None, paused_until=now() + timedelta(days=3))
    assert touch_request(offer(work)).verdict.rule == "paused"
    Preference.objects.all().delete()
    situation_open_case(identity_ids=[home.pk], case="angry")
    assert touch_request(offer(work)).verdict.rule == "open_complaint"
    situation_open_case(identity_ids=[home.pk], case="")
    Objection.objects.create(identity=home, made_at=now())
    assert touch_request(offer(work)).verdict.rule == "objection"


def test_the_companys_policy_counts_from_the_next_touch_on(two: tuple[Identity, Identity]) -> None:
    assert touch_request(offer(two[0])).allowed
    assert touch_request(offer(two[0])).verdict.rule == "pace"
    _policy('[quiet]\nfrom = "00:00"\nuntil = "00:00"\n[pace]\nweek = 9\ngap_hours = 0\n')
    assert touch_request(offer(two[0])).allowed


def test_who_may_send_a_held_one_anyway(two: tuple[Identity, Identity], cast: Cast) -> None:
    assert touch_request(offer(two[0])).allowed
    again = touch_request(offer(two[0], user=cast.carl), override_reason="they asked me to")
    assert not again.allowed  # an agent may not
    by_olga = touch_request(offer(two[0], user=cast.olga), override_reason="they asked me to")
    assert by_olga.allowed
    row = Decision.objects.get(touch_id=by_olga.touch_ids[0])
    assert (row.outcome, row.rule, row.overridden_by, row.override_reason) == (
        "allow",
        "pace",
        cast.olga,
        "they asked me to",
    )
    User.objects.exclude(pk=cast.carl.pk).update(is_active=False)
    alone = touch_request(offer(two[0], user=cast.carl), override_reason="nobody else is here")
    assert alone.allowed


def test_a_denial_is_never_overridden(cast: Cast) -> None:
    one = identity("stranger@x.example")
    assert not touch_request(offer(one, user=cast.olga), override_reason="please").allowed


def test_no_delivery_without_a_decision_that_allows(two: tuple[Identity, Identity], cast: Cast) -> None:
    """By the database itself, whoever writes the row."""
    sent = _reply(cast)
    held = touch_request(offer(identity("stranger@x.example")))
    denied = Decision.objects.get(touch_id=held.touch_ids[0])
    delivery = Delivery.objects.get(message_id=sent)
    for change in ({"decision": denied}, {"decision": denied, "outcome": "deny"}, {"decision_id": new_id()}):
        with pytest.raises(IntegrityError):
            _change(delivery, change)


@transaction.atomic
def _change(delivery: Delivery, change: dict[str, Any]) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(**change)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _reply(cast: Cast, **rest: Any) -> uuid.UUID:
    recorded = cast.mail(cast.sales_scope)
    message = Message.objects.get(pk=recorded.message_id)
    assert message.sender_id
    result = message_send(
        Compose(
            user=cast.carl,
            account=cast.accounts["sales"],
            text="Hello",
            recipients=((message.sender_id, "to"),),
            conversation_id=recorded.conversation_id,
            reply_to=message,
            thread=message.copies.get().thread,
            undo_seconds=0,
            **rest,
        )
    )
    assert result.delivery_id, result.verdict
    return result.message_id


def test_what_is_forbidden_before_it_leaves_does_not_leave(cast: Cast) -> None:
    key = _reply(cast)
    delivery = Delivery.objects.get(message_id=key)
    Delivery.objects.filter(pk=delivery.pk).update(state="claimed", claimed_by=delivery.claimed_by)
    assert delivery_clears(delivery)
    suppression_add(network="email", address="ada@outside.example")
    assert not delivery_clears(Delivery.objects.get(pk=delivery.pk))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == ("cancelled", "They asked never to be contacted here.")
    assert Message.objects.get(pk=key).state == "held"
    touch = Touch.objects.get(subject_id=key)
    assert touch.state == "denied"
    assert [row.outcome for row in touch.decisions.order_by("created_at")] == ["allow", "deny"]
    # And a person who asks again hears the same.
    assert message_release(Message.objects.get(pk=key), user=cast.olga).rule == "suppressed"
    # When nothing speaks against it any more, it leaves after all, under the key that the network would know it by.
    Suppression.objects.all().delete()
    assert message_release(Message.objects.get(pk=key), user=cast.olga).outcome == "allow"
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error, delivery.idempotency_key) == ("queued", "", key)
    assert delivery_clears(delivery)


def test_an_offer_in_the_queue_stops_when_they_unsubscribe(two: tuple[Identity, Identity]) -> None:
    request = offer(two[0])
    assert touch_request(request).allowed
    assert request.subject_id
    assert touches_recheck(request.subject_id) is None  # it does not count itself
    agree(two[1], purpose="all", status="withdrawn", ago=0)
    verdict = touches_recheck(request.subject_id)
    assert verdict is not None
    assert verdict.rule == "unsubscribed"


def test_what_a_person_sent_anyway_stays_sent_anyway(two: tuple[Identity, Identity], cast: Cast) -> None:
    assert touch_request(offer(two[0])).allowed
    request = offer(two[0], user=cast.olga)
    assert touch_request(request, override_reason="yes").allowed
    assert request.subject_id
    assert touches_recheck(request.subject_id) is None
    agree(two[0], purpose="all", status="withdrawn", ago=0)
    assert touches_recheck(request.subject_id) is not None


def test_a_fact_that_was_forgotten_takes_the_offer_with_it(two: tuple[Identity, Identity]) -> None:
    from kith.trust.facts_used import used_facts

    assert two[0].contact_id
    fact = fact_record(
        contact_id=two[0].contact_id, attribute="likes", value="bells", source="told_us", purposes=["offers"]
    )
    request = offer(two[0], based_on=used_facts([fact.pk]))
    assert touch_request(request).allowed
    assert request.subject_id
    assert touches_recheck(request.subject_id) is None
    fact_forget(fact=fact)
    verdict = touches_recheck(request.subject_id)
    assert verdict is not None
    assert verdict.rule == "source_deleted"


def test_public_talk_is_not_followed_home(cast: Cast) -> None:
    said = cast.mail(cast.sales_scope, visibility="public")
    message = Message.objects.get(pk=said.message_id)
    assert message.sender_id
    compose = Compose(
        user=cast.carl,
        account=cast.accounts["sales"],
        text="Hello",
        recipients=((message.sender_id, "to"),),
        conversation_id=said.conversation_id,
        reply_to=message,
        thread=message.copies.get().thread,
    )
    from kith.channels.compose import verdict_preview

    assert verdict_preview(compose).rule == "channel_jump"
    Invitation.objects.create(
        identity_id=message.sender_id, quote="mail me", ends_at=now() + timedelta(days=30)
    )
    assert verdict_preview(compose).outcome == "allow"


def test_linking_asks_the_gate_and_leaves_a_decision(cast: Cast) -> None:
    cast.mail(cast.everyone)
    ada = Identity.objects.get(external_id="ada@outside.example")
    contact = contact_create(name="Ada")
    with pytest.raises(GateRefused) as refused:
        identity_link_ask(identity=ada, contact=contact, basis=IdentityLink.Basis.BY_HAND, user=None)
    assert refused.value.verdict.rule == "identity_evidence"
    ada.refresh_from_db()
    assert ada.contact_id is None
    identity_link_ask(
        identity=ada,
        contact=contact,
        basis=IdentityLink.Basis.BY_HAND,
        user=cast.carl,
        evidence={"words": "met her"},
    )
    row = Decision.objects.get(touch__kind="link_identity")
    assert (row.outcome, row.rule, row.override_reason) == ("allow", "identity_evidence", "met her")
    visitor = Identity.objects.create(network="chat", external_id="v1")
    with pytest.raises(GateRefused) as by_network:
        identity_link_ask(identity=visitor, contact=contact, basis=IdentityLink.Basis.BY_HAND, user=cast.carl)
    assert by_network.value.verdict.rule == "network_link"


def test_nothing_sensitive_is_inferred_and_what_is_may_be_traced(cast: Cast) -> None:
    cast.mail(cast.everyone)
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    book = fact_record(
        contact_id=contact.pk,
        attribute="bought",
        value="a baby book",
        source="purchase",
        purposes=["interest"],
        about="unknown",
    )
    for attribute, rule in (("pregnancy", "sensitive"), ("interest.babies", "gift")):
        with pytest.raises(GateRefused) as refused:
            fact_infer(
                contact_id=contact.pk,
                attribute=attribute,
                value="yes",
                based_on=[book.pk],
                purpose="interest",
                confidence=0.6,
            )
        assert refused.value.verdict.rule == rule
    Fact.objects.filter(pk=book.pk).update(about="self")
    made = fact_infer(
        contact_id=contact.pk,
        attribute="interest.books",
        value="yes",
        based_on=[book.pk],
        purpose="interest",
        confidence=0.6,
    )
    assert made.source == "inferred"
    touch = Touch.objects.get(kind="infer", state="allowed")
    assert touch.based_on[0]["fact_id"] == str(book.pk)


def test_facts_are_read_for_many_in_a_fixed_number_of_statements(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    contacts = [contact_create(name=f"P{n}") for n in range(60)]
    ids = [identity(f"p{n}@x.example", c).pk for n, c in enumerate(contacts)]
    with django_assert_num_queries(2):
        gather(ids[:50], moment=now())
    with django_assert_num_queries(7):
        found = gather(ids, moment=now())
    assert len(found.facts) == 60


def test_many_are_told_the_same_as_a_few_and_touches_of_no_message_count(cast: Cast) -> None:
    contacts = [contact_create(name=f"P{n}") for n in range(60)]
    ids = []
    for n, contact in enumerate(contacts):
        home, work = identity(f"h{n}@x.example", contact), identity(f"w{n}@x.example", contact)
        ids += [home.pk, work.pk]
        if n % 2:
            agree(home, ago=n + 9)
            agree(work, status="withdrawn", ago=20)
            agree(home, purpose="all", status="withdrawn" if n % 3 else "given", ago=n)
        if n % 5 == 0:
            Objection.objects.create(identity=work, purpose="offers", made_at=now())
            suppression_add(network="email", address=f"h{n}@x.example", channel="sms")
        for back in range(n % 4):
            Touch.objects.create(
                identity=home,
                kind="campaign",
                channel="email",
                state="made",
                planned_for=now() - timedelta(days=back),
            )
    moment = now()
    many = gather(ids, moment=moment).facts
    few = {
        key: facts
        for n in range(0, 120, 20)
        for key, facts in gather(ids[n : n + 20], moment=moment).facts.items()
    }
    for key in ids:
        assert {**_plain(many[key])} == {**_plain(few[key])}
    assert sum(len(facts.touches) for facts in few.values()) == 2 * sum(n % 4 for n in range(60))


def _plain(facts: Any) -> dict[str, Any]:
    found = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    return found | {"touches": sorted(facts.touches, key=lambda touch: touch.at)}


@pytest.mark.django_db(transaction=True)
def test_divisions_at_the_same_time_never_exceed_a_cap() -> None:
    _concurrent(people=3, senders=4, asks=24)


def _concurrent(*, people: int, senders: int, asks: int) -> None:
    """Each sender asks for each person again and again, in transactions of its own; the ledger holds the caps."""
    cast_make()
    _policy(
        '[quiet]\nfrom = "00:00"\nuntil = "00:00"\n[pace]\nweek = 3\nmonth = 3\nyear = 3\ngap_hours = 0\n'
    )
    pairs = []
    for number in range(people):
        contact = contact_create(name=f"P{number}")
        pairs.append([identity(f"{number}{side}@x.example", contact) for side in "ab"])
    agree(*(one for pair in pairs for one in pair))
    divisions = [Division.objects.create(name=f"D{n}") for n in range(senders)]
    allowed: list[int] = []
    errors: list[BaseException] = []
    start = threading.Barrier(senders)

    def send(number: int) -> None:
        start.wait()
        try:
            for turn in range(asks):
                pair = pairs[(turn + number) % people]
                result = touch_request(offer(pair[turn % 2], division_id=divisions[number].pk))
                allowed.append(result.allowed)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(n,)) for n in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(allowed) == senders * asks == Touch.objects.count()
    for pair in pairs:
        made = Touch.objects.filter(identity__in=pair, state="allowed").count()
        assert made == 3


@pytest.mark.torture
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_eight_senders_and_ten_thousand_touches_never_exceed_a_cap() -> None:
    _concurrent(people=100, senders=8, asks=1250)
