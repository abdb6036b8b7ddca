"""What was there before is read, newest first; a new model reads again; a killed walk goes on where it was."""

from __future__ import annotations

from typing import Any

import pytest

from kith.core import company
from kith.understanding import preferences
from kith.understanding.models import Annotation, Sweep
from kith.understanding.services import entity_delete, entity_save, messages_annotate
from kith.understanding.sweeps import running, sweep_due, sweep_go_on
from tests.support.cast import Cast
from tests.support.reader import Reader

pytestmark = pytest.mark.django_db


def mails(cast: Cast, number: int) -> None:
    for n in range(number):
        cast.mail(cast.everyone, sender=f"p{n}@x.example", text=f"bell {n}", subject="")


def test_a_walk_reads_all_that_was_there_newest_first_and_ends(cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr("kith.understanding.sweeps.BATCH", 3)
    mails(cast, 7)
    read = Reader()
    sweep = sweep_due(read)
    assert sweep is not None
    assert sweep.total == 7
    assert not sweep_go_on(sweep.pk, annotator=read, spend=0)
    assert {text for text, _ in read.asked if text != "."} == {"bell 6", "bell 5", "bell 4"}
    sweep.refresh_from_db()
    assert (sweep.done, sweep.finished_at) == (3, None)
    assert sweep_go_on(sweep.pk, annotator=read)
    assert Annotation.objects.filter(state="read").count() == 7
    assert sweep_due(read) is None
    assert running() == []


def test_what_was_read_already_is_not_read_twice_until_the_model_changes(cast: Cast) -> None:
    mails(cast, 3)
    read = Reader()
    messages_annotate(cast_ids(), annotator=read)
    asked = len(read.asked)
    sweep = sweep_due(read)
    assert sweep is not None
    sweep_go_on(sweep.pk, annotator=read)
    assert [text for text, _ in read.asked[asked:] if text != "."] == []
    newer = Reader(model="test-2")
    sweep = sweep_due(newer)
    assert sweep is not None
    assert sweep_go_on(sweep.pk, annotator=newer)
    assert set(Annotation.objects.values_list("model", flat=True)) == {"test-2-best"}


def cast_ids() -> list[Any]:
    from kith.conversations.models import Message

    return list(Message.objects.values_list("pk", flat=True))


def test_a_walk_that_a_newer_model_overtakes_is_given_up(cast: Cast) -> None:
    mails(cast, 1)
    old = sweep_due(Reader())
    assert old is not None
    newer = sweep_due(Reader(model="test-2"))
    assert [row.pk for row in running()] == [newer.pk if newer else None]
    assert not sweep_go_on(old.pk, annotator=Reader())


def test_names_are_looked_for_in_what_was_said_before(cast: Cast) -> None:
    mails(cast, 2)
    messages_annotate(cast_ids(), annotator=Reader())
    row = entity_save(kind="product", name="Bell")
    (sweep,) = running()
    assert (sweep.kind, sweep.total) == ("names", 2)
    assert sweep_go_on(sweep.pk)
    assert {e["name"] for a in Annotation.objects.all() for e in a.entities} == {"Bell"}
    entity_delete(entity=row)
    (sweep,) = running()
    sweep_go_on(sweep.pk)
    assert [a.entities for a in Annotation.objects.all()] == [[], []]


def test_what_is_switched_off_walks_nowhere(cast: Cast) -> None:
    company.set_value("name", "Bicycles Ltd")
    preferences.choose(preferences.OFF)
    mails(cast, 1)
    assert sweep_due(Reader()) is None
    assert Sweep.objects.count() == 0
