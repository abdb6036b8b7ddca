"""Mailings and their dry runs by the API: the same people, reasons and numbers as on the screen, within the same bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kith.campaigns.models import Mailing
from kith.campaigns.services.check import mailing_check
from kith.contacts.models import Identity
from kith.contacts.services import contact_create
from kith.core import company
from kith.trust.models import Objection
from tests.api.support import Api
from tests.campaigns.test_mailings import DAY, Time, mailing, people, sent
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db
Make = Callable[..., Api]


@pytest.fixture
def cast(db: object) -> Cast:
    company.set_value("name", "Bicycles Ltd")
    return cast_make()


@pytest.fixture
def spring(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Mailing:
    Time(monkeypatch)
    whom = [*people(3), contact_create(name="No Address")]
    Objection.objects.create(identity=Identity.objects.get(contact=whom[0]), purpose="all", made_at=DAY)
    return mailing_check(mailing=mailing(cast, whom))


def test_a_mailing_and_its_dry_run_are_read(spring: Mailing, cast: Cast, api_for: Make) -> None:
    api = api_for(cast.olga)
    (row,) = api("GET", "/mailings", status=200)["items"]
    assert (row["id"], row["title"], row["topic"], row["state"]) == (
        str(spring.pk),
        "Spring",
        "news",
        "checked",
    )
    assert api("GET", f"/mailings/{spring.pk}", status=200) == row
    run = api("GET", f"/mailings/{spring.pk}/dry-run", status=200)
    assert run["outcomes"] == {"allow": 2, "deny": 1, "none": 1}
    assert [(r["outcome"], r["rule"], r["people"]) for r in run["reasons"]] == [
        ("allow", "plain", 2), ("deny", "objection", 1), ("none", "no_address", 1),
    ]  # fmt: skip
    assert run["became"] == {}
    path = f"/mailings/{spring.pk}/people"
    first = api("GET", f"{path}?limit=3", status=200)
    second = api("GET", f"{path}?limit=3&after={first['next']}", status=200)
    everybody = first["items"] + second["items"]
    assert len(everybody) == 4
    assert second["next"] is None
    assert {row["name"] for row in everybody} >= {"No Address"}
    (denied,) = api("GET", f"{path}?outcome=deny", status=200)["items"]
    assert denied["rule"] == "objection"
    assert denied["sentence"]
    assert api("GET", f"{path}?rule=objection", status=200)["items"] == [denied]
    assert api("GET", f"{path}?rule=nothing", status=200)["items"] == []
    api("GET", f"{path}?outcome=perhaps", status=422)
    api("GET", f"{path}?after=x", status=422)


def test_what_became_of_it_is_told(spring: Mailing, cast: Cast, api_for: Make) -> None:
    sent(cast, spring)
    run = api_for(cast.olga)("GET", f"/mailings/{spring.pk}/dry-run", status=200)
    assert run["became"] == {"allowed": 2, "denied": 1}


def test_they_come_in_pages(cast: Cast, api_for: Make) -> None:
    made = [str(mailing(cast, [], title=str(n)).pk) for n in range(3)]
    api, found, after = api_for(cast.olga), [], ""
    for _page in range(2):
        answer: dict[str, Any] = api("GET", f"/mailings?limit=2&after={after}", status=200)
        found += [row["id"] for row in answer["items"]]
        after = answer["next"]
    assert found == made[::-1]
    assert after is None


def test_nobody_sees_those_of_a_mailbox_of_others_and_who_only_looks_none(cast: Cast, api_for: Make) -> None:
    private = next(a for a in cast.accounts.values() if a.scope_id == cast.private.pk)
    secret = mailing(cast, [], account=private)
    paths = [f"/mailings/{secret.pk}{rest}" for rest in ("", "/dry-run", "/people")]
    for path in paths:
        api_for(cast.carl)("GET", path, status=200)
        api_for(cast.ines)("GET", path, status=404)
        api_for(cast.pia, permissions=("mailings:read",))("GET", path, status=403)
        api_for(cast.carl, permissions=("people:read",))("GET", path, status=403)
    assert api_for(cast.ines)("GET", "/mailings", status=200)["items"] == []
