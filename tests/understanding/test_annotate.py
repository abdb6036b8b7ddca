"""Messages are read in batches, once, by the right tier; what must not be read is not; what goes takes its reading along."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kith.base.clock import now
from kith.channels.deletions import messages_gone
from kith.conversations.models import ConversationScope, Message
from kith.conversations.services import actions
from kith.core import events
from kith.core.models import EventDelivery
from kith.understanding import preferences
from kith.understanding.models import Annotation, Correction, Entity
from kith.understanding.services import (
    annotations_forget,
    correction_undo,
    message_correct,
    messages_annotate,
    messages_relabel,
)
from tests.support.cast import NOON, Cast
from tests.support.reader import ANGRY, GLAD, TORN, Aspect, Reader

pytestmark = pytest.mark.django_db
LATE: dict[str, Any] = {"intents": ("complaint",), "aspects": (Aspect("bell", "negative"),), **ANGRY}


def reader(**more: Any) -> Reader:
    return Reader(**{"late": LATE, "lovely": {"intents": ("praise",), **GLAD}, "hm": TORN, **more})


def test_a_message_is_read_and_its_conversation_shows_it_in_its_scope_only(cast: Cast) -> None:
    told = cast.mail(cast.sales_scope, text="The bell is late", subject="")
    assert messages_annotate([told.message_id], annotator=reader()).read == 1
    row = Annotation.objects.get(message_id=told.message_id)
    assert (row.sentiment, row.intents, row.labels) == ("negative", ["complaint"], ["complaint", "negative"])
    assert (row.aspects, row.direction, row.tier) == (
        [{"aspect": "bell", "sentiment": "negative"}],
        "in",
        "best",
    )
    assert Message.objects.get().labels == ["complaint", "negative"]
    shown = ConversationScope.objects.get(conversation_id=told.conversation_id)
    assert (shown.scope_id, shown.labels) == (cast.sales_scope.id, ["complaint", "negative"])


def test_a_conversation_shows_what_waits_and_after_an_answer_what_was_said_last(cast: Cast) -> None:
    first = cast.mail(cast.everyone, text="late", subject_key="b", thread_keys=("k",), own_key="k")
    second = cast.mail(
        cast.everyone, text="hello?", at=NOON + timedelta(hours=1), thread_keys=("k",), own_key="l"
    )
    assert first.conversation_id == second.conversation_id
    messages_annotate([first.message_id, second.message_id], annotator=reader())
    row = ConversationScope.objects.get()
    assert row.labels == ["complaint", "negative"]
    cast.mail(
        cast.everyone,
        text="Soon!",
        outgoing=True,
        at=NOON + timedelta(hours=2),
        thread_keys=("k",),
        own_key="m",
    )
    third = cast.mail(
        cast.everyone, text="lovely", at=NOON + timedelta(hours=3), thread_keys=("k",), own_key="n"
    )
    messages_annotate([third.message_id], annotator=reader())
    row.refresh_from_db()
    assert row.labels == ["positive", "praise"]


def test_the_same_words_are_read_once_and_edited_ones_again(cast: Cast) -> None:
    told, read = cast.mail(cast.everyone, text="late"), reader()
    messages_annotate([told.message_id, told.message_id], annotator=read)
    assert messages_annotate([told.message_id], annotator=read).same == 1
    assert len(read.asked) == 1
    Message.objects.update(text="lovely")
    assert messages_annotate([told.message_id], annotator=read).read == 1
    assert Annotation.objects.get().labels == ["praise", "positive"]


def test_a_batch_takes_as_many_statements_as_one_message(cast: Cast) -> None:
    ids = [cast.mail(cast.everyone, sender=f"p{n}@x.example", text="late").message_id for n in range(41)]

    def statements(wanted: list[Any]) -> int:
        with CaptureQueriesContext(connection) as caught:
            messages_annotate(wanted, annotator=reader())
        return len(caught)

    assert statements(ids[1:]) == statements(ids[:1])


def test_notes_automatic_mail_and_what_is_switched_off_are_not_read(cast: Cast) -> None:
    mail = cast.mail(cast.everyone, text="late")
    actions.note_add(cast.viewer(cast.olga), mail.conversation_id, text="they are late again", mentions=[])
    news = cast.mail(cast.everyone, sender="n@x.example", text="late", automatic="list")
    ids = list(Message.objects.values_list("pk", flat=True))
    read = reader()
    messages_annotate(ids, annotator=read)
    assert list(Annotation.objects.values_list("message_id", flat=True)) == [mail.message_id]
    assert len(read.asked) == 1
    assert news.message_id in ids
    assert len(ids) == 3
    preferences.choose(preferences.OFF)
    other = cast.mail(cast.everyone, sender="o@x.example", text="late")
    assert messages_annotate([other.message_id], annotator=read).total == 0


def test_what_people_write_is_read_carefully_and_ours_and_old_ones_quickly(cast: Cast) -> None:
    old = cast.mail(cast.everyone, text="old", at=NOON.replace(year=2019))
    Message.objects.filter(pk=old.message_id).update(history=True)
    ids = [
        old.message_id,
        cast.mail(cast.everyone, text="theirs", subject="").message_id,
        cast.mail(cast.everyone, text="ours", subject="", outgoing=True).message_id,
    ]
    read = reader()
    messages_annotate(ids, annotator=read)
    assert {text.split("\n")[-1]: tier for text, tier in read.asked} == {
        "old": "fast",
        "ours": "fast",
        "theirs": "best",
    }
    for choice, tier in ((preferences.FAST, "fast"), (preferences.BEST, "best")):
        preferences.choose(choice)
        read = reader()
        messages_annotate(ids, annotator=read, again=True)
        assert {tier for _, tier in read.asked} == {tier}


def test_a_text_that_cannot_be_read_is_set_aside_and_the_others_are_read(cast: Cast) -> None:
    ids = [
        cast.mail(cast.everyone, sender=f"p{n}@x.example", text="poison" if n == 3 else "late").message_id
        for n in range(7)
    ]
    read = reader()
    read.chokes_on = "poison"
    told = messages_annotate(ids, annotator=read)
    assert (told.read, told.failed) == (6, 1)
    row = Annotation.objects.get(state="failed")
    assert (row.message_id, row.labels, "choked" in row.problem) == (ids[3], [], True)
    read.chokes_on = ""
    assert messages_annotate(ids, annotator=read).read == 1


def test_a_message_without_words_is_counted_and_not_guessed_at(cast: Cast) -> None:
    told = cast.mail(cast.everyone, text="> quoted", quote_at=0, subject="Re: x")
    assert messages_annotate([told.message_id], annotator=reader()).empty == 1
    assert Annotation.objects.get().labels == []


def test_the_event_of_a_recorded_message_leads_to_its_reading_once(cast: Cast, monkeypatch: Any) -> None:
    read = reader()
    monkeypatch.setattr(
        "kith.understanding.events.messages_annotate", lambda ids: messages_annotate(ids, annotator=read)
    )
    told = cast.mail(cast.everyone, text="late")
    waiting = EventDelivery.objects.filter(subscriber="understanding.annotate")
    assert list(waiting.values_list("subject_id", flat=True)) == [told.message_id]
    events.pump()
    events.record("message_recorded", [told.message_id])
    events.pump()
    assert (waiting.count(), Annotation.objects.count(), len(read.asked)) == (0, 1, 1)


def test_what_its_author_deleted_is_forgotten_with_all_that_was_said_of_it(cast: Cast) -> None:
    told = cast.mail(cast.everyone, text="late")
    messages_annotate([told.message_id], annotator=reader())
    message_correct(cast.viewer(cast.olga), told.message_id, values={"sentiment": "neutral"})
    messages_gone([Message.objects.get()], at=now())
    assert Message.objects.get().labels == []
    assert ConversationScope.objects.get().labels == []
    annotations_forget([told.message_id])
    assert (Annotation.objects.count(), Correction.objects.count()) == (0, 0)
    assert messages_annotate([told.message_id], annotator=reader()).total == 0


def test_a_removed_message_takes_its_reading_along(cast: Cast) -> None:
    told = cast.mail(cast.everyone, text="late")
    messages_annotate([told.message_id], annotator=reader())
    Message.objects.filter(pk=told.message_id).delete()
    assert Annotation.objects.count() == 0


def test_a_correction_counts_at_once_survives_the_next_model_and_is_undone(cast: Cast) -> None:
    told, olga = cast.mail(cast.everyone, text="late"), cast.viewer(cast.olga)
    messages_annotate([told.message_id], annotator=reader())
    done = message_correct(
        olga, told.message_id, values={"sentiment": "neutral", "intents": ["question"], "urgent": True}
    )
    row = Annotation.objects.get()
    assert (row.sentiment, row.intents, row.urgency) == ("neutral", ["question"], 1.0)
    assert row.labels == Message.objects.get().labels == ["urgent", "question"]
    assert row.said == {"sentiment": "negative", "intents": ["complaint"], "urgent": 0.0}
    kept = Correction.objects.get(field="sentiment")
    assert (kept.before, kept.value, kept.by_id) == ("negative", "neutral", cast.olga.id)
    messages_annotate(
        [told.message_id],
        annotator=reader(late={"sentiment": "positive", "intents": ("thanks",)}),
        again=True,
    )
    row.refresh_from_db()
    assert (row.sentiment, row.said["sentiment"], row.said["intents"]) == ("neutral", "positive", ["thanks"])
    assert messages_relabel([told.message_id]) == 1
    row.refresh_from_db()
    assert (row.sentiment, row.said["sentiment"]) == ("neutral", "positive")
    assert done.batch is not None
    correction_undo(olga, done.batch)
    row.refresh_from_db()
    assert (row.sentiment, row.intents, row.urgency, row.said) == ("positive", ["thanks"], 0.0, {})


def test_undoing_the_second_correction_brings_back_the_first(cast: Cast) -> None:
    told, olga = cast.mail(cast.everyone, text="late"), cast.viewer(cast.olga)
    messages_annotate([told.message_id], annotator=reader())
    message_correct(olga, told.message_id, values={"sentiment": "neutral"})
    second = message_correct(olga, told.message_id, values={"sentiment": "positive"})
    assert Correction.objects.get(undone_at=None).before == "neutral"
    correction_undo(olga, second.batch)  # type: ignore[arg-type]
    row = Annotation.objects.get()
    assert (row.sentiment, row.said) == ("neutral", {"sentiment": "negative"})
    assert Correction.objects.get(undone_at=None).value == "neutral"


def test_what_was_said_of_other_words_counts_no_more(cast: Cast) -> None:
    told, olga = cast.mail(cast.everyone, text="late"), cast.viewer(cast.olga)
    messages_annotate([told.message_id], annotator=reader())
    message_correct(olga, told.message_id, values={"sentiment": "neutral"})
    Message.objects.update(text="lovely")
    messages_annotate([told.message_id], annotator=reader())
    assert Annotation.objects.get().sentiment == "positive"
    assert message_correct(olga, told.message_id, values={"sentiment": "neutral"}).fields == ("sentiment",)
    assert Annotation.objects.get().sentiment == "neutral"


def test_names_are_found_and_found_again_without_asking_a_model(cast: Cast) -> None:
    told = cast.mail(cast.everyone, text="My bell is late", subject="")
    read = reader()
    messages_annotate([told.message_id], annotator=read)
    assert Annotation.objects.get().entities == []
    Entity.objects.create(kind="product", name="Bell")
    assert messages_relabel([told.message_id]) == 1
    assert [e["name"] for e in Annotation.objects.get().entities] == ["Bell"]
    assert len(read.asked) == 1


@pytest.mark.django_db(transaction=True)
def test_who_deletes_a_message_while_it_is_read_leaves_nothing_of_it(cast: Cast) -> None:
    told = cast.mail(cast.everyone, text="late")
    read = reader()

    def meanwhile(texts: Any, /, *, tier: Any = "fast") -> Any:
        def delete() -> None:
            messages_gone([Message.objects.get()], at=now())
            connection.close()

        thread = threading.Thread(target=delete)
        thread.start()
        thread.join()
        return read(texts, tier=tier)

    messages_annotate([told.message_id], annotator=meanwhile)
    assert Annotation.objects.count() == 0
    assert Message.objects.get().labels == []


def test_without_the_careful_readers_weights_the_quick_one_reads_and_the_reading_says_so(
    cast: Cast, monkeypatch: Any
) -> None:
    monkeypatch.setattr("kith.understanding.services.annotate.careful_is_there", lambda: False)
    told = cast.mail(cast.everyone, text="Thank you, what a lovely shop!", subject="")
    assert messages_annotate([told.message_id]).read == 1
    row = Annotation.objects.get()
    assert (row.tier, row.language, row.model[:9]) == ("fast", "en", "kith-fast")
