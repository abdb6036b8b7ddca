"""Webhooks over the API: for administrators' tokens alone, with a secret that is shown once and kept nowhere in clear."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from kith.api.models import IdempotentAnswer
from kith.channels import webhooks_out
from kith.channels.models import WebhookDelivery, WebhookSubscription
from kith.core.models import AuditEvent
from kith.teams.models import User
from kith.teams.services import api_token_create
from kith.teams.types import API_PERMISSIONS
from tests.api.support import Api, write_in
from tests.channels.test_webhooks_out import Receiver
from tests.channels.test_webhooks_out import receiver as receiver  # a fixture
from tests.support import house

pytestmark = pytest.mark.django_db
Make = Callable[..., Api]
HOOK = {"url": "https://bot.example/kith", "kinds": ["message.received"]}


@pytest.fixture
def admin(api_for: Make) -> Api:
    return api_for(role="admin")


def test_made_seen_changed_removed(admin: Api) -> None:
    made = admin("POST", "/webhooks", {**HOOK, "kinds": ["message.sent", "message.received"]}, status=201)
    row = WebhookSubscription.objects.get(pk=made["id"])
    assert made["secret"] == webhooks_out.subscription_secret(row)
    assert made["secret"].startswith("whsec_")
    assert (row.created_by, row.kinds) == (admin.user, ["message.received", "message.sent"])
    assert AuditEvent.objects.filter(action="webhook_created", subject_id=row.pk).count() == 1
    for said in (
        admin("GET", "/webhooks", status=200)["items"][0],
        admin("GET", f"/webhooks/{row.pk}", status=200),
    ):
        assert (said["url"], said["created_by_id"]) == (HOOK["url"], str(admin.user.pk))
        assert "secret" not in said
    changed = admin("PATCH", f"/webhooks/{row.pk}", {"paused": True, "kinds": ["person.merged"]}, status=200)
    assert changed["paused_at"]
    assert (changed["kinds"], changed["url"]) == (["person.merged"], HOOK["url"])
    assert admin("PATCH", f"/webhooks/{row.pk}", {"paused": False}, status=200)["paused_at"] is None
    other = admin("POST", f"/webhooks/{row.pk}/secret", status=200)["secret"]
    row.refresh_from_db()
    assert other == webhooks_out.subscription_secret(row) != made["secret"]
    admin("DELETE", f"/webhooks/{row.pk}", status=204)
    admin("GET", f"/webhooks/{row.pk}", status=404)


def test_what_is_wrong_is_named(admin: Api) -> None:
    for body, field in (
        ({**HOOK, "url": "ftp://bot.example/"}, "url"),
        ({**HOOK, "url": "https://me:secret@bot.example/"}, "url"),
        ({**HOOK, "url": "https://[/"}, "url"),
        ({**HOOK, "kinds": []}, "kinds"),
        ({**HOOK, "kinds": ["message.guessed"]}, "kinds"),
        ({"kinds": ["message.sent"]}, "url"),
    ):
        problem = admin("POST", "/webhooks", body, status=422)
        assert field in [error["field"] for error in problem["errors"]], (body, problem)
    assert WebhookSubscription.objects.count() == 0
    assert set(admin("GET", "/webhooks/kinds", status=200)) == set(webhooks_out.KINDS)


@pytest.mark.parametrize(
    "more",
    [
        {"created_by_id": str(uuid.uuid4())},
        {"created_by": str(uuid.uuid4())},
        {"secret": "whsec_" + "A" * 32},
        {"id": str(uuid.uuid4())},
        {"paused_at": None},
        {"last_error": "x"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_nothing_but_what_is_named_can_be_set(admin: Api, more: dict[str, Any]) -> None:
    """Above all not whose view it has, and not the secret."""
    admin("POST", "/webhooks", {**HOOK, **more}, status=422)
    made = admin("POST", "/webhooks", HOOK, status=201)
    before = WebhookSubscription.objects.values().get()
    admin("PATCH", f"/webhooks/{made['id']}", {"kinds": ["ping"], **more}, status=422)
    assert WebhookSubscription.objects.values().get() == before


def _every(api: Api, webhook: str) -> dict[str, int]:
    """The status of each operation, for one who may or may not."""
    asked = [
        ("GET", "/webhooks", None),
        ("GET", "/webhooks/kinds", None),
        ("GET", f"/webhooks/{webhook}", None),
        ("GET", f"/webhooks/{webhook}/deliveries", None),
        ("POST", "/webhooks", HOOK),
        ("PATCH", f"/webhooks/{webhook}", {"url": "https://evil.example/"}),
        ("POST", f"/webhooks/{webhook}/secret", None),
        ("POST", f"/webhooks/{webhook}/test", None),
        ("DELETE", f"/webhooks/{webhook}", None),
    ]
    return {f"{method} {path}": api(method, path, body).status_code for method, path, body in asked}


@pytest.mark.parametrize("role", ["viewer", "agent", "manager", "admin", "owner"])
def test_only_administrators_reach_them(role: str, admin: Api, api_for: Make) -> None:
    made = admin("POST", "/webhooks", HOOK, status=201)["id"]
    user = User.objects.create_user(f"{role}@other.example", name=role.title(), role="owner")
    _, raw = api_token_create(user=user, name="t", permissions=API_PERMISSIONS)
    User.objects.filter(pk=user.pk).update(role=role)  # who was demoted keeps the token, and no more
    codes = _every(Api(raw, user), made)
    if role in ("admin", "owner"):
        assert set(codes.values()) <= {200, 201, 202, 204}, codes
        assert not WebhookSubscription.objects.filter(pk=made).exists()
    else:
        assert set(codes.values()) == {403}, codes
        assert WebhookSubscription.objects.get().url == HOOK["url"]


def test_a_token_does_what_it_was_given_and_no_more(admin: Api, api_for: Make) -> None:
    made = admin("POST", "/webhooks", HOOK, status=201)["id"]
    reads = {"webhooks:read": "GET", "webhooks:write": ""}
    others = tuple(p for p in API_PERMISSIONS if p not in reads)
    assert set(_every(api_for(admin.user, permissions=others), made).values()) == {403}
    codes = _every(api_for(admin.user, permissions=("webhooks:read",)), made)
    assert {code for what, code in codes.items() if what.startswith("GET")} == {200}
    assert {code for what, code in codes.items() if not what.startswith("GET")} == {403}
    codes = _every(api_for(admin.user, permissions=("webhooks:write",)), made)
    assert {code for what, code in codes.items() if what.startswith("GET")} == {403}
    assert 403 not in {code for what, code in codes.items() if not what.startswith("GET")}


def test_a_session_or_a_form_of_another_site_makes_none(admin: Api, client: Any) -> None:
    client.force_login(admin.user, backend="django.contrib.auth.backends.ModelBackend")
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        assert client.post("/api/v1/webhooks", json.dumps(HOOK), content_type=kind).status_code == 401
    assert WebhookSubscription.objects.count() == 0


def test_the_secret_is_replayed_to_its_token_and_kept_nowhere_in_clear(admin: Api, api_for: Make) -> None:
    first = admin("POST", "/webhooks", HOOK, status=201, **{"Idempotency-Key": "k"})
    assert admin("POST", "/webhooks", HOOK, status=201, **{"Idempotency-Key": "k"}) == first
    assert WebhookSubscription.objects.count() == 1
    secret = first["secret"]
    kept = [*IdempotentAnswer.objects.values_list("body", flat=True)]
    kept += [str(row) for row in AuditEvent.objects.values()] + [
        str(WebhookSubscription.objects.values().get())
    ]
    assert kept
    assert not [row for row in kept if secret in row or secret.removeprefix("whsec_") in row]
    fresh = admin("POST", f"/webhooks/{first['id']}/secret", status=200, **{"Idempotency-Key": "s"})["secret"]
    assert fresh not in IdempotentAnswer.objects.get(key="s").body
    mine = api_for(admin.user)("POST", "/webhooks", HOOK, status=201, **{"Idempotency-Key": "k"})
    assert mine["secret"] != secret, "a key is its token's"


def test_a_test_goes_out_and_its_outcome_is_told(admin: Api, receiver: Receiver) -> None:
    made = admin("POST", "/webhooks", {**HOOK, "url": receiver.url}, status=201)
    admin("PATCH", f"/webhooks/{made['id']}", {"paused": True}, status=200)
    asked = admin("POST", f"/webhooks/{made['id']}/test", status=202)
    assert (asked["kind"], asked["tried_at"], receiver.got) == ("ping", None, [])
    webhooks_out.ping_send.func(delivery_id=asked["id"])
    webhooks_out.ping_send.func(delivery_id=asked["id"])  # a job may run twice
    ((headers, body),) = receiver.got
    assert (headers["webhook-id"], json.loads(body)["type"]) == (asked["sent_as"], "ping")
    (told,) = admin("GET", f"/webhooks/{made['id']}/deliveries", status=200)["items"]
    assert (told["id"], told["status"], told["error"], told["attempts"]) == (asked["id"], 204, "", 1)
    receiver.answers = [500]
    asked = admin("POST", f"/webhooks/{made['id']}/test", status=202)
    webhooks_out.ping_send.func(delivery_id=asked["id"])
    told = admin("GET", f"/webhooks/{made['id']}/deliveries?limit=1", status=200)["items"][0]
    assert told["status"] == 500
    assert told["error"]


def test_a_test_reaches_nothing_inside(admin: Api) -> None:
    made = admin("POST", "/webhooks", {**HOOK, "url": "http://127.0.0.1:9/"}, status=201)
    asked = admin("POST", f"/webhooks/{made['id']}/test", status=202)
    webhooks_out.ping_send.func(delivery_id=asked["id"])
    told = admin("GET", f"/webhooks/{made['id']}/deliveries", status=200)["items"][0]
    assert told["status"] is None
    assert "127.0.0.1" in told["error"]


def test_deliveries_come_in_pages_and_belong_to_one_webhook(admin: Api) -> None:
    made = admin("POST", "/webhooks", HOOK, status=201)
    other = admin("POST", "/webhooks", HOOK, status=201)
    one = WebhookSubscription.objects.get(pk=made["id"])
    rows = [
        WebhookDelivery.objects.create(subscription=one, kind="message.sent", data={"n": n}) for n in range(5)
    ]
    seen: list[str] = []
    after = ""
    while after is not None:
        page = admin("GET", f"/webhooks/{one.pk}/deliveries?limit=2&after={after}", status=200)
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert seen == [str(row.pk) for row in reversed(rows)]
    assert admin("GET", f"/webhooks/{other['id']}/deliveries", status=200)["items"] == []


def test_it_is_told_what_its_maker_may_see(admin: Api) -> None:
    ina = house.user("Ina")
    closed = house.mailbox("sales@us.example", scope=house.team_scope(house.team("Sales", ina)))
    made = admin("POST", "/webhooks", HOOK, status=201)
    conversation = write_in(closed, 1)
    from kith.conversations.models import MessageCopy

    ids = list(
        MessageCopy.objects.filter(thread__conversation_id=conversation).values_list("message_id", flat=True)
    )
    webhooks_out.handle("message_recorded", ids)
    assert admin("GET", f"/webhooks/{made['id']}/deliveries", status=200)["items"] == []
    opened = write_in(house.mailbox(), 2)
    ids = list(
        MessageCopy.objects.filter(thread__conversation_id=opened).values_list("message_id", flat=True)
    )
    webhooks_out.handle("message_recorded", ids)
    (told,) = admin("GET", f"/webhooks/{made['id']}/deliveries", status=200)["items"]
    assert (told["kind"], told["data"]["conversation_id"]) == ("message.received", opened)
