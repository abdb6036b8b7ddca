"""Names are found by any fragment, and never by reading the whole table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kith.contacts.models import Contact, Identity, NameWord
from kith.contacts.selectors import contact_ids_search, identities_named, people_search
from kith.contacts.services import (
    contact_create,
    contact_delete,
    contact_for_identity,
    contact_merge,
    organization_get_or_create,
)

pytestmark = pytest.mark.django_db


def names(text: str) -> list[str]:
    return [hit.name for hit in people_search(text)]


def test_any_fragment_of_any_word() -> None:
    contact_create(given_name="Ada", family_name="Lovelace", city="London")
    contact_create(name="Zoë Müller-Weiß")
    contact_create(name="Søren Å")
    assert sorted(names("a")) == ["Ada Lovelace", "Søren Å"]
    assert names("lo") == ["Ada Lovelace"]
    assert names("velac") == ["Ada Lovelace"]
    assert names("lov ad") == ["Ada Lovelace"]
    assert names("zoe") == names("MULLER") == names("weiss") == names("Zoë Mü") == ["Zoë Müller-Weiß"]
    assert names("soren") == ["Søren Å"]
    assert names("nobody") == names("") == names("%") == names("_") == names("\x00'") == []


def test_what_changes_is_found_under_its_new_name_only() -> None:
    ada = contact_create(name="Ada")
    Contact.objects.filter(pk=ada.pk).update(search_text="grace hopper", name="Grace")
    assert names("ada") == []
    assert names("hop") == ["Grace"]
    contact_delete(contact=ada)
    assert names("hop") == []


def test_a_merged_contact_is_found_once_as_its_survivor() -> None:
    one, two = contact_create(name="Ada Byron"), contact_create(name="Ada Lovelace")
    contact_merge(survivor=two, loser=one)
    assert names("ada") == ["Ada Lovelace"]
    assert contact_ids_search("ada") == [two.pk]


def test_organizations_and_strangers() -> None:
    organization_get_or_create(name="Wheel & Chain Ltd", domain="wheel.example")
    made = Identity.objects.create(
        network="email", external_id="whoever@x.example", display_name="Who Ever", handle="whoever@x.example"
    )
    Identity.objects.create(
        network="email", external_id="whatus@us.example", display_name="What Us", kind="us"
    )
    assert [(h.kind, h.name) for h in people_search("wh")] == [
        ("organization", "Wheel & Chain Ltd"),
        ("identity", "Who Ever"),
    ]
    assert identities_named("whoever@x.example") == [made.pk]
    contact_for_identity(identity=made)
    assert [(h.kind, h.name) for h in people_search("who")] == [("person", "Who Ever")]
    assert identities_named("ever") == [made.pk]
    Identity.objects.filter(pk=made.pk).delete()
    assert NameWord.objects.filter(kind="i").count() == 0


def fill(rows: int) -> None:
    with connection.cursor() as db:
        db.execute(
            """
            INSERT INTO contacts_contact (id, created_at, canonical_id, name, preferred_name, given_name, family_name,
                name_confidence, sort_key, search_text, language, time_zone, city, country, avatar, custom)
            SELECT id, now(), id, name, '', '', '', 1, lower(name), lower(name), '', '', '', '', '', '{}'
            FROM (SELECT gen_random_uuid() AS id, chr(97 + n %% 26) || 'a' || left(md5(n::text), 6) || ' ' || left(md5((n + 7)::text), 7)
                         || CASE WHEN n %% 3 = 0 THEN ' xannx' ELSE '' END AS name
                  FROM generate_series(1, %s) n) s
            """,
            [rows],
        )
        db.execute("ANALYZE contacts_contact")
        db.execute("ANALYZE contacts_nameword")


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(n for child in plan.get("Plans", ()) for n in nodes(child))]


def test_no_fragment_reads_the_whole_table() -> None:
    fill(50_000)
    for text in ("a", "ba", "ann", "annx", "ba ann", "a b", "qqq", "xannx e"):
        with CaptureQueriesContext(connection) as caught:
            people_search(text)
        assert len(caught) <= 9
        for query in caught.captured_queries:
            with connection.cursor() as db:
                db.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"])
                found = db.fetchone()[0]
            plan = nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
            read = sum(
                (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"]
                for n in plan
                if n.get("Relation Name")
            )
            assert read < 4000, (text, read, query["sql"])
