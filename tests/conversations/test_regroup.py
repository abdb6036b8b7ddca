"""Join, split and move are undone to the same history, whatever was done in between."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kith.conversations.models import (
    Conversation,
    ConversationLogEntry,
    ConversationScope,
    MessageCopy,
    Thread,
    ThreadKey,
)
from kith.conversations.selectors import conversation_resolve
from kith.conversations.services.actions import (
    ActionError,
    CannotUndo,
    conversation_join,
    conversation_split,
    log_entry_undo,
    thread_move,
)
from kith.teams.errors import NotAllowed
from tests.support.cast import NOON, Cast, cast_make

pytestmark = pytest.mark.django_db


def history() -> dict[str, Any]:
    """Everything that join, split and move may change, and must give back."""
    return {
        "messages": {
            (c.message_id, c.scope_id, c.folder, c.uid): (
                c.thread_id,
                c.thread.conversation_id,
                c.first_in_thread,
            )
            for c in MessageCopy.objects.select_related("thread")
        },
        "threads": {t.pk: (t.conversation_id, t.last_at, t.subject) for t in Thread.objects.all()},
        "keys": dict(ThreadKey.objects.values_list("key", "thread_id")),
        "rows": {
            (r.conversation_id, r.scope_id): (
                r.message_count,
                r.last_at,
                r.subject,
                r.status,
                r.waiting_since,
            )
            for r in ConversationScope.objects.all()
        },
        "status": {
            c.pk: (c.status, c.joined_into_id)
            for c in Conversation.objects.filter(threads__isnull=False).distinct()
        },
    }


def fill(cast: Cast) -> None:
    """Four conversations: two threads in one of them, several messages a thread, two scopes."""
    cast.number = 0
    for person in range(3):
        for n in range(4):
            cast.mail(
                (cast.everyone, cast.sales_scope)[person % 2],
                sender=f"p{person}@x.example",
                at=NOON + timedelta(hours=cast.number),
                thread_keys=(f"mid:<{person * 4 + 1}@outside.example>",) if n else (),
                subject_key=f"matter {person} {n // 3}",
            )
    cast.mail(cast.private, sender="p9@x.example", at=NOON)


def step(cast: Cast, rng: random.Random, viewer: Any) -> list[uuid.UUID]:
    """One random action; returns the entry it made, or none when it is refused in words."""
    threads = list(Thread.objects.order_by("id").values_list("id", "conversation_id"))
    conversations = sorted({c for _, c in threads})
    try:
        with transaction.atomic():
            match rng.randrange(3):
                case 0:
                    return list(
                        conversation_join(
                            viewer, into=rng.choice(conversations), other=rng.choice(conversations)
                        ).entry_ids
                    )
                case 1:
                    key = rng.choice(conversations)
                    messages = sorted(
                        set(
                            MessageCopy.objects.filter(thread__conversation_id=key).values_list(
                                "message_id", flat=True
                            )
                        )
                    )
                    some = rng.sample(messages, rng.randint(1, len(messages)))
                    return list(conversation_split(viewer, key, message_ids=some).entry_ids)
                case _:
                    to = rng.choice([None, *conversations])
                    return list(thread_move(viewer, rng.choice(threads)[0], to=to).entry_ids)
    except ActionError:
        return []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 10), extra_undos=st.integers(0, 4))
def test_undoing_everything_gives_the_same_history(seed: int, steps: int, extra_undos: int) -> None:
    rng = random.Random(seed)
    with transaction.atomic():
        cast = cast_make()
        fill(cast)
        viewer = cast.viewer(cast.carl)
        before = history()
        stack: list[uuid.UUID] = []
        for _ in range(steps):
            stack += step(cast, rng, viewer)
        for _ in range(extra_undos):  # undo something in the middle, where nothing later stands on it
            if not stack:
                break
            entry = rng.choice(stack)
            try:
                with transaction.atomic():
                    log_entry_undo(viewer, entry)
                stack.remove(entry)
            except CannotUndo:
                pass
        waiting = list(reversed(stack))
        for _ in range(len(waiting) + 1):
            left = []
            for entry in waiting:
                try:
                    with transaction.atomic():
                        log_entry_undo(viewer, entry)
                except CannotUndo:
                    left.append(entry)
            waiting = left
        assert waiting == []
        assert history() == before
        transaction.set_rollback(True)


def test_a_joined_conversation_is_found_under_its_old_address(cast: Cast) -> None:
    one, two = cast.mail(cast.everyone, sender="a@x.example"), cast.mail(cast.everyone, sender="b@x.example")
    viewer = cast.viewer(cast.ines)
    done = conversation_join(viewer, into=one.conversation_id, other=two.conversation_id)
    assert ConversationScope.objects.get().message_count == 2
    assert conversation_resolve(two.conversation_id) == one.conversation_id
    log_entry_undo(viewer, done.entry_ids[0])
    assert conversation_resolve(two.conversation_id) == two.conversation_id
    assert ConversationScope.objects.count() == 2


def test_replies_follow_a_message_that_was_split_off(cast: Cast) -> None:
    first = cast.mail(cast.everyone, text="the bell", subject_key="the bell")
    second = cast.mail(
        cast.everyone, text="the brakes", subject_key="the bell", thread_keys=("mid:<1@outside.example>",)
    )
    done = conversation_split(cast.viewer(cast.ines), first.conversation_id, message_ids=[second.message_id])
    split_off = done.conversation_ids[-1]
    to_second = cast.mail(
        cast.everyone,
        subject_key="the bell",
        thread_keys=("mid:<2@outside.example>", "mid:<1@outside.example>"),
    )
    to_first = cast.mail(cast.everyone, subject_key="the bell", thread_keys=("mid:<1@outside.example>",))
    assert (to_first.conversation_id, to_second.conversation_id) == (first.conversation_id, split_off)
    log_entry_undo(cast.viewer(cast.ines), done.entry_ids[0])
    assert ConversationScope.objects.get().message_count == 4


def test_an_undo_that_something_later_stands_on_is_refused(cast: Cast) -> None:
    one, two, three = (cast.mail(cast.everyone, sender=f"{n}@x.example") for n in "abc")
    viewer = cast.viewer(cast.ines)
    join = conversation_join(viewer, into=one.conversation_id, other=two.conversation_id)
    move = thread_move(viewer, two.thread_id, to=three.conversation_id)
    with pytest.raises(CannotUndo):
        log_entry_undo(viewer, join.entry_ids[0])
    log_entry_undo(viewer, move.entry_ids[0])
    log_entry_undo(viewer, join.entry_ids[0])
    with pytest.raises(CannotUndo):
        log_entry_undo(viewer, join.entry_ids[0])


def test_only_what_one_sees_is_moved(cast: Cast) -> None:
    one = cast.mail(cast.everyone, sender="a@x.example")
    two = cast.mail(cast.sales_scope, sender="b@x.example")
    carl, ines = cast.viewer(cast.carl), cast.viewer(cast.ines)
    with pytest.raises(NotAllowed):
        conversation_join(ines, into=one.conversation_id, other=two.conversation_id)
    with pytest.raises(NotAllowed):
        thread_move(ines, two.thread_id)
    done = conversation_join(carl, into=two.conversation_id, other=one.conversation_id)
    with pytest.raises(ActionError):
        conversation_split(ines, two.conversation_id, message_ids=[two.message_id])
    (entry,) = ConversationLogEntry.objects.filter(pk__in=done.entry_ids)
    Thread.objects.filter(pk=one.thread_id).update(scope=cast.private)
    with pytest.raises(NotAllowed):
        log_entry_undo(ines, entry.pk)
    with pytest.raises(NotAllowed):
        conversation_join(cast.viewer(cast.pia), into=two.conversation_id, other=one.conversation_id)
