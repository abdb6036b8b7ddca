"""People over the API: what can be done, what is refused, and with which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kith.api import access
from kith.contacts.models import Contact, Fact, Identity
from kith.teams.models import ApiToken
from kith.teams.services import api_token_revoke
from tests.api.support import Api

pytestmark = pytest.mark.django_db


def test_create_read_change_hide(api: Api) -> None:
    body = {
        "given_name": "Ada",
        "family_name": "Byron",
        "custom": {"size": "M"},
        "tags": ["vip"],
        "identities": [{"network": "email", "external_id": "Ada@Outside.Example"}],
    }
    made = api("POST", "/people", body, status=201)
    assert (made["name"], made["tags"], made["custom"]) == ("Ada Byron", ["vip"], {"size": "M"})
    assert made["identities"][0]["external_id"] == "ada@outside.example"
    assert Fact.objects.get(contact_id=made["id"], attribute="given_name").recorded_by == api.user
    changed = api("PATCH", f"/people/{made['id']}", {"city": "Graz", "family_name": ""}, status=200)
    assert (changed["city"], changed["name"], changed["tags"]) == ("Graz", "Ada", ["vip"])
    api("DELETE", f"/people/{made['id']}", status=204)
    api("GET", f"/people/{made['id']}", status=404)
    assert Contact.objects.filter(pk=made["id"]).exists(), "hidden, not erased"


def test_an_identity_of_somebody_else_is_not_taken(api: Api) -> None:
    wanted = [{"network": "email", "external_id": "ada@outside.example"}]
    api("POST", "/people", {"name": "Ada", "identities": wanted}, status=201)
    problem = api("POST", "/people", {"name": "Eve", "identities": wanted}, status=409)
    assert problem["errors"][0]["field"] == "identities.0"
    assert not Contact.objects.filter(name="Eve").exists(), "a refused request leaves nothing behind"


def test_pages_cover_everything_once(api: Api) -> None:
    for number in range(7):
        api("POST", "/people", {"name": f"Person {number % 3}"}, status=201)
    seen: list[str] = []
    after = ""
    while True:
        page = api("GET", f"/people?limit=3&after={after}", status=200)
        seen += [p["id"] for p in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert len(seen) == len(set(seen)) == 7


def test_search_finds_by_any_part_and_accent(api: Api) -> None:
    api("POST", "/people", {"name": "Zoë Müller"}, status=201)
    api("POST", "/people", {"name": "Adam Smith"}, status=201)
    assert [p["name"] for p in api("GET", "/people?q=muell", status=200)["items"]] == []
    assert [p["name"] for p in api("GET", "/people?q=ulle", status=200)["items"]] == ["Zoë Müller"]
    assert [p["name"] for p in api("GET", "/people?q=zoe", status=200)["items"]] == ["Zoë Müller"]


def test_merge_keeps_both_ids_and_undo_takes_it_back(api: Api) -> None:
    one = api("POST", "/people", {"name": "Ada B."}, status=201)["id"]
    two = api("POST", "/people", {"name": "Ada Byron", "city": "Graz"}, status=201)["id"]
    merge = api("POST", f"/people/{one}/merge", {"other_id": two, "reason": "same voice"}, status=201)
    assert api("GET", f"/people/{two}", status=200)["id"] == one
    assert api("GET", f"/people/{one}", status=200)["city"] == "Graz"
    assert len(api("GET", "/people", status=200)["items"]) == 1
    assert api("POST", f"/people/{one}/merge", {"other_id": two}, status=409)["detail"]
    assert api("POST", f"/people/merges/{merge['id']}/undo", status=200)["undone_at"]
    assert api("GET", f"/people/{two}", status=200)["id"] == two
    api("POST", f"/people/merges/{merge['id']}/undo", status=409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A", "deleted_at": None}, "deleted_at"),
        ({"name": "A", "canonical_id": "x"}, "canonical_id"),
        ({"name": "A", "owner_id": None}, "owner_id"),
        ({"name": "A" * 301}, "name"),
        ({"name": "A", "country": "Austria"}, "country"),
        ({"name": "A", "identities": [{"network": "nowhere", "external_id": "a"}]}, "identities.0.network"),
        ({}, "name"),
        ([], "body"),
    ],
)
def test_what_is_wrong_is_named(api: Api, body: Any, field: str) -> None:
    response = api("POST", "/people", body)
    assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
    problem = json.loads(response.content)
    assert field in [error["field"] for error in problem["errors"]], problem
    assert Contact.objects.count() == 0


def test_idempotency_key_does_once_and_replays(api: Api) -> None:
    first = api("POST", "/people", {"name": "Ada"}, **{"Idempotency-Key": "k1"})
    second = api("POST", "/people", {"name": "Ada"}, **{"Idempotency-Key": "k1"})
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Contact.objects.count() == 1
    other = api("POST", "/people", {"name": "Eve"}, status=422, **{"Idempotency-Key": "k1"})
    assert other["errors"][0]["field"] == "Idempotency-Key"
    api("POST", "/people", {"country": "1"}, status=422, **{"Idempotency-Key": "k2"})
    api("POST", "/people", {"name": "Bo"}, status=201, **{"Idempotency-Key": "k2"})


def test_permissions_are_held(api_for: Callable[..., Api]) -> None:
    reader = api_for(permissions=("people:read",))
    reader("GET", "/people", status=200)
    assert "people:write" in reader("POST", "/people", {"name": "A"}, status=403)["detail"]
    reader("GET", "/channels", status=403)
    writer = api_for(role="agent")
    writer.user.role = "viewer"
    writer.user.save()
    writer("POST", "/people", {"name": "A"}, status=403)


def test_no_token_no_cookie_no_entry(api: Api, client: Any) -> None:
    client.force_login(api.user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get("/api/v1/people")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    api_token_revoke(token=ApiToken.objects.get(user=api.user))
    api("GET", "/people", status=401)


def test_a_colleague_who_left_has_no_token(api: Api) -> None:
    api.user.is_active = False
    api.user.save()
    api("GET", "/people", status=401)


def test_too_many_requests(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "A_MINUTE", 3)
    monkeypatch.setattr(access.time, "time", lambda: 1_800_000_010.0)
    for _ in range(3):
        api("GET", "/tags", status=200)
    response = api("GET", "/tags")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "50")
    monkeypatch.setattr(access.time, "time", lambda: 1_800_000_080.0)
    api("GET", "/tags", status=200)


def test_sizes_types_methods_and_addresses(api: Api) -> None:
    assert api("POST", "/people", {"name": "x" * 1_100_000}).status_code == 413
    assert api("PUT", "/people", {"name": "x"}).headers["Allow"]
    assert api("GET", "/nothing").status_code == 404
    assert api("GET", "/people?limit=1000").status_code == 422
    assert api("GET", "/people?after=xyz").status_code == 422
    assert api("GET", "/people?surprise=1").status_code == 422
    assert api("GET", "/people/not-a-uuid").status_code == 404


def test_identities_link_block(api: Api) -> None:
    person = api("POST", "/people", {"name": "Ada"}, status=201)["id"]
    identity = Identity.objects.create(network="email", external_id="a@x.example", handle="a@x.example")
    Identity.objects.create(network="email", external_id="info@x.example", kind="shared")
    linked = api("POST", f"/identities/{identity.pk}/link", {"person_id": person}, status=200)
    assert linked["person_id"] == person
    assert api("POST", f"/identities/{identity.pk}/block", status=200)["blocked"] is True
    assert api("POST", f"/identities/{identity.pk}/unblock", status=200)["blocked"] is False
    assert api("POST", f"/identities/{identity.pk}/unlink", status=200)["person_id"] is None
    shared = Identity.objects.get(kind="shared")
    api("POST", f"/identities/{shared.pk}/link", {"person_id": person}, status=409)


def test_companies_and_the_docs_page(api: Api, client: Any) -> None:
    made = api("POST", "/organizations", {"name": "Wheel Ltd", "domain": "Wheel.example"}, status=201)
    assert api("PATCH", f"/organizations/{made['id']}", {"city": "Graz"}, status=200)["name"] == "Wheel Ltd"
    api("POST", "/organizations", {"name": "Other", "domain": "wheel.example"}, status=409)
    person = api("POST", "/people", {"name": "Ada"}, status=201)["id"]
    row = {"organization_id": made["id"], "role": "Buyer"}
    assert api("POST", f"/people/{person}/affiliations", row, status=201)["role"] == "Buyer"
    assert api("GET", "/organizations?q=whe", status=200)["items"][0]["domain"] == "wheel.example"
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert "POST" in page.content.decode()
    assert "http://" not in page.content.decode()
    schema = client.get("/api/v1/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    assert "/api/v1/people" in schema["paths"]
