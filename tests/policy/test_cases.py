"""The twenty-two cases that decide whether the gate is right, through the format that `kith decide` reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kith.policy.file import default_rules
from kith.policy.wire import decide_line

NOW = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)  # a Tuesday, ten in the morning in London
CONSENT = {"channel": "email", "purpose": "newsletter", "status": "given"}
CUSTOMER: dict[str, Any] = {
    "time_zone": "Europe/London",
    "customer": True,
    "preferred_name": None,
    "name_confidence": 0.95,
    "consents": [CONSENT],
}
STRANGER: dict[str, Any] = {"time_zone": "Europe/London"}
NEWSLETTER = {"kind": "campaign", "channel": "email", "purpose": "newsletter", "actor": "automation"}
CAR = {
    "attribute": "wants a car",
    "origin": "public_post",
    "about": "self",
    "purposes": ["car sales"],
}
ANSWER_IN_PUBLIC = {
    "kind": "outreach",
    "channel": "public",
    "purpose": "car sales",
    "actor": "person",
    "based_on": [CAR],
}


def mails(*days_ago: float, divisions: tuple[str, ...] = ("Books",)) -> list[dict[str, Any]]:
    return [
        {
            "at": (NOW - timedelta(days=days)).isoformat(),
            "division": divisions[n % len(divisions)],
            "channel": "email",
            "kind": "campaign",
        }
        for n, days in enumerate(days_ago)
    ]


def bought(about: str, attribute: str = "baby books") -> dict[str, Any]:
    return {"attribute": attribute, "origin": "purchase", "about": about, "purposes": ["offers"]}


CASES: list[tuple[int, str, dict[str, Any], dict[str, Any], str, str]] = [
    (
        1,
        "38 mails in a year, one more newsletter",
        NEWSLETTER,
        {**CUSTOMER, "touches": mails(*(9 + 9.3 * n for n in range(38)))},
        "hold",
        "pace",
    ),
    (
        2,
        "third mailer this week, each from another division",
        {**NEWSLETTER, "division": "Toys"},
        {**CUSTOMER, "touches": mails(1, 4, divisions=("Books", "Garden"))},
        "hold",
        "pace",
    ),
    (
        3,
        "a mangled name",
        {**NEWSLETTER, "name_used": "Stphn"},
        {**CUSTOMER, "name_confidence": 0.1},
        "hold",
        "name",
    ),
    (
        4,
        "Stephen, who goes by Steve",
        {**NEWSLETTER, "name_used": "Stephen"},
        {**CUSTOMER, "preferred_name": "Steve"},
        "hold",
        "name",
    ),
    (
        5,
        "a baby book, so pregnancy",
        {
            "kind": "infer",
            "channel": "none",
            "purpose": "offers",
            "actor": "automation",
            "based_on": [bought("self", "pregnancy")],
        },
        CUSTOMER,
        "deny",
        "sensitive",
    ),
    (
        6,
        "a baby book for someone, so baby offers",
        {**NEWSLETTER, "purpose": "offers", "based_on": [bought("gift")]},
        CUSTOMER,
        "hold",
        "gift",
    ),
    (7, "looking for a car in public; a person answers there", ANSWER_IN_PUBLIC, STRANGER, "allow", "plain"),
    (8, "the same, by phone", {**ANSWER_IN_PUBLIC, "channel": "phone"}, STRANGER, "deny", "channel_jump"),
    (
        9,
        "the same, by automation",
        {**ANSWER_IN_PUBLIC, "actor": "automation"},
        STRANGER,
        "deny",
        "outreach_automation",
    ),
    (
        10,
        "mentioned a band; sell tickets",
        {
            **NEWSLETTER,
            "purpose": "tickets",
            "based_on": [
                {
                    "attribute": "likes the Grateful Dead",
                    "origin": "public_post",
                    "about": "self",
                    "purposes": [],
                }
            ],
        },
        CUSTOMER,
        "hold",
        "surprise",
    ),
    (
        11,
        "the post it relies on was deleted",
        {**ANSWER_IN_PUBLIC, "based_on": [{**CAR, "deleted_upstream": True}]},
        STRANGER,
        "deny",
        "source_deleted",
    ),
    (
        12,
        "angry open case, upsell due",
        {**NEWSLETTER, "kind": "sequence", "purpose": "upsell"},
        {**CUSTOMER, "open_case": "angry"},
        "hold",
        "open_complaint",
    ),
    (
        13,
        "unsubscribed, then writes with a question",
        {"kind": "reply", "channel": "email", "purpose": "service", "actor": "person"},
        {
            **CUSTOMER,
            "unsubscribed": ["email"],
            "wrote_on": ["email"],
            "last_inbound_at": (NOW - timedelta(hours=2)).isoformat(),
        },
        "allow",
        "reply",
    ),
    (
        14,
        "a handle that only looks like the contact's",
        {"kind": "link_identity", "channel": "none", "actor": "automation"},
        {**CUSTOMER, "identity_evidence": "guessed"},
        "hold",
        "identity_evidence",
    ),
    (
        15,
        "automatic answer to an out-of-office",
        {"kind": "acknowledgement", "channel": "email", "actor": "automation"},
        {**STRANGER, "message_automatic": True, "sender_authenticated": True},
        "deny",
        "automatic_loop",
    ),
    (
        16,
        "consented newsletter, 40 days since the last, ten in the morning there",
        {**NEWSLETTER, "name_used": "Steve"},
        {**CUSTOMER, "preferred_name": "Steve", "touches": mails(40)},
        "allow",
        "plain",
    ),
    (
        17,
        "delivery notice by SMS at 23:00 there",
        {"kind": "transactional", "channel": "sms", "purpose": "delivery", "actor": "automation"},
        {**CUSTOMER, "time_zone": "Pacific/Auckland"},  # 21:00 there, see `at`
        "hold",
        "quiet_hours",
    ),
    (
        18,
        "order confirmation by e-mail at 23:00 there",
        {"kind": "transactional", "channel": "email", "purpose": "order", "actor": "automation"},
        {**CUSTOMER, "time_zone": "Pacific/Auckland"},
        "allow",
        "plain",
    ),
    (
        19,
        "complaint in public; a person answers in public",
        {
            "kind": "reply",
            "channel": "public",
            "purpose": "support",
            "actor": "person",
            "based_on": [{**CAR, "attribute": "complaint", "purposes": ["support"]}],
        },
        STRANGER,
        "allow",
        "reply",
    ),
    (
        20,
        "the same person has an open case; a colleague phones him",
        {**ANSWER_IN_PUBLIC, "channel": "phone", "purpose": "support", "based_on": [CAR]},
        {**STRANGER, "open_case": "normal"},
        "allow",
        "plain",
    ),
    (
        21,
        "acknowledgement to a forged sender",
        {"kind": "acknowledgement", "channel": "email", "actor": "automation"},
        {**STRANGER, "sender_authenticated": False},
        "deny",
        "automatic_forged",
    ),
    (
        22,
        "outreach to an author with noindex",
        ANSWER_IN_PUBLIC,
        {**STRANGER, "flags": ["noindex"]},
        "deny",
        "outreach_noindex",
    ),
]


def ask(touch: dict[str, Any], contact: dict[str, Any], at: datetime = NOW) -> dict[str, Any]:
    line = json.dumps({"id": "x", "now": at.isoformat(), "touch": touch, "contact": contact})
    answer, read = decide_line(line, default_rules(), clock=lambda: NOW)
    assert read, answer
    return answer


def at_of(number: int) -> datetime:
    return datetime(2026, 5, 12, 11, tzinfo=UTC) if number in (17, 18) else NOW  # 23:00 in Auckland


@pytest.mark.parametrize(
    ("number", "words", "touch", "contact", "outcome", "rule"), CASES, ids=[str(c[0]) for c in CASES]
)
def test_the_case(
    number: int, words: str, touch: dict[str, Any], contact: dict[str, Any], outcome: str, rule: str
) -> None:
    answer = ask(touch, contact, at_of(number))
    assert (answer["decision"], answer["rule"]) == (outcome, rule), words
    assert answer["reason"]
    assert "%" not in answer["reason"]


def test_a_cap_says_which_and_until_when() -> None:
    year = ask(CASES[0][2], CASES[0][3])
    assert year["reason"] == "Offers from us within a year: 38 (Books 38). The most is 18."
    # The eighteenth newest, 9 + 9.3 * 17 days old, must be a year old; that is before eight in London, so eight it is.
    assert NOW + timedelta(days=365 - (9 + 9.3 * 17)) == datetime(2026, 11, 26, 6, 36, tzinfo=UTC)
    assert year["until"] == datetime(2026, 11, 26, 8, tzinfo=UTC).isoformat()
    week = ask(CASES[1][2], CASES[1][3])
    assert week["reason"] == "Offers from us within a week: 2 (Books 1, Garden 1). The most is 1."
    assert week["until"] == (NOW + timedelta(days=6)).isoformat()


def test_the_night_ends_in_the_morning_there() -> None:
    answer = ask(CASES[16][2], CASES[16][3], at_of(17))
    assert answer["until"] == datetime(2026, 5, 12, 20, tzinfo=UTC).isoformat()  # eight in Auckland
    urgent = ask({**CASES[16][2], "urgent": True}, CASES[16][3], at_of(17))
    assert urgent["decision"] == "allow"


def test_the_morning_is_right_on_the_night_when_clocks_change() -> None:
    night = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # in Berlin 00:30, and at 02:00 it is 03:00
    answer = ask(CASES[16][2], {"time_zone": "Europe/Berlin"}, night)
    assert answer["until"] == datetime(2026, 3, 29, 6, tzinfo=UTC).isoformat()


def test_a_persons_answer_is_never_paced_nor_held_for_a_name() -> None:
    reply = {"kind": "reply", "channel": "email", "actor": "person", "name_used": "Stphn"}
    old = {
        **CUSTOMER,
        "preferred_name": "Steve",
        "touches": mails(0.1, 0.2, 0.3),
        "open_case": "angry",
        "wrote_on": ["email"],
        "last_inbound_at": (NOW - timedelta(days=900)).isoformat(),
    }
    assert ask(reply, old, datetime(2026, 5, 12, 23, tzinfo=UTC))["decision"] == "allow"


def test_similar_products_to_a_customer_but_never_against_an_objection() -> None:
    offer = {**NEWSLETTER, "purpose": "similar products"}
    customer = {**CUSTOMER, "consents": []}
    assert ask(offer, customer)["decision"] == "allow"
    assert ask({**offer, "channel": "sms"}, customer)["rule"] == "consent_missing"
    assert ask(offer, {**customer, "customer": False})["rule"] == "consent_missing"
    assert ask(offer, {**customer, "objections": ["similar products"]})["rule"] == "objection"
    withdrawn = {"channel": "email", "purpose": "similar products", "status": "withdrawn"}
    assert ask(offer, {**customer, "consents": [withdrawn]})["rule"] == "consent_withdrawn"
    assert ask(offer, {**customer, "unsubscribed": ["email"]})["rule"] == "unsubscribed"


def test_suppressed_stops_even_an_answer() -> None:
    reply = {"kind": "reply", "channel": "email", "actor": "person"}
    assert ask(reply, {**CUSTOMER, "suppressed": ["all"]})["rule"] == "suppressed"
    assert ask(reply, {**CUSTOMER, "suppressed": ["sms"]})["decision"] == "allow"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not json", "this is not JSON"),
        ("[]", "a line must be a JSON object"),
        ('{"id": "a"}', "touch.kind must be one of"),
        ('{"touch": {"kind": "reply", "channel": "fax"}}', "touch.channel must be one of"),
        ('{"touch": {"kind": "reply"}, "contact": {"time_zone": "Mars/Base"}}', "no IANA time zone"),
        ('{"touch": {"kind": "reply"}, "contact": {"touches": [{}]}}', "contact.touches"),
        ('{"touch": {"kind": "reply"}, "contact": {"name_confidence": 7}}', "from 0 to 1"),
        ('{"now": "9999-12-31T23:59:59Z", "touch": {"kind": "reply"}}', "between 1900 and 2200"),
        ('{"touch": {"kind": "reply"}, "contact": {"touches": [{"at": "0001-01-01"}]}}', "1900 and 2200"),
        ('{"now": "yesterday", "touch": {"kind": "reply"}}', "no ISO time"),
    ],
)
def test_a_line_that_cannot_be_read_is_denied_with_what_is_wrong(line: str, says: str) -> None:
    answer, read = decide_line(line, default_rules(), clock=lambda: NOW)
    assert not read
    assert (answer["decision"], answer["rule"]) == ("deny", "invalid")
    assert says in answer["reason"]


def test_an_offer_to_be_of_help_is_still_what_we_began() -> None:
    helps = {**ANSWER_IN_PUBLIC, "purpose": "help"}
    assert ask(helps, STRANGER)["decision"] == "allow"
    assert ask(helps, STRANGER, datetime(2026, 5, 12, 22, tzinfo=UTC))["rule"] == "quiet_hours"
    assert ask(helps, {**STRANGER, "touches": mails(1)})["rule"] == "pace"
    assert ask({**helps, "based_on": [{**CAR, "origin": "third_party"}]}, STRANGER)["rule"] == "surprise"
    assert ask(helps, {**STRANGER, "open_case": "angry"})["decision"] == "allow"


def test_a_name_that_is_said_to_be_unsure_is_held_even_if_preferred() -> None:
    named = {**NEWSLETTER, "name_used": "Stphn"}
    unsure = {**CUSTOMER, "preferred_name": "Stphn", "name_confidence": 0.2}
    assert ask(named, unsure)["rule"] == "name"
    assert ask(named, {**unsure, "name_confidence": None})["decision"] == "allow"


def test_words_of_the_format_count_however_they_are_written() -> None:
    reply = {"kind": "reply", "channel": "email", "actor": "person"}
    assert ask(reply, {**CUSTOMER, "suppressed": ["EMAIL"]})["rule"] == "suppressed"
    assert ask(ANSWER_IN_PUBLIC, {**STRANGER, "flags": ["NoIndex"]})["rule"] == "outreach_noindex"


def test_who_only_spoke_in_public_is_not_answered_elsewhere() -> None:
    reply = {"kind": "reply", "channel": "phone", "actor": "person"}
    assert ask(reply, {**STRANGER, "wrote_on": ["public"]})["rule"] == "channel_jump"
    assert ask(reply, {**STRANGER, "wrote_on": ["public"], "invited": True})["decision"] == "allow"


def test_a_touch_that_is_planned_far_ahead_holds_nothing_today() -> None:
    far = {**CUSTOMER, "touches": mails(-20)}
    assert ask(NEWSLETTER, far)["decision"] == "allow"
    assert ask(NEWSLETTER, {**CUSTOMER, "touches": mails(-5)})["rule"] == "pace"


def test_missing_fields_are_on_the_safe_side() -> None:
    assert ask({"kind": "campaign", "channel": "email"}, {})["decision"] == "deny"
    assert ask({"kind": "outreach", "channel": "public"}, {})["rule"] == "outreach_automation"
    assert ask({"kind": "acknowledgement", "channel": "email"}, {})["rule"] == "automatic_forged"
    assert ask({"kind": "transactional"}, {})["rule"] == "no_channel"
    assert ask({"kind": "link_identity"}, {})["rule"] == "identity_evidence"
    unsaid = {"kind": "campaign", "channel": "email", "purpose": "newsletter", "based_on": [{}]}
    assert ask(unsaid, CUSTOMER)["rule"] == "surprise"
    assert ask({**NEWSLETTER, "name_used": "Ann"}, {**CUSTOMER, "name_confidence": None})["rule"] == "name"
