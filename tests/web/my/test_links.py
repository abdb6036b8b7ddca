"""The link of a mail: it unsubscribes, chooses and pauses, acts on POST alone, and shows nothing of whose it is."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from kith.base.clock import now
from kith.channels.outbox import Compose, message_send
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_create, contact_for_identity, identity_link
from kith.conversations.models import Message
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.trust.links import link_identity, link_token, links_revoke
from kith.trust.models import Consent, Preference, Topic, Touch
from kith.trust.services import (
    Proof,
    TouchRequest,
    consent_record,
    gate_preview,
    resubscribe,
    topic_save,
    unsubscribe,
)
from kith.trust.services.situations import situation_customer
from tests.support import house
from tests.web.my.post import BASE, Post, deliver_all, post_open

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    cache.clear()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> tuple[Post, ChannelAccount]:
    return post_open(monkeypatch)


@pytest.fixture
def news(db: None) -> Topic:
    topic_save(name="Repairs")
    return topic_save(name="News", about="What is new in the workshop")


@pytest.fixture
def ada(db: None) -> Identity:
    row = Identity.objects.create(
        network="email",
        external_id="ada@outside.example",
        handle="ada@outside.example",
        display_name="Ada Lovelace",
    )
    contact_for_identity(identity=row)
    return Identity.objects.get(pk=row.pk)


def agree(identity: Identity, topic: Topic) -> None:
    consent_record(
        identity_id=identity.pk,
        purpose=topic.key,
        channel="email",
        status="given",
        proof=Proof("visit", "yes"),
    )


def campaign(account: ChannelAccount, identity: Identity, user: User | None = None, **rest: Any) -> Compose:
    values: dict[str, Any] = {
        "user": user,
        "account": account,
        "text": "New bells",
        "html": "<html><body><p>New bells</p></body></html>",
        "subject": "Bells",
        "recipients": ((identity.pk, "to"),),
        "kind": "campaign",
        "actor": "automation",
        "purpose": "news",
        "urgent": True,
        "undo_seconds": 0,
    }
    return Compose(**{**values, **rest})


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Selling waits for the day."""
    from kith.policy import rules

    monkeypatch.setattr(rules, "quiet_until", lambda *given: None)


def verdict(identity: Identity, purpose: str = "news") -> str:
    return gate_preview(TouchRequest("campaign", "email", "email", (identity.pk,), purpose=purpose)).rule


def test_a_mail_that_sells_carries_the_way_out_in_its_headers_and_in_its_words(
    opened: tuple[Post, ChannelAccount], news: Topic, ada: Identity
) -> None:
    post, account = opened
    agree(ada, news)
    assert message_send(campaign(account, ada)).verdict.outcome == "allow"
    assert deliver_all() == 1
    mail = post.mails[0]
    token = link_token(ada.pk)
    assert mail["List-Unsubscribe"] == f"<{BASE}/my/{token}/unsubscribe>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert f"unsubscribe: {BASE}/my/{token}/" in plain.get_content()
    assert f'<a href="{BASE}/my/{token}/">' in html.get_content()
    assert html.get_content().index("<hr>") < html.get_content().index("</body>")
    assert Message.objects.get().text == "New bells"


def test_the_line_is_in_the_language_of_who_reads_it(
    opened: tuple[Post, ChannelAccount], news: Topic, ada: Identity
) -> None:
    post, account = opened
    agree(ada, news)
    Contact.objects.filter(pk=ada.contact_id).update(language="de")
    message_send(campaign(account, ada))
    deliver_all()
    assert "abbestellen" in post.sent[0].text
    assert post.mails[0]["Content-Language"] == "de"


def test_answers_carry_none(opened: tuple[Post, ChannelAccount], ada: Identity) -> None:
    post, account = opened
    mara = house.user()
    message_send(campaign(account, ada, mara, kind="transactional", actor="person", purpose="service"))
    deliver_all()
    assert post.mails[0]["List-Unsubscribe"] is None
    assert "/my/" not in post.sent[0].text


def test_one_click_without_cookies_acts_within_a_second_also_on_what_is_queued(
    opened: tuple[Post, ChannelAccount], news: Topic, ada: Identity
) -> None:
    post, account = opened
    agree(ada, news)
    queued = message_send(campaign(account, ada))
    assert queued.verdict.outcome == "allow"
    client = Client(enforce_csrf_checks=True)
    begin = time.perf_counter()
    answer = client.post(f"/my/{link_token(ada.pk)}/unsubscribe", ONE_CLICK)
    took = time.perf_counter() - begin
    assert answer.status_code == 200
    assert took < 1.0
    assert not answer.cookies
    deliver_all()
    assert post.sent == []
    assert Message.objects.get(pk=queued.message_id).state == "held"
    assert [d.rule for d in Touch.objects.get().decisions.order_by("created_at")] == ["plain", "unsubscribed"]


def test_one_click_twice_is_once_with_its_proof(ada: Identity) -> None:
    for _ in range(2):
        answer = Client(REMOTE_ADDR="192.0.2.7", headers={"user-agent": "Mailer/1"}).post(
            f"/my/{link_token(ada.pk)}/unsubscribe", ONE_CLICK
        )
        assert answer.status_code == 200
    row = Consent.objects.get()
    assert (row.purpose, row.channel, row.status) == ("all", "email", "withdrawn")
    assert row.proof["method"] == "one_click"
    assert row.proof["address"] == "192.0.2.7"
    assert row.proof["agent"] == "Mailer/1"
    assert row.proof["text"] == "List-Unsubscribe=One-Click"
    assert link_token(ada.pk) not in str(row.proof)


def test_what_only_looks_never_acts(ada: Identity, news: Topic) -> None:
    token = link_token(ada.pk)
    for path in (f"/my/{token}/", f"/my/{token}/unsubscribe"):
        for method in ("get", "head", "options", "put", "delete"):
            getattr(Client(), method)(path, {"do": "unsubscribe", **ONE_CLICK} if method == "get" else None)
    assert Client().post(f"/my/{token}/unsubscribe", {"x": "y"}).status_code == 400
    assert not Consent.objects.exists()
    assert not Preference.objects.exists()


def test_the_page_shows_nothing_of_whose_it_is(ada: Identity, news: Topic) -> None:
    contact_create(name="x")
    answer = Client().get(f"/my/{link_token(ada.pk)}/")
    text = answer.content.decode()
    assert "a…@outside.example" in text
    for secret in ("ada@outside", "Ada", "Lovelace", str(ada.pk), str(ada.contact_id)):
        assert secret not in text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert not answer.cookies


def test_forged_cut_foreign_and_revoked_links_are_one_friendly_page(ada: Identity) -> None:
    token = link_token(ada.pk)
    other = link_token(uuid.uuid4())
    wrong = [
        token[:-1],
        token + "A",
        ("A" if token[0] != "A" else "B") + token[1:],
        token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        other[:22] + token[22:],
        link_token(ada.pk, scope="confirms"),
        "%00" * 10,
        "ü" * 43,
        other,
    ]
    for one in wrong:
        for answer in (Client().get(f"/my/{one}/"), Client().post(f"/my/{one}/unsubscribe", ONE_CLICK)):
            assert answer.status_code == 404
            assert "unsubscribe" in answer.content.decode()
    assert link_identity(token) == ada
    links_revoke()
    assert Client().post(f"/my/{token}/unsubscribe", ONE_CLICK).status_code == 404
    assert Client().get(f"/my/{link_token(ada.pk)}/").status_code == 200
    assert not Consent.objects.exists()


def test_choosing_topics_how_often_and_a_pause(ada: Identity, news: Topic) -> None:
    path = f"/my/{link_token(ada.pk)}/"
    Client().post(path, {"do": "save", "topic": "news", "often": "1", "stop": "phone"})
    assert verdict(ada) == "plain"
    assert verdict(ada, "repairs") == "consent_withdrawn"
    assert Preference.objects.get().per_month == 1
    phone = TouchRequest("campaign", "phone", "email", (ada.pk,), purpose="news")
    assert gate_preview(phone).rule == "unsubscribed"
    Client().post(path, {"do": "pause", "pause": "30"})
    assert verdict(ada) == "paused"
    assert "End the pause" in Client().get(path).content.decode()
    Client().post(path, {"do": "resume"})
    assert verdict(ada) == "plain"
    Client().post(path, {"do": "save", "topic": ["news", "made-up"], "often": ""})
    assert Preference.objects.get().per_month is None
    assert not Consent.objects.filter(purpose="made-up").exists()
    assert gate_preview(phone).rule == "consent_missing"
    given = Consent.objects.filter(purpose="news", status="given").get()
    assert given.proof["text"] == "I want to hear about this by e-mail, until I say otherwise: News"


def test_who_unsubscribed_and_comes_back_gets_what_they_chose_and_nothing_else(
    ada: Identity, news: Topic
) -> None:
    path = f"/my/{link_token(ada.pk)}/"
    agree(ada, news)
    consent_record(
        identity_id=ada.pk, purpose="repairs", channel="email", status="given", proof=Proof("visit", "yes")
    )
    Client().post(path, {"do": "unsubscribe"})
    assert verdict(ada) == verdict(ada, "repairs") == "unsubscribed"
    Client().post(path, {"do": "save", "topic": "news", "often": ""})
    assert verdict(ada) == "plain"
    assert verdict(ada, "repairs") == "consent_withdrawn"


def test_a_withdrawal_by_another_address_of_theirs_holds_until_they_choose_again(
    ada: Identity, news: Topic
) -> None:
    work = Identity.objects.create(network="email", external_id="ada@work.example")
    assert ada.contact is not None
    identity_link(identity=work, contact=ada.contact, basis="by_hand")
    proof = Proof("visit", "x")
    resubscribe(identity_id=ada.pk, channel="email", topics=["news"], proof=proof)
    unsubscribe(identity_id=work.pk, channel="email", proof=proof)
    assert verdict(ada) == "unsubscribed"
    resubscribe(identity_id=ada.pk, channel="email", topics=["news"], proof=proof)
    assert verdict(ada) == "plain"


def test_everything_on_every_channel_is_ended_by_one_topic_for_that_topic_alone(
    ada: Identity, news: Topic
) -> None:
    proof = Proof("visit", "x")
    unsubscribe(identity_id=ada.pk, channel="all", proof=proof)
    assert verdict(ada) == "unsubscribed"
    resubscribe(identity_id=ada.pk, channel="email", topics=["news"], proof=proof)
    assert verdict(ada) == "plain"
    sms = TouchRequest("campaign", "sms", "email", (ada.pk,), purpose="news")
    assert gate_preview(sms).rule == "unsubscribed"


def test_several_recipients_get_no_link_of_one_of_them(
    opened: tuple[Post, ChannelAccount], news: Topic, ada: Identity
) -> None:
    post, account = opened
    bob = Identity.objects.create(network="email", external_id="bob@outside.example")
    agree(ada, news)
    agree(bob, news)
    message_send(campaign(account, ada, recipients=((ada.pk, "to"), (bob.pk, "to"))))
    deliver_all()
    assert post.mails[0]["List-Unsubscribe"] is None
    assert f"{BASE}/my/\n" in post.sent[0].text


def test_a_box_that_we_ticked_is_no_consent_while_it_is_left_so(ada: Identity, news: Topic) -> None:
    situation_customer(identity_ids=[ada.pk], since=now())
    client, path = Client(), f"/my/{link_token(ada.pk)}/"
    page = client.get(path).content.decode()
    assert page.count("Ticked by us, since you bought from us") == 2
    save = path
    client.post(save, {"do": "save", "topic": ["news", "repairs"], "often": "1"})
    assert Preference.objects.filter(identity=ada).exists()
    assert not Consent.objects.filter(status="given").exists()
    client.post(save, {"do": "save", "topic": ["news"], "often": "1"})
    assert set(Consent.objects.values_list("purpose", "status")) == {("repairs", "withdrawn")}
    client.post(save, {"do": "save", "topic": ["news", "repairs"], "often": "1"})
    assert Consent.objects.order_by("-given_at", "-pk").filter(purpose="repairs").first().status == "given"
    assert not Consent.objects.filter(purpose="news").exists()
