"""A rule is made, looked at and switched on; a hold is placed and lifted; by administrators alone."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.contacts.services import contact_for_identity
from kith.conversations.models import Message
from kith.core.models import AuditEvent
from kith.workspace.models import LegalHold, PersonRequest, RetentionRule
from kith.workspace.retention.nightly import retention_run
from tests.support.cast import Cast, cast_make, client_of

pytestmark = pytest.mark.django_db
NEW = {
    "name": "Two years",
    "where": "",
    "purpose": "messages",
    "days": "730",
    "since": "activity",
    "action": "delete",
}


@pytest.fixture
def cast(db: None) -> Cast:
    return cast_make()


def _text(answer: object) -> str:
    return html.unescape(answer.content.decode())  # type: ignore[attr-defined]


def test_a_rule_is_looked_at_before_it_takes_anything(cast: Cast) -> None:
    cast.mail(cast.sales_scope, at=now() - timedelta(days=800), subject="The old bell")
    cast.mail(cast.private, at=now() - timedelta(days=800), subject="Secret of Carl")
    client = client_of(cast.olga)
    assert client.post("/settings/retention/new/", {**NEW, "days": "0"}).status_code == 422
    assert not RetentionRule.objects.exists()
    answer = client.post("/settings/retention/new/", NEW)
    rule = RetentionRule.objects.get()
    assert answer["Location"] == f"/settings/retention/{rule.pk}/"
    page = _text(client.get(answer["Location"]))
    assert "The old bell" in page
    assert "Secret of Carl" not in page
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen is not None
    assert client.post(f"/settings/retention/{rule.pk}/do/", {"do": "on", "seen": "x"}).status_code == 422
    assert client.post(f"/settings/retention/{rule.pk}/do/", {"do": "on", "seen": seen[1]}).status_code == 302
    rule.refresh_from_db()
    assert rule.enabled_by == cast.olga
    retention_run()
    assert not Message.objects.exists()
    assert "2 messages" in _text(client.get("/settings/retention/"))
    client.post(f"/settings/retention/{rule.pk}/do/", {"do": "delete"})
    assert "2 messages" in _text(client.get("/settings/retention/"))  # the log stays


def test_a_rule_for_one_channel(cast: Cast) -> None:
    client, account = client_of(cast.olga), cast.accounts["sales"]
    client.post("/settings/retention/new/", {**NEW, "where": f"account:{account.pk}"})
    rule = RetentionRule.objects.get()
    assert rule.channel_account == account
    client.post(f"/settings/retention/{rule.pk}/", {**NEW, "where": "network:email"})
    rule.refresh_from_db()
    assert (rule.channel_account, rule.network) == (None, "email")


def test_a_hold_is_placed_from_a_persons_page_and_an_erasure_says_that_it_waits(
    cast: Cast,
) -> None:
    cast.mail(cast.sales_scope)
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    client = client_of(cast.olga)
    place = f"/settings/retention/holds/new/?address=/people/{contact.pk}/"
    assert place in _text(client.get(f"/people/{contact.pk}/"))
    assert f"/people/{contact.pk}/" in _text(client.get(place))
    for wrong in ({}, {"reason": "x"}, {"reason": "x", "address": f"/people/{cast.olga.pk}/"}):
        assert client.post("/settings/retention/holds/new/", wrong).status_code == 422
    given = {"address": f"https://kith.example/people/{contact.pk}/", "reason": "Case 12"}
    assert client.post("/settings/retention/holds/new/", given).status_code == 302
    hold = LegalHold.objects.get()
    assert hold.contact == contact
    page = _text(client.get("/settings/retention/"))
    assert "Ada Lovelace" in page
    assert "Case 12" in page
    from kith.workspace.jobs import person_request_run

    client.post(f"/people/{contact.pk}/data/erase/", {"words": "Ada Lovelace"})
    asked = PersonRequest.objects.get()
    person_request_run(request_id=str(asked.pk))
    assert "under legal hold" in _text(client.get(f"/people/{contact.pk}/data/"))
    client.post(f"/settings/retention/holds/{hold.pk}/lift/", {"reason": ""})
    hold.refresh_from_db()
    assert hold.lifted_at is None
    client.post(f"/settings/retention/holds/{hold.pk}/lift/", {"reason": "Settled"})
    assert PersonRequest.objects.get().state == "waiting"
    assert "Settled" in _text(client.get("/settings/retention/"))


def test_a_hold_is_placed_from_a_conversations_menu(cast: Cast) -> None:
    talk = cast.mail(cast.everyone).conversation_id
    client = client_of(cast.olga)
    page = client.get(reverse("conversation", args=[talk])).content.decode()
    address = f"{reverse('settings:hold_new')}?address={reverse('conversation', args=[talk])}"
    assert address in page
    assert f'value="{reverse("conversation", args=[talk])}"' in client.get(address).content.decode()
    client.post(address, {"address": reverse("conversation", args=[talk]), "reason": "Case 12"})
    assert LegalHold.objects.get().conversation_id == talk
    assert AuditEvent.objects.filter(action="hold_placed").exists()
    assert (
        reverse("settings:hold_new")
        not in client_of(cast.carl).get(reverse("conversation", args=[talk])).content.decode()
    )


def test_a_conversation_that_one_may_not_open_is_not_named(cast: Cast) -> None:
    mail = cast.mail(cast.private, subject="Secret of Carl")
    LegalHold.objects.create(conversation_id=mail.conversation_id, reason="Case 12")
    client = client_of(cast.olga)
    assert "Secret of Carl" not in _text(client.get("/settings/retention/"))
    given = {"address": f"/inbox/{mail.conversation_id}/", "reason": "Case 13"}
    assert client.post("/settings/retention/holds/new/", given).status_code == 422


def test_only_administrators(cast: Cast) -> None:
    client = client_of(cast.carl)
    for path in ("/settings/retention/", "/settings/retention/new/", "/settings/retention/holds/new/"):
        assert client.get(path).status_code == 403
