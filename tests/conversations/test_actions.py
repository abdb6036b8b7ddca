"""What colleagues do with a conversation: who may, what changes, what the log and the undo say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from kith.base.clock import frozen, now
from kith.contacts.models import Identity
from kith.conversations.jobs import snoozed_wake
from kith.conversations.models import Conversation, ConversationLogEntry, ConversationScope, Message
from kith.conversations.selectors import conversation_get, conversation_messages
from kith.conversations.services import drafts
from kith.conversations.services.actions import (
    ActionError,
    CannotUndo,
    actions_undo,
    conversations_assign,
    conversations_assign_team,
    conversations_close,
    conversations_reopen,
    conversations_set_priority,
    conversations_set_tray,
    conversations_snooze,
    conversations_tag,
    log_entry_undo,
    note_add,
    sender_block,
)
from kith.conversations.services.attention import (
    answer_conflict,
    presence_leave,
    presence_of,
    presence_set,
    seen_mark,
    seen_unmark,
)
from kith.core import events
from kith.core.models import AuditEvent
from kith.teams.errors import NotAllowed
from kith.teams.notifications import notifications_page, unread_count
from kith.trust.models import Situation
from kith.workspace.inbox import InboxView, inbox_page
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def test_who_may(cast: Cast) -> None:
    made = cast.mail(cast.sales_scope)
    for user in (cast.ines, cast.pia):
        with pytest.raises(NotAllowed):
            conversations_close(cast.viewer(user), [made.conversation_id])
        with pytest.raises(NotAllowed):
            note_add(cast.viewer(user), made.conversation_id, text="x")
    conversations_close(cast.viewer(cast.carl), [made.conversation_id])
    assert ConversationScope.objects.get().status == "closed"
    assert AuditEvent.objects.filter(action="conversation_status", subject_id=made.conversation_id).exists()


def test_every_field_is_changed_and_undone(cast: Cast) -> None:
    ids = [cast.mail(cast.everyone, sender=f"{n}@x.example").conversation_id for n in range(3)]
    viewer = cast.viewer(cast.olga)

    def state() -> Any:
        return list(
            ConversationScope.objects.order_by("id").values(
                "status", "tray", "assignee_id", "team_id", "priority", "waiting_since"
            )
        ), sorted(Conversation.objects.values_list("id", "tags__tag__name"))

    before = state()
    for act in (
        lambda: conversations_assign(viewer, ids, assignee_id=cast.carl.id),
        lambda: conversations_assign_team(viewer, ids, team_id=cast.workshop.id),
        lambda: conversations_close(viewer, ids),
        lambda: conversations_snooze(viewer, ids, until=now() + timedelta(hours=1)),
        lambda: conversations_set_priority(viewer, ids, priority=2),
        lambda: conversations_set_tray(viewer, ids, tray="spam"),
        lambda: conversations_tag(viewer, ids, add=["a", "b"]),
    ):
        done = act()
        assert len(done.entry_ids) == 3
        assert state() != before
        actions_undo(viewer, done.batch_id)
        assert state() == before
        with pytest.raises(CannotUndo):
            actions_undo(viewer, done.batch_id)


def test_what_is_so_already_leaves_no_entry(cast: Cast) -> None:
    made = cast.mail(cast.everyone)
    assert conversations_reopen(cast.viewer(cast.ines), [made.conversation_id]).entry_ids == ()
    assert (
        conversations_set_priority(cast.viewer(cast.ines), [made.conversation_id], priority=0).entry_ids == ()
    )
    assert ConversationLogEntry.objects.count() == 0


def test_an_undo_does_not_trample_on_later_news(cast: Cast) -> None:
    made = cast.mail(cast.everyone)
    viewer = cast.viewer(cast.ines)
    done = conversations_close(viewer, [made.conversation_id])
    cast.mail(cast.everyone, thread_keys=("mid:<1@outside.example>",))
    with pytest.raises(CannotUndo):
        log_entry_undo(viewer, done.entry_ids[0])
    assert Conversation.objects.get().status == "open"


def test_a_colleague_undoes_an_entry_but_not_the_batch_of_another(cast: Cast) -> None:
    made = cast.mail(cast.everyone)
    done = conversations_close(cast.viewer(cast.ines), [made.conversation_id])
    with pytest.raises(CannotUndo):
        actions_undo(cast.viewer(cast.carl), done.batch_id)
    log_entry_undo(cast.viewer(cast.carl), done.entry_ids[0])
    with pytest.raises((NotAllowed, CannotUndo)):
        log_entry_undo(cast.viewer(cast.pia), done.entry_ids[0])


def test_nobody_is_given_what_they_can_not_see(cast: Cast) -> None:
    made = cast.mail(cast.sales_scope)
    viewer = cast.viewer(cast.carl)
    for user in (cast.ines, cast.pia):
        with pytest.raises(NotAllowed):
            conversations_assign(viewer, [made.conversation_id], assignee_id=user.id)
    conversations_assign(viewer, [made.conversation_id], assignee_id=cast.olga.id)
    assert unread_count(cast.viewer(cast.olga)) == 1
    conversations_assign(viewer, [made.conversation_id], assignee_id=cast.carl.id)
    assert unread_count(viewer) == 0


def test_tags_are_added_and_removed(cast: Cast) -> None:
    made = cast.mail(cast.everyone)
    viewer = cast.viewer(cast.ines)
    conversations_tag(viewer, [made.conversation_id], add=[" bad  brakes ", "vip"])
    done = conversations_tag(viewer, [made.conversation_id], remove=["vip"])
    assert [t.name for t in conversation_get(viewer, made.conversation_id).tags] == ["bad brakes"]  # type: ignore[union-attr]
    log_entry_undo(viewer, done.entry_ids[0])
    assert [t.name for t in conversation_get(viewer, made.conversation_id).tags] == ["bad brakes", "vip"]  # type: ignore[union-attr]


def test_snoozed_conversations_wake_and_tell(cast: Cast) -> None:
    made = cast.mail(cast.everyone)
    viewer = cast.viewer(cast.carl)
    conversations_assign(cast.viewer(cast.olga), [made.conversation_id], assignee_id=cast.carl.id)
    with pytest.raises(ActionError):
        conversations_snooze(viewer, [made.conversation_id], until=now() - timedelta(hours=1))
    until = now() + timedelta(hours=1)
    conversations_snooze(viewer, [made.conversation_id], until=until)
    assert snoozed_wake() == []
    with frozen(until + timedelta(seconds=1)):
        assert snoozed_wake() == [made.conversation_id]
        assert snoozed_wake() == []
    assert ConversationScope.objects.get().status == "open"
    assert {r.kind for r in notifications_page(viewer).rows} == {"assigned", "snooze"}


def test_blocking_holds_what_comes_and_is_undone(cast: Cast) -> None:
    made = cast.mail(cast.everyone)
    viewer = cast.viewer(cast.ines)
    done = sender_block(viewer, made.conversation_id)
    assert ConversationScope.objects.get().tray == "blocked"
    later = cast.mail(cast.everyone, subject_key="other", at=NOON + timedelta(days=40))
    assert ConversationScope.objects.get(conversation_id=later.conversation_id).tray == "blocked"
    log_entry_undo(viewer, done.entry_ids[0])
    assert Identity.objects.get(external_id="ada@outside.example").blocked_at is None
    assert ConversationScope.objects.get(conversation_id=made.conversation_id).tray == ""
    assert Situation.objects.exists()


def test_not_spam_stays_in_the_inbox(cast: Cast) -> None:
    made = cast.mail(cast.everyone, automatic="spam")
    viewer = cast.viewer(cast.ines)
    conversations_set_tray(viewer, [made.conversation_id], tray="")
    assert [r.tray for r in inbox_page(viewer, InboxView("all")).rows] == [""]
    cast.mail(cast.everyone, automatic="spam", thread_keys=("mid:<1@outside.example>",))
    assert ConversationScope.objects.get().tray == ""


def test_notes_call_colleagues_who_may_see(cast: Cast) -> None:
    made = cast.mail(cast.sales_scope)
    carl = cast.viewer(cast.carl)
    key = note_add(
        carl, made.conversation_id, text="@Olga and @ines please look, mail me@carl.example, @Carl"
    )
    note = Message.objects.get(pk=key)
    assert set(note.mentions) == {cast.olga.id, cast.ines.id, cast.carl.id}
    assert [unread_count(cast.viewer(u)) for u in (cast.olga, cast.ines, cast.carl)] == [1, 0, 0]
    row = ConversationScope.objects.get()
    assert (row.waiting_since, row.last_direction, row.snippet) == (NOON, "in", "Message 1")
    assert [r.conversation_id for r in inbox_page(cast.viewer(cast.olga), InboxView("for_me")).rows] == [
        made.conversation_id
    ]
    assert inbox_page(cast.viewer(cast.ines), InboxView("for_me")).rows == ()
    assert [
        i.direction
        for i in conversation_messages(carl, made.conversation_id).items
        if hasattr(i, "direction")
    ] == ["in", "note"]


def test_an_answer_tells_the_assignee_once(cast: Cast) -> None:
    made = cast.mail(cast.everyone)
    conversations_assign(cast.viewer(cast.carl), [made.conversation_id], assignee_id=cast.carl.id)
    events.pump()
    cast.mail(cast.everyone, thread_keys=("mid:<1@outside.example>",))
    cast.mail(cast.everyone, thread_keys=("mid:<1@outside.example>",), automatic="auto_reply")
    events.pump()
    told = [(r.kind, r.title) for r in notifications_page(cast.viewer(cast.carl)).rows]
    assert told == [("message", "Ada Lovelace wrote")]
    assert notifications_page(cast.viewer(cast.olga)).rows == ()


def test_read_and_unread(cast: Cast) -> None:
    made = cast.mail(cast.everyone, at=now() - timedelta(hours=1))
    ines, carl = cast.viewer(cast.ines), cast.viewer(cast.carl)

    def unread(viewer: Any) -> bool:
        (row,) = inbox_page(viewer, InboxView("all")).rows
        return row.unread

    assert unread(ines)
    seen_mark(ines, [made.conversation_id])
    assert (unread(ines), unread(carl)) == (False, True)
    assert inbox_page(ines, InboxView("all", unread=True)).rows == ()
    seen_unmark(ines, [made.conversation_id])
    assert unread(ines)
    hidden = cast.mail(cast.private)
    seen_mark(ines, [hidden.conversation_id])
    with connection.cursor() as db:
        db.execute("SELECT count(*) FROM conversations_seen")
        assert db.fetchone()[0] == 0


def test_presence_lasts_half_a_minute_and_stays_inside_the_scope(cast: Cast) -> None:
    made = cast.mail(cast.sales_scope)
    carl, olga, ines = (cast.viewer(u) for u in (cast.carl, cast.olga, cast.ines))
    presence_set(carl, made.conversation_id, typing=True)
    presence_set(ines, made.conversation_id)
    assert [(p.name, p.typing) for p in presence_of(olga, made.conversation_id)] == [("Carl", True)]
    assert presence_of(ines, made.conversation_id) == ()
    assert presence_of(carl, made.conversation_id) == ()
    with frozen(now() + timedelta(seconds=31)):
        assert presence_of(olga, made.conversation_id) == ()
    presence_leave(carl, made.conversation_id)
    assert presence_of(olga, made.conversation_id) == ()


def test_a_colleague_who_was_faster_is_named(cast: Cast) -> None:
    made = cast.mail(cast.everyone)
    ines, carl = cast.viewer(cast.ines), cast.viewer(cast.carl)
    seen = conversation_get(ines, made.conversation_id).last_message_id  # type: ignore[union-attr]
    assert seen == made.message_id
    assert answer_conflict(ines, made.conversation_id, last_seen=seen) is None
    note_add(carl, made.conversation_id, text="I do this one")
    assert answer_conflict(ines, made.conversation_id, last_seen=seen) is None
    answer = cast.mail(
        cast.everyone, outgoing=True, thread_keys=("mid:<1@outside.example>",), text="Dear Ada"
    )
    Message.objects.filter(pk=answer.message_id).update(author=cast.carl)
    late = cast.mail(cast.everyone, thread_keys=("mid:<1@outside.example>",), at=NOON - timedelta(hours=1))
    found = answer_conflict(ines, made.conversation_id, last_seen=seen)
    assert found is not None
    assert (found.author, found.snippet, found.is_us, found.count) == ("Carl", "Dear Ada", True, 2)
    assert answer_conflict(carl, made.conversation_id, last_seen=seen).is_us is False  # type: ignore[union-attr]
    last = conversation_get(ines, made.conversation_id).last_message_id  # type: ignore[union-attr]
    assert last == late.message_id
    assert answer_conflict(ines, made.conversation_id, last_seen=last) is None


def test_drafts_are_ones_own(cast: Cast) -> None:
    made = cast.mail(cast.sales_scope)
    carl, olga, ines = (cast.viewer(u) for u in (cast.carl, cast.olga, cast.ines))
    drafts.draft_save(carl, conversation_id=made.conversation_id, body="Dear A")
    kept = drafts.draft_save(carl, conversation_id=made.conversation_id, body="Dear Ada\x00")
    assert drafts.draft_get(carl, conversation_id=made.conversation_id).body == "Dear Ada"  # type: ignore[union-attr]
    assert drafts.draft_get(olga, conversation_id=made.conversation_id) is None
    assert drafts.draft_get(olga, draft_id=kept.id) is None
    assert len(drafts.drafts_of(carl)) == 1
    for viewer in (ines, cast.viewer(cast.pia)):
        with pytest.raises(NotAllowed):
            drafts.draft_save(viewer, conversation_id=made.conversation_id, body="x")
    with pytest.raises(NotAllowed):
        drafts.draft_save(olga, channel_account_id=cast.accounts["carl"].id, body="x")
    new = drafts.draft_save(carl, mode="new", body="Hello", subject="Hi", recipients={"to": ["x@x.example"]})
    assert drafts.draft_save(carl, mode="new", draft_id=new.id, body="Hello there").id == new.id
    drafts.draft_delete(olga, draft_id=new.id)
    drafts.draft_delete(carl, conversation_id=made.conversation_id)
    assert [d.id for d in drafts.drafts_of(carl)] == [new.id]
