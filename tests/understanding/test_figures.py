"""Figures say what they rest on: of random checks, in the viewer's scopes, each with its n and the messages behind it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kith.base.clock import now
from kith.channels.deletions import messages_gone
from kith.conversations.models import Message
from kith.understanding.corrections_file import lines
from kith.understanding.errors import UnderstandingError
from kith.understanding.models import Check
from kith.understanding.selectors import drawn, figures, messages_behind, said_behind, said_of
from kith.understanding.selectors.figures import Share
from kith.understanding.services import check_record, entity_save, message_correct, messages_annotate
from tests.support.cast import Cast
from tests.support.reader import ANGRY, TORN, Aspect, Reader

pytestmark = pytest.mark.django_db
READER = Reader(
    late={"intents": ("complaint",), "aspects": (Aspect("Bell", "negative"),), **ANGRY},
    hm=TORN,
    spaet={"language": "de", **ANGRY},
)


def mail(cast: Cast, text: str, number: int = 0, **rest: Any) -> Any:
    told = cast.mail(
        rest.pop("scope", cast.everyone), sender=f"p{cast.number}@x.example", text=text, subject="",
        at=now() - timedelta(days=1, minutes=number), **rest,
    )  # fmt: skip
    messages_annotate([told.message_id], annotator=READER)
    return told.message_id


def test_a_share_has_wilsons_range() -> None:
    low, high = Share(8, 10).bounds
    assert (round(low, 3), round(high, 3)) == (0.49, 0.943)
    assert Share(0, 0).bounds == (0.0, 1.0)
    assert round(Share(10, 10).bounds[1], 9) == 1.0


def test_coverage_counts_what_the_viewer_sees_and_leads_to_it(cast: Cast) -> None:
    for text in ("late", "hm", "spaet"):
        mail(cast, text)
    mail(cast, "late", scope=cast.private)
    cast.mail(cast.everyone, sender="n@x.example", text="not read", at=now())
    olga = cast.viewer(cast.olga)
    found = figures(olga)
    assert (found.whole.total, found.whole.read, found.whole.unsure) == (4, 3, 1)
    assert {row.language: row.total for row in found.coverage} == {"en": 2, "de": 1, "": 1}
    assert figures(cast.viewer(cast.carl)).whole.total == 5
    for what, count in (("all", 4), ("read", 3), ("unsure", 1), ("unread", 1)):
        assert len(messages_behind(olga, what=what).rows) == count, what
    assert [row.text for row in messages_behind(olga, what="read", language="de").rows] == ["spaet"]


def test_pages_of_messages_hold_each_once(cast: Cast) -> None:
    for number in range(52):
        mail(cast, "late", number)
    olga = cast.viewer(cast.olga)
    first = messages_behind(olga)
    second = messages_behind(olga, cursor=first.next_cursor)
    assert (len(first.rows), len(second.rows), second.next_cursor) == (50, 2, None)
    assert len({row.id for row in (*first.rows, *second.rows)}) == 52


def test_accuracy_is_of_drawn_messages_each_checked_once(cast: Cast) -> None:
    ids = [mail(cast, "late") for _ in range(4)]
    olga = cast.viewer(cast.olga)
    seen = set()
    while (key := drawn(olga)) is not None:
        seen.add(key)
        if len(seen) == 1:
            check_record(olga, key, outcome="wrong", values={"sentiment": "neutral"})
        elif len(seen) == 2:
            check_record(olga, key, outcome="skipped")
        else:
            check_record(olga, key, outcome="right")
    assert seen == set(ids)
    (row,) = figures(olga).accuracy
    assert (row.language, row.mood, row.wishes, row.skipped, row.few) == (
        "en",
        Share(2, 3),
        Share(3, 3),
        1,
        True,
    )
    assert len(messages_behind(olga, what="mood_wrong").rows) == 1
    with pytest.raises(UnderstandingError):
        check_record(olga, ids[0], outcome="right")


def test_wrong_without_what_would_be_right_counts_for_nothing(cast: Cast) -> None:
    key = mail(cast, "late")
    with pytest.raises(UnderstandingError):
        check_record(cast.viewer(cast.olga), key, outcome="wrong", values={"sentiment": "negative"})
    assert Check.objects.count() == 0


def test_nothing_is_drawn_of_what_one_may_not_see(cast: Cast) -> None:
    mail(cast, "late", scope=cast.private)
    assert drawn(cast.viewer(cast.olga)) is None
    assert drawn(cast.viewer(cast.carl)) is not None


def test_what_is_said_of_what_is_counted_by_month_and_leads_to_its_messages(cast: Cast) -> None:
    entity = entity_save(kind="product", name="Glocke")
    mail(cast, "Glocke late")
    mail(cast, "hm, die Glocke")
    mail(cast, "late", scope=cast.private)
    olga = cast.viewer(cast.olga)
    found = said_of(olga)
    month = (now() - timedelta(days=1)).strftime("%Y-%m")
    (name,), (aspect,) = found.names, found.aspects
    assert (name.what, name.n, name.cells[month].negative, name.cells[month].unsure) == ("Glocke", 2, 1, 1)
    assert (aspect.what, aspect.cells[month].negative, aspect.n) == ("bell", 1, 1)
    assert [r.text for r in said_behind(olga, aspect="bell", mood="negative", month=month).rows] == [
        "Glocke late"
    ]
    assert [r.text for r in said_behind(olga, name=str(entity.pk), mood="unsure").rows] == ["hm, die Glocke"]
    assert len(said_behind(cast.viewer(cast.carl), aspect="bell").rows) == 2


def test_the_file_for_training_holds_what_people_said_of_messages_that_are_still_there(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    kept, edited, gone, confirmed = (mail(cast, text) for text in ("late 1", "late 2", "late 3", "late 4"))
    for key in (kept, edited, gone):
        message_correct(olga, key, values={"sentiment": "neutral", "urgent": True})
    check_record(olga, confirmed, outcome="right")
    Message.objects.filter(pk=edited).update(text="other words")
    messages_gone([Message.objects.get(pk=gone)], at=now())
    found = {line["text"]: line for line in lines()}
    assert found == {
        "late 1": {"text": "late 1", "language": "en", "sentiment": "neutral", "urgent": True},
        "late 4": {
            "text": "late 4",
            "language": "en",
            "sentiment": "negative",
            "emotion": "none",
            "intents": ["complaint"],
        },
    }


def test_the_command_writes_the_file_for_its_owner_alone(
    cast: Cast, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    import contextlib

    from kith.cli import corrections, prepare

    message_correct(cast.viewer(cast.olga), mail(cast, "late"), values={"sentiment": "neutral"})
    monkeypatch.setattr(prepare, "database", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(prepare, "setup", lambda: None)
    target = tmp_path / "data" / "corrections.jsonl"
    corrections.corrections(target)
    assert [json.loads(line)["sentiment"] for line in target.read_text().splitlines()] == ["neutral"]
    assert target.stat().st_mode & 0o077 == 0
    assert "traces" in "".join(capsys.readouterr())
