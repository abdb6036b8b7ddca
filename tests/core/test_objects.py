"""Objects by prepared statements are the objects that Django reads; a few of several models are stored by one statement."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from kith.base.clock import now
from kith.base.ids import new_id
from kith.contacts.models import Contact, Fact
from kith.core import audit
from kith.core.models import AuditEvent
from kith.core.objects import objects
from kith.core.rows import insert_together
from kith.work.models import Task
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return cast_make()


def test_objects_are_those_that_django_reads_with_what_belongs_to_them(cast: Cast) -> None:
    contact = Contact.objects.create(
        canonical_id=(key := new_id()), id=key, name="Ada", custom={"size": ["M"]}
    )
    for number, who in enumerate((cast.olga, None)):
        Task.objects.create(
            title=f"Call {number}", contact=contact, assignee=who, due_at=now() + timedelta(days=number)
        )
    with CaptureQueriesContext(connection) as asked:
        found = objects(
            Task,
            "r.contact_id = ANY (%(ids)s) ORDER BY r.due_at",
            {"ids": [key]},
            assignee="name",
            contact="name",
        )
        told = [
            (t.title, t.assignee.name if t.assignee else None, t.contact.name) for t in found if t.contact
        ]
    assert told == [("Call 0", cast.olga.name, "Ada"), ("Call 1", None, "Ada")]
    assert len(asked) == 1
    wanted = list(Task.objects.order_by("due_at"))
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine == theirs
        assert [getattr(mine, f.attname) for f in Task._meta.concrete_fields] == [
            getattr(theirs, f.attname) for f in Task._meta.concrete_fields
        ]
    assert not found[0]._state.adding
    # What was not asked for is read when somebody asks for it.
    assert found[0].assignee is not None
    assert found[0].assignee.email == cast.olga.email
    (again,) = objects(Contact, "r.id = %(id)s", {"id": key}, owner="name")
    assert (again.custom, again.owner) == ({"size": ["M"]}, None)
    again.name = "Ada Lovelace"
    again.save()
    assert Contact.objects.get(pk=key).name == "Ada Lovelace"
    assert objects(Contact, "r.id = %(id)s", {"id": uuid.uuid4()}) == []


def test_a_few_new_objects_of_several_models_are_one_statement() -> None:
    key = new_id()
    contact = Contact(id=key, canonical_id=key, name="100 % Ada")
    facts = [
        Fact(contact=contact, attribute=name, value=value, source="told_us", observed_at=now())
        for name, value in (("name", "100 % Ada"), ("custom.sizes", ["M", None]))
    ]
    with CaptureQueriesContext(connection) as asked:
        insert_together([contact, *facts, audit.event("contact_created", "contact", key, source="told_us")])
    assert len(asked) == 1
    assert Contact.objects.get(pk=key).name == "100 % Ada"
    assert {f.attribute: f.value for f in Fact.objects.filter(contact_id=key)} == {
        "name": "100 % Ada",
        "custom.sizes": ["M", None],
    }
    assert AuditEvent.objects.get(subject_id=key).details == {"source": "told_us"}
    facts[0].quote = "so she said"
    facts[0].save()
    assert Fact.objects.filter(contact_id=key).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_connection_whose_server_ended_it_is_not_used_again() -> None:
    kept = connections["default"]
    with kept.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    assert kept.is_usable()
    other = kept.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            assert cursor.fetchone() == (True,)
    finally:
        other.close()
    assert not kept.is_usable()
    kept.health_check_done = False
    kept.health_check_enabled = True
    with kept.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() != (pid,)
