"""The pages of people and of today, and the palette, as each viewer may see them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.services import (
    affiliation_record,
    contact_create,
    contact_for_identity,
    contact_merge,
    fact_record,
    organization_get_or_create,
)
from kith.conversations.services.actions import conversations_assign, note_add
from kith.work import services as work
from kith.workspace.people import contact_page
from kith.workspace.people_list import PeopleView, people_list
from kith.workspace.today import today
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(cast: Cast) -> Contact:
    cast.mail(cast.everyone, subject="to all")
    cast.mail(cast.sales_scope, subject="to sales", at=NOON + timedelta(hours=1))
    return contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))


def test_the_page_says_who_what_and_how_we_know(cast: Cast, ada: Contact) -> None:
    carl, ines = cast.viewer(cast.carl), cast.viewer(cast.ines)
    fact_record(contact_id=ada.pk, attribute="given_name", value="Augusta", source="form")
    fact_record(contact_id=ada.pk, attribute="given_name", value="Ada", source="told_us", quote="I'm Ada")
    fact_record(
        contact_id=ada.pk, attribute="city", value="London", source="message", scope_id=cast.sales_scope.id
    )
    affiliation_record(
        contact_id=ada.pk, organization=organization_get_or_create(name="Engines Ltd"), role="Analyst"
    )
    work.promise_keep(carl, work.promise_make(carl, contact_id=ada.pk, what="a").pk)
    work.promise_make(carl, contact_id=ada.pk, what="b")
    work.task_create(carl, title="call", contact_id=ada.pk, scope_id=cast.sales_scope.id)
    page = contact_page(carl, ada.pk)
    assert page is not None
    assert (page.name, page.greeting_name, page.messages_in, page.promises_kept, page.promises_all) == (
        "Ada Lovelace",
        "Ada",
        2,
        1,
        2,
    )
    assert [
        (f.attribute, f.value, f.source, f.current) for f in page.facts if f.attribute == "given_name"
    ] == [
        ("given_name", "Ada", "told_us", True),
        ("given_name", "Augusta", "form", False),
    ]
    assert [(i.handle, i.basis) for i in page.identities] == [("ada@outside.example", "own_key")]
    assert [(a.organization, a.role) for a in page.affiliations] == [("Engines Ltd", "Analyst")]
    assert len(page.conversations) == 2
    theirs = contact_page(ines, ada.pk)
    assert theirs is not None
    assert (theirs.messages_in, len(theirs.conversations), len(theirs.tasks)) == (1, 1, 0)
    assert "city" not in {f.attribute for f in theirs.facts}


def test_a_merged_person_has_one_page_under_both_ids(cast: Cast, ada: Contact) -> None:
    other = contact_create(name="Ada King")
    contact_merge(survivor=other, loser=ada)
    one, two = contact_page(cast.viewer(cast.carl), ada.pk), contact_page(cast.viewer(cast.carl), other.pk)
    assert one is not None
    assert one == two
    assert one.messages_in == 2
    assert contact_page(cast.viewer(cast.carl), cast.sales.id) is None


def test_the_page_costs_the_same_number_of_queries(
    cast: Cast, ada: Contact, django_assert_max_num_queries: Any
) -> None:
    for n in range(5):
        work.task_create(cast.viewer(cast.carl), title=f"t{n}", contact_id=ada.pk)
        fact_record(contact_id=ada.pk, attribute=f"custom.f{n}", value=n, source="colleague", user=cast.carl)
    with django_assert_max_num_queries(22):
        contact_page(cast.viewer(cast.carl), ada.pk)


def test_the_list_by_name_page_by_page(cast: Cast) -> None:
    for name in ("Zoe", "adam", "Émile", "Bob", "adam"):
        contact_create(name=name)
    viewer = cast.viewer(cast.ines)
    seen, cursor = [], None
    while True:
        page = people_list(viewer, PeopleView(), cursor=cursor, limit=2)
        seen += [r.name for r in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ["adam", "adam", "Bob", "Émile", "Zoe"]
    assert [r.name for r in people_list(viewer, PeopleView(search="emi")).rows] == ["Émile"]
    assert people_list(viewer, PeopleView(), cursor="rubbish", limit=1).rows[0].name == "adam"


def test_today(cast: Cast, ada: Contact) -> None:
    carl = cast.viewer(cast.carl)
    conversation = contact_page(carl, ada.pk).conversations[0].conversation_id  # type: ignore[union-attr]
    conversations_assign(carl, [conversation], assignee_id=cast.carl.id)
    note_add(cast.viewer(cast.olga), conversation, text="@Carl please")
    work.task_create(carl, title="today", assignee_id=cast.carl.id, due_at=now())
    work.task_create(carl, title="later", assignee_id=cast.carl.id, due_at=now() + timedelta(days=9))
    work.promise_make(carl, contact_id=ada.pk, what="a bell", due_at=now() + timedelta(days=2))
    page = today(carl)
    assert [r.conversation_id for r in page.waiting] == [conversation]
    assert [r.conversation_id for r in page.mentions] == [conversation]
    assert ([t.title for t in page.tasks], [t.title for t in page.tasks_later]) == (["today"], ["later"])
    assert [p.what for p in page.promises] == ["a bell"]
    assert today(cast.viewer(cast.olga)).waiting == ()
