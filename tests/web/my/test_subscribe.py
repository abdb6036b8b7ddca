"""Double opt-in: nothing is agreed to before the button in the mail, and nobody learns who is known."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from kith.base.clock import frozen, now
from kith.contacts.models import Identity
from kith.networks.models import ChannelAccount
from kith.trust.models import Consent, Decision, Touch
from kith.trust.services import TouchRequest, gate_preview, suppression_add, topic_archive, topic_save
from kith.workspace.unconfirmed import unconfirmed_sweep
from tests.support.cast import Cast
from tests.web.my.post import Post, jobs_run, post_open

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> tuple[Post, ChannelAccount]:
    from kith.policy import rules
    from kith.web import stamps

    cache.clear()
    monkeypatch.setattr(stamps, "SOONEST", -1)
    monkeypatch.setattr(rules, "quiet_until", lambda *given: None)
    topic_save(name="Repairs")
    topic_save(name="News", about="What is new")
    return post_open(monkeypatch)


def ask(address: str = "new@outside.example", **values: Any) -> Any:
    client = Client(REMOTE_ADDR="192.0.2.9", headers={"user-agent": "Browser/1"})
    shown = client.get("/subscribe/").content.decode()
    stamp = re.search(r'name="stamp" value="([^"]+)"', shown)
    assert stamp
    return client.post("/subscribe/", {"email": address, "topic": "news", "stamp": stamp[1], **values})


def verdict(address: str = "new@outside.example") -> str:
    key = Identity.objects.get(external_id=address).pk
    return gate_preview(TouchRequest("campaign", "email", "email", (key,), purpose="news")).rule


def test_nothing_is_agreed_to_before_the_button_and_the_proof_holds_both_steps(
    opened: tuple[Post, ChannelAccount],
) -> None:
    post = opened[0]
    assert ask().status_code == 200
    assert jobs_run() == 1
    assert post.sent[0].to[0].external_id == "new@outside.example"
    assert "News" in post.sent[0].text
    assert Consent.objects.get().status == "asked"
    assert verdict() == "consent_missing"
    link = post.link
    looked = Client().get(link)
    assert "Yes, send me this" in looked.content.decode()
    assert looked.headers["Cache-Control"] == "no-store"
    assert verdict() == "consent_missing"
    answer = Client(REMOTE_ADDR="192.0.2.10", enforce_csrf_checks=True).post(link)
    assert answer.status_code == 200
    assert verdict() == "plain"
    row = Consent.objects.get(status="given")
    assert row.proof["method"] == "double_opt_in"
    assert row.proof["text"] == "I want to hear about this by e-mail, until I say otherwise: News"
    assert (row.proof["asked_address"], row.proof["address"]) == ("192.0.2.9", "192.0.2.10")
    assert row.proof["confirmed_text"] == "Yes, send me this"
    assert row.proof["asked_at"] < row.proof["confirmed_at"]
    Client().post(link)
    assert Consent.objects.filter(status="given").count() == 1


def test_the_confirmation_passes_the_gate_and_leaves_its_touch(opened: tuple[Post, ChannelAccount]) -> None:
    ask()
    jobs_run()
    touch = Touch.objects.get()
    assert (touch.kind, touch.purpose, touch.state) == ("transactional", "confirmation", "made")
    assert Decision.objects.get().outcome == "allow"


def test_known_unknown_and_never_contact_are_answered_alike(opened: tuple[Post, ChannelAccount]) -> None:
    Identity.objects.create(network="email", external_id="known@outside.example")
    suppression_add(network="email", address="never@outside.example")
    answers = []
    for address in ("known@outside.example", "never@outside.example", "other@outside.example"):
        answer = ask(address)
        answers.append((answer.status_code, answer.content.decode().replace(address, "X")))
    assert len(set(answers)) == 1
    assert jobs_run() == 3
    assert sorted(out.to[0].external_id for out in opened[0].sent) == [
        "known@outside.example",
        "other@outside.example",
    ]


def test_one_confirmation_an_hour(opened: tuple[Post, ChannelAccount]) -> None:
    for _ in range(3):
        assert ask().status_code == 200
        jobs_run()
    assert len(opened[0].sent) == 1
    later = now() + timedelta(minutes=61)
    with frozen(later):
        ask(topic="repairs")
        jobs_run()
    assert len(opened[0].sent) == 2


def test_who_agreed_is_not_asked_again(opened: tuple[Post, ChannelAccount]) -> None:
    ask()
    jobs_run()
    Client().post(opened[0].link)
    with frozen(now() + timedelta(hours=2)):
        ask()
        jobs_run()
    assert len(opened[0].sent) == 1


def test_after_a_week_it_has_to_be_asked_again(opened: tuple[Post, ChannelAccount]) -> None:
    ask()
    jobs_run()
    Consent.objects.update(created_at=now() - timedelta(days=8))
    Client().post(opened[0].link)
    assert not Consent.objects.filter(status="given").exists()


def test_machines_nonsense_and_haste_are_refused(opened: tuple[Post, ChannelAccount]) -> None:
    assert ask(website="http://spam.example").status_code == 422
    assert ask(stamp="x").status_code == 422
    assert ask("no address").status_code == 422
    assert ask(topic="made-up").status_code == 422
    codes = [ask(f"a{n}@outside.example").status_code for n in range(25)]
    assert codes[-1] == 429
    assert jobs_run() <= 20


def test_the_address_is_not_readable_while_it_waits(opened: tuple[Post, ChannelAccount]) -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    ask()
    assert "new@outside" not in str(ProcrastinateJob.objects.get().args)


def test_without_topics_there_is_nothing_to_subscribe_to(opened: tuple[Post, ChannelAccount]) -> None:
    from kith.trust.models import Topic

    for topic in Topic.objects.all():
        topic_archive(topic_id=topic.pk)
    assert Client().get("/subscribe/").status_code == 404


def test_other_pages_may_frame_the_form_but_not_the_confirmation(opened: tuple[Post, ChannelAccount]) -> None:
    ask()
    jobs_run()
    assert "frame-ancestors *" in Client().get("/subscribe/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in Client().get(opened[0].link).headers["Content-Security-Policy"]


def test_what_nobody_confirms_goes_after_a_week_with_the_address(opened: tuple[Post, ChannelAccount]) -> None:
    ask()
    jobs_run()
    assert "after a week we forget" in " ".join(opened[0].sent[0].text.split())
    with frozen(now() + timedelta(days=6)):
        assert unconfirmed_sweep() == (0, 0)
    with frozen(now() + timedelta(days=8)):
        assert unconfirmed_sweep() == (1, 1)
    assert not Consent.objects.exists()
    assert not Identity.objects.filter(external_id="new@outside.example").exists()


def test_what_was_confirmed_or_is_known_otherwise_stays(
    opened: tuple[Post, ChannelAccount], cast: Cast
) -> None:
    ask()
    jobs_run()
    Client().post(opened[0].link)
    ChannelAccount.objects.filter(name__in=["info", "sales", "carl"]).update(state="active")
    cast.mail(cast.everyone, sender="wrote@outside.example")
    ask("wrote@outside.example")
    jobs_run()
    with frozen(now() + timedelta(days=8)):
        assert unconfirmed_sweep() == (2, 0)
    row = Consent.objects.get()
    assert (row.status, row.proof["asked_address"]) == ("given", "192.0.2.9")
    assert Identity.objects.filter(external_id="wrote@outside.example").exists()
