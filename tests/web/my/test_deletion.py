"""Somebody has their network ask us to delete their data: proven, done once, told on a page, and nothing else touched."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from kith.api import hooks
from kith.base.clock import frozen, now
from kith.channels.deletion_requests import MAX_BYTES
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_create, contact_for_identity, identity_link
from kith.contacts.services.erased import erased_among
from kith.core import company, erasures
from kith.networks.models import ChannelAccount
from kith.work.models import Task
from kith.workspace.asked_deletions import deletion_given_up
from kith.workspace.models import AskedDeletion, PersonRequest
from kith.workspace.retention.holds import hold_lift, hold_place
from tests.connectors.facebook.test_signed import SECRET, request
from tests.support import house
from tests.support.cast import Cast
from tests.web.my.post import BASE, jobs_run

pytestmark = pytest.mark.django_db
USER, APP = "2184715500991", "1234567890"


@pytest.fixture
def account(cast: Cast) -> ChannelAccount:
    cache.clear()
    company.set_value("public_url", BASE)
    return house.account(
        "facebook", secrets={"app_secret": SECRET}, settings={"app_id": APP}, realm=APP, external_id=APP
    )


def work() -> None:
    """What waits, and what that leaves to be done."""
    while jobs_run():
        pass


def ask(account: ChannelAccount, user: str = USER, *, ago: float = 0, **changed: Any) -> Any:
    at = int((now() - timedelta(seconds=ago)).timestamp())
    text = request(**{"user_id": user, "issued_at": at, **changed})
    return post(account, f"signed_request={text}")


def post(account: ChannelAccount, body: str | bytes) -> Any:
    kind = "application/x-www-form-urlencoded"
    return Client().post(f"/hooks/{account.pk}/deletion/", body, content_type=kind)


def page(answer: Any, language: str = "en") -> Any:
    told = json.loads(answer.content)
    assert set(told) == {"url", "confirmation_code"}
    assert told["confirmation_code"].isalnum()
    assert told["url"] == f"{BASE}/deletion/{told['confirmation_code']}/"
    return Client().get(urlsplit(told["url"]).path, headers={"Accept-Language": language})


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def identity(user: str = USER, **rest: Any) -> Identity:
    return Identity.objects.create(
        network="facebook", realm=APP, external_id=user, display_name="Ada Unspeakable", **rest
    )


def tables_with(*words: str) -> set[str]:
    """Every table of the house, as a dump writes it."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            with cursor.copy(f'COPY (SELECT * FROM "{table}") TO STDOUT') as copy:
                text = b"".join(bytes(part) for part in copy).lower()
            found |= {table for word in words if word.lower().encode() in text}
    return found


def test_an_identity_alone_is_erased_by_the_worker_and_the_page_says_so(account: ChannelAccount) -> None:
    one = identity()
    assert "contacts_identity" in tables_with(USER, "Unspeakable")
    answer = ask(account)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert "It begins in a moment" in text_of(page(answer))
    assert Identity.objects.get().external_id == USER, "a job does it, and not the answer"
    work()
    assert "What we had of you from Facebook is deleted" in text_of(page(answer))
    assert tables_with(USER, "Unspeakable") == set()
    row = PersonRequest.objects.get()
    entry = erasures.read().of(row.pk)
    assert entry is not None, "a restore applies it again"
    assert one.pk in entry.identities
    assert erased_among({("facebook", APP, USER)}), "an import does not bring it back"


def test_the_same_request_again_has_the_same_code_and_erases_nothing_twice(account: ChannelAccount) -> None:
    identity()
    with frozen(now()):
        first, second = ask(account), ask(account)
        work()
        third = ask(account)
    assert first.content == second.content == third.content
    work()
    assert (AskedDeletion.objects.count(), PersonRequest.objects.count()) == (1, 1)


def test_who_came_back_may_ask_again_and_a_replay_of_the_first_does_not_touch_them(
    account: ChannelAccount,
) -> None:
    identity()
    with frozen(now()):
        first = ask(account, ago=60)
        work()
        back = identity()
        assert ask(account, ago=60).content == first.content
        work()
        back.refresh_from_db()
        assert back.external_id == USER
        assert ask(account).content != first.content
    work()
    assert tables_with(USER) == set()


def test_of_somebody_unknown_nothing_is_kept_and_that_is_said(account: ChannelAccount) -> None:
    answer = ask(account, "999000999")
    work()
    assert "We keep nothing of you from Facebook" in text_of(page(answer))
    assert not PersonRequest.objects.exists()
    assert tables_with("999000999") == set()


def test_the_same_id_for_another_app_is_somebody_else(account: ChannelAccount) -> None:
    other = Identity.objects.create(network="facebook", realm="999", external_id=USER)
    mail = Identity.objects.create(network="email", external_id=USER)
    ask(account)
    work()
    assert set(Identity.objects.filter(external_id=USER)) == {other, mail}


def test_who_is_known_by_mail_too_stays_there_and_somebody_decides(
    account: ChannelAccount, cast: Cast
) -> None:
    mail = Identity.objects.create(network="email", external_id="ada@outside.example")
    ada = contact_for_identity(identity=mail)
    identity_link(identity=identity(), contact=ada, basis="by_hand")
    answer = ask(account)
    work()
    assert "What we had of you from Facebook is deleted" in text_of(page(answer))
    mail.refresh_from_db()
    assert (mail.external_id, mail.contact_id) == ("ada@outside.example", ada.pk)
    assert Contact.objects.get(pk=ada.pk).deleted_at is None
    assert tables_with(USER, "Unspeakable") == set()
    task = Task.objects.get(contact=ada)
    assert "proves nothing about their other addresses" in task.details


def test_a_machine_s_account_is_erased_as_well(account: ChannelAccount) -> None:
    identity(kind=Identity.Kind.AUTOMATED)
    ask(account)
    work()
    assert tables_with(USER, "Unspeakable") == set()


def test_what_is_under_hold_waits_the_page_says_so_and_it_goes_on(
    account: ChannelAccount, cast: Cast
) -> None:
    """A person with two addresses: the hold on them is not got round by taking one away."""
    mail = Identity.objects.create(network="email", external_id="ada@outside.example")
    ada = contact_for_identity(identity=mail)
    identity_link(identity=identity(), contact=ada, basis="by_hand")
    hold = hold_place(user=cast.olga, reason="A claim", contact_id=ada.pk)
    answer = ask(account)
    work()
    said = text_of(page(answer))
    assert "obliged to keep some of your data" in said
    assert "A claim" not in said
    assert "contacts_identity" in tables_with(USER)
    hold_lift(hold_id=hold.pk, user=cast.olga, reason="Over")
    work()
    assert "What we had of you from Facebook is deleted" in text_of(page(answer))
    assert tables_with(USER, "Unspeakable") == set()


def test_an_erasure_that_a_colleague_asked_for_already_is_the_one_that_counts(
    account: ChannelAccount, cast: Cast
) -> None:
    from kith.workspace.erasure import erasure_ask

    ada = contact_create(name="Ada Unspeakable")
    identity_link(identity=identity(), contact=ada, basis="by_hand")
    erasure_ask(contact_id=ada.pk, user=cast.olga)
    answer = ask(account)
    work()
    assert PersonRequest.objects.count() == 1
    assert "We keep nothing of you from Facebook" in text_of(page(answer))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"signed_request=", 400),
        (b"signed_request=\xff\xfe", 400),
        (b"signed_request=%00", 400),
        (b"signed_request=abc.def", 401),
        (f"signed_request={request('another-secret')}", 401),
        (b"x" * (MAX_BYTES + 1), 413),
    ],
)
def test_what_is_not_proven_changes_nothing(account: ChannelAccount, body: Any, status: int) -> None:
    identity()
    assert post(account, body).status_code == status
    assert not AskedDeletion.objects.exists()


def test_channels_that_take_none_are_not_told_apart_and_a_paused_one_answers(account: ChannelAccount) -> None:
    for other in (house.account("simulator"), house.mailbox("other@us.example")):
        assert ask(other).status_code == 404
    assert Client().get(f"/hooks/{account.pk}/deletion/").status_code == 405
    account.state = ChannelAccount.State.PAUSED
    account.save()
    assert ask(account).status_code == 200
    account.state = ChannelAccount.State.REMOVED
    account.save()
    assert ask(account).status_code == 404


def test_too_often_is_told_before_anything_is_looked_at(
    account: ChannelAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(*rest: Any, **named: Any) -> Any:
        raise AssertionError("it looked")

    with frozen(now()):
        answers = [post(account, b"signed_request=a.b").status_code for _ in range(121)]
        monkeypatch.setattr(hooks.deletion_requests, "deletion_receive", looked)
        assert post(account, b"signed_request=a.b").status_code == 429
    assert set(answers[:100]) == {401}


def test_the_page_speaks_three_languages_is_kept_by_nobody_and_knows_a_wrong_code(
    account: ChannelAccount,
) -> None:
    answer = ask(account)
    work()
    german, spanish = page(answer, "de"), page(answer, "es")
    assert "Wir haben nichts von Ihnen aus Facebook" in text_of(german)
    assert "No guardamos nada" in text_of(spanish)
    assert german["Cache-Control"] == "no-store"
    assert "<script" not in text_of(german)
    for wrong in ("abc", "0" * 32, "ü", "%00", "a" * 500):
        missing = Client().get(f"/deletion/{wrong}/")
        assert missing.status_code == 404
        assert b"We know no request with this code" in missing.content
    statuses = [Client().get("/deletion/abc/").status_code for _ in range(70)]
    assert 429 in statuses


def test_what_failed_is_seen_by_a_person_and_tried_again_when_it_comes_again(account: ChannelAccount) -> None:
    gone = identity()
    with frozen(now()):
        answer = ask(account)
        row = AskedDeletion.objects.get()
        deletion_given_up(RuntimeError("no"), request_id=str(row.pk))
        assert Task.objects.filter(title__startswith="A network asked").exists()
        assert json.loads(ask(account).content) == json.loads(answer.content)
    work()
    assert not Identity.objects.filter(pk=gone.pk, external_id=USER).exists()
    assert AskedDeletion.objects.get().state == "passed"
