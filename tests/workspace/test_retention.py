"""Rules take what their preview showed, with all that hangs on it; nothing under hold; never suddenly too much."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import ForeignKey

from kith.base.clock import now
from kith.channels.models import RawItem
from kith.contacts.models import Fact, Identity
from kith.contacts.services import contact_for_identity, fact_record
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import (
    Attachment,
    Conversation,
    ConversationScope,
    Draft,
    Message,
    MessageCopy,
    Participant,
    SearchDocument,
    Thread,
)
from kith.conversations.services.actions import conversation_join, conversation_split
from kith.conversations.types import IncomingParticipant
from kith.core import blobs
from kith.core.models import AuditEvent
from kith.core.removal import rows_remove
from kith.teams.models import Notification
from kith.teams.notifications import notify
from kith.workspace.erasure import erasure_ask
from kith.workspace.jobs import person_request_run
from kith.workspace.models import LegalHold, PersonRequest, RetentionRule, RetentionRun
from kith.workspace.retention import choosing, nightly
from kith.workspace.retention.choosing import Taking, chosen, preview
from kith.workspace.retention.holds import HoldError, hold_lift, hold_place
from kith.workspace.retention.nightly import retention_run
from kith.workspace.retention.rules import (
    RetentionError,
    rule_delete,
    rule_disable,
    rule_enable,
    rule_save,
    seen_token,
)
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db
OLD = timedelta(days=800)


def old_mail(cast: Cast, **rest: Any) -> Any:
    return cast.mail(cast.sales_scope, **{"at": now() - OLD, **rest})


def rule_on(cast: Cast, **rest: Any) -> RetentionRule:
    """A rule that an administrator has looked at and switched on."""
    made = rule_save(user=cast.olga, **{"name": "Two years", "days": 730, **rest})
    shown = preview(Taking.of(made), cast.viewer(cast.olga).scope_ids)
    return rule_enable(rule_id=made.pk, user=cast.olga, seen=seen_token(made, shown))


def test_a_rule_takes_a_message_with_all_that_hangs_on_it(cast: Cast) -> None:
    recorded = old_mail(cast, text="A platypus", sender="ann@x.example")
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ann@x.example"))
    fact_record(
        contact_id=contact.pk, attribute="city", value="Leeds", source="message", quote="I live in Leeds",
        message_id=recorded.message_id,
    )  # fmt: skip
    raw = RawItem.objects.create(
        channel_account=cast.accounts["sales"], external_id="uid:1", digest="0" * 64, size=9, body=b"platypus",
        meta={"from": "ann"}, state="done",
    )  # fmt: skip
    Message.objects.filter(pk=recorded.message_id).update(raw_id=raw.pk)
    digest = blobs.put(b"a file")[0]
    Attachment.objects.create(
        message_id=recorded.message_id, digest=digest, file_name="a.txt", content_type="text/plain", size=6
    )
    Draft.objects.create(user=cast.carl, conversation_id=recorded.conversation_id, body="Dear Ann")
    notify(
        [cast.carl.pk], kind="message", title=lambda: "Ann wrote", body="A platypus",
        subject_id=recorded.conversation_id,
    )  # fmt: skip
    young = cast.mail(cast.sales_scope, at=now(), text="Of today")
    rule_on(cast)
    [run] = retention_run()
    assert (run.state, run.done, run.report["conversations.Message"]) == ("done", 1, 1)
    assert list(Message.objects.values_list("pk", flat=True)) == [young.message_id]
    for model in (MessageCopy, SearchDocument, Thread, Conversation, ConversationScope):
        assert model._default_manager.count() == 1, model
    assert not Fact.objects.filter(attribute="city").exists()
    contact.refresh_from_db()
    assert contact.city == ""
    assert not Draft.objects.exists()
    assert not Notification.objects.exists()
    raw.refresh_from_db()
    assert (raw.body, raw.meta, raw.size) == (None, {}, 0)
    assert list(choosing.sql.rows("SELECT 1 FROM channels_rawitem WHERE id = %s", [raw.pk])) == [(1,)]
    assert no_dangling() == []
    assert AuditEvent.objects.filter(action="retention_ran", details__messages=1).exists()
    assert retention_run() == []


def no_dangling() -> list[str]:
    """Foreign keys of the rooms' models that point nowhere; and ids of messages kept without one."""
    found = []
    for model in (MessageCopy, Participant, SearchDocument, Attachment, Thread, ConversationScope):
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model in (Message, Thread, Conversation):
                other = field.related_model
                with connection.cursor() as cursor:
                    cursor.execute(
                        f'SELECT count(*) FROM {model._meta.db_table} c WHERE c."{field.column}" IS NOT NULL AND NOT EXISTS '
                        f'(SELECT 1 FROM {other._meta.db_table} p WHERE p.{other._meta.pk.column} = c."{field.column}")'
                    )
                    if cursor.fetchone()[0]:
                        found.append(f"{model._meta.label}.{field.name}")
    return found


def test_the_preview_shows_what_goes_and_nothing_that_its_reader_may_not_open(cast: Cast) -> None:
    for number in range(12):
        old_mail(cast, subject=f"Old {number}", at=now() - OLD - timedelta(days=number * 40))
    hidden = cast.mail(cast.private, at=now() - OLD, subject="Private of Carl")
    made = rule_save(user=cast.olga, name="Two years", days=730)
    shown = preview(Taking.of(made), cast.viewer(cast.olga).scope_ids)
    assert (shown.total, shown.all, shown.percent, shown.held) == (13, 13, 100, 0)
    assert [(share.name, share.number) for share in shown.channels] == [("sales", 12), ("carl", 1)]
    assert sum(share.number for share in shown.ages) == 13
    assert (shown.channels[0].newest - shown.channels[0].oldest + timedelta(hours=1)).days == 440
    assert len(shown.examples) == 10
    assert hidden.conversation_id not in {example.conversation_id for example in shown.examples}
    assert len(chosen(Taking.of(made))) == shown.total


PLACES: dict[str, Callable[[Cast, Any], dict[str, Any]]] = {
    "contact_id": lambda cast, mail: {
        "contact_id": contact_for_identity(
            identity=Identity.objects.get(external_id="ada@outside.example")
        ).pk
    },
    "conversation_id": lambda cast, mail: {"conversation_id": mail.conversation_id},
    "channel_account_id": lambda cast, mail: {"channel_account_id": cast.accounts["sales"].pk},
}


@pytest.mark.parametrize("kind", PLACES)
def test_nothing_under_hold_goes(cast: Cast, kind: str) -> None:
    held = old_mail(cast)
    other = cast.mail(cast.everyone, sender="bob@x.example", at=now() - OLD)
    hold = hold_place(user=cast.olga, reason="A law suit", **PLACES[kind](cast, held))
    rule = rule_on(cast)
    assert preview(Taking.of(rule), cast.viewer(cast.olga).scope_ids).held == 1
    retention_run()
    assert list(Message.objects.values_list("pk", flat=True)) == [held.message_id]
    assert other.message_id != held.message_id
    hold_lift(hold_id=hold.pk, user=cast.olga, reason="It is settled")
    retention_run()
    assert not Message.objects.exists()
    assert {e.action for e in AuditEvent.objects.all()} >= {"hold_placed", "hold_lifted"}


def test_a_hold_follows_what_is_split_off_or_joined(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    first = old_mail(cast, own_key="mid:a", subject="A")
    second = old_mail(cast, thread_keys=("mid:a",), subject="A")
    assert first.conversation_id == second.conversation_id
    into = old_mail(cast, sender="eve@x.example", name="Eve")
    hold_place(user=cast.olga, reason="A law suit", conversation_id=first.conversation_id)
    apart = conversation_split(olga, first.conversation_id, message_ids=[second.message_id]).conversation_ids[
        -1
    ]
    conversation_join(olga, into=into.conversation_id, other=apart)
    rule_on(cast)
    retention_run()
    assert Message.objects.count() == 3


def test_an_erasure_waits_for_a_hold_and_goes_on_when_it_is_lifted(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    recorded = old_mail(cast)
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    hold = hold_place(user=cast.olga, reason="A law suit", conversation_id=recorded.conversation_id)
    request = erasure_ask(contact_id=contact.pk, user=cast.olga)
    person_request_run(request_id=str(request.pk))
    request.refresh_from_db()
    assert request.state == "held"
    assert "legal hold" in request.error
    assert Message.objects.filter(pk=recorded.message_id).exists()
    person_request_run(request_id=str(request.pk))  # asked again, it still waits
    assert PersonRequest.objects.get().state == "held"
    with pytest.raises(HoldError):
        hold_lift(hold_id=hold.pk, user=cast.olga, reason=" ")
    hold_lift(hold_id=hold.pk, user=cast.olga, reason="It is settled")
    request.refresh_from_db()
    assert (request.state, request.error) == ("waiting", "")
    person_request_run(request_id=str(request.pk))
    assert PersonRequest.objects.get().state == "done"
    assert not Message.objects.filter(pk=recorded.message_id).exists()


def test_nobody_is_put_under_hold_twice_or_while_they_go(cast: Cast) -> None:
    old_mail(cast)
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    with pytest.raises(HoldError):
        hold_place(user=cast.olga, reason="", contact_id=contact.pk)
    hold_place(user=cast.olga, reason="A law suit", contact_id=contact.pk)
    with pytest.raises(HoldError):
        hold_place(user=cast.olga, reason="Another", contact_id=contact.pk)
    LegalHold.objects.all().delete()
    PersonRequest.objects.create(kind="erasure", contact_id=contact.pk, state="running")
    with pytest.raises(HoldError):
        hold_place(user=cast.olga, reason="A law suit", contact_id=contact.pk)


def test_a_rule_takes_nothing_before_it_was_looked_at(cast: Cast) -> None:
    old_mail(cast)
    made = rule_save(user=cast.olga, name="Two years", days=730)
    assert retention_run() == []
    with pytest.raises(RetentionError):
        rule_enable(rule_id=made.pk, user=cast.olga, seen="made up")
    token = seen_token(made, preview(Taking.of(made), ()))
    rule_save(user=cast.olga, name="One year", days=365, rule=made)
    with pytest.raises(RetentionError):
        rule_enable(rule_id=made.pk, user=cast.olga, seen=token)
    other = rule_save(user=cast.olga, name="Another", days=365)
    with pytest.raises(RetentionError):
        rule_enable(rule_id=other.pk, user=cast.olga, seen=token)
    assert retention_run() == []
    assert Message.objects.count() == 1


def test_a_change_switches_a_rule_off_and_a_new_name_does_not(cast: Cast) -> None:
    made = rule_on(cast)
    renamed = rule_save(user=cast.olga, name="Renamed", days=730, rule=made)
    assert renamed.enabled_at is not None
    assert rule_save(user=cast.olga, name="Renamed", days=729, rule=renamed).enabled_at is None
    rule_disable(rule_id=made.pk)
    rule_delete(rule_id=made.pk)
    assert not RetentionRule.objects.exists()


def test_a_rule_that_suddenly_takes_too_much_stops_and_asks(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "BRAKE_FROM", 3)
    rule = rule_on(cast)
    for _ in range(4):
        old_mail(cast)
    for _ in range(8):
        cast.mail(cast.sales_scope, at=now())
    [run] = retention_run()
    assert (run.state, run.total, Message.objects.count()) == ("stopped", 4, 12)
    rule.refresh_from_db()
    assert (rule.stopped_due, rule.stopped_of) == (4, 12)
    assert Notification.objects.filter(user=cast.olga, subject_id=rule.pk).exists()
    assert retention_run() == []  # it waits
    shown = preview(Taking.of(rule), ())
    rule_enable(rule_id=rule.pk, user=cast.olga, seen=seen_token(rule, shown))
    [run] = retention_run()
    assert (run.state, run.done, Message.objects.count()) == ("done", 4, 8)
    rule.refresh_from_db()
    assert rule.may_take == 0  # once


def test_rules_side_by_side_do_not_add_up_to_too_much(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "BRAKE_FROM", 1)
    rule_on(cast, channel_account=cast.accounts["sales"])
    rule_on(cast, channel_account=cast.accounts["info"])
    for scope in (cast.sales_scope, cast.everyone):
        for _ in range(3):
            cast.mail(scope, at=now() - OLD)
    for _ in range(14):
        cast.mail(cast.private, at=now())
    assert [run.state for run in retention_run()] == ["done", "stopped"]
    assert Message.objects.count() == 17


def test_an_interrupted_night_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        old_mail(cast)
    rule_on(cast)
    monkeypatch.setattr(nightly, "BATCH", 2)
    real, calls = nightly.messages_take, []

    def breaks(ids: Any, action: str) -> Any:
        calls.append(ids)
        if len(calls) == 2:
            raise OSError("the power went")
        return real(ids, action)

    monkeypatch.setattr(nightly, "messages_take", breaks)
    with pytest.raises(OSError, match="power"):
        retention_run()
    assert (RetentionRun.objects.get().state, Message.objects.count()) == ("running", 3)
    [run] = retention_run()
    assert (run.state, run.done, run.total, Message.objects.count()) == ("done", 5, 5, 0)
    assert RetentionRun.objects.count() == 1


def test_a_hold_placed_during_the_night_is_seen(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first = old_mail(cast)
    second = old_mail(cast, sender="zoe@x.example")
    rule_on(cast)
    monkeypatch.setattr(nightly, "BATCH", 1)
    real = nightly.messages_take

    def holds_then(ids: Any, action: str) -> Any:
        if not LegalHold.objects.exists():
            hold_place(user=cast.olga, reason="A law suit", conversation_id=second.conversation_id)
        return real(ids, action)

    monkeypatch.setattr(nightly, "messages_take", holds_then)
    retention_run()
    assert list(Message.objects.values_list("pk", flat=True)) == [second.message_id]
    assert first.message_id != second.message_id


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        ("messages", {"plain", "list", "post", "known"}),
        ("private", {"plain", "known"}),
        ("automatic", {"list"}),
        ("public", {"post"}),
        ("strangers", {"plain", "list"}),
    ],
)
def test_what_a_purpose_means(cast: Cast, purpose: str, expected: set[str]) -> None:
    old_mail(cast, text="plain", sender="a@x.example")
    old_mail(cast, text="list", sender="b@x.example", automatic="list")
    old_mail(cast, text="post", sender="c@x.example", visibility="public")
    old_mail(cast, text="known", sender="d@x.example")
    contact_for_identity(identity=Identity.objects.get(external_id="d@x.example"))
    taken = chosen(Taking("x", 730, purpose=purpose))
    assert set(Message.objects.filter(pk__in=taken).values_list("text", flat=True)) == expected


def test_files_and_original_bytes_go_and_the_text_stays(cast: Cast) -> None:
    recorded = old_mail(cast, text="The text")
    raw = RawItem.objects.create(
        channel_account=cast.accounts["sales"], external_id="uid:1", digest="0" * 64, size=9, body=b"platypus",
        state="done",
    )  # fmt: skip
    Message.objects.filter(pk=recorded.message_id).update(raw_id=raw.pk)
    Attachment.objects.create(
        message_id=recorded.message_id, digest="", file_name="a.txt", content_type="text/plain", size=6
    )
    assert len(chosen(Taking("x", 730, action="raw"))) == 1
    rule_on(cast, action="files")
    [run] = retention_run()
    assert run.report == {"channels.RawItem": 1, "conversations.Attachment": 1}
    assert Message.objects.get().text == "The text"
    assert (Attachment.objects.count(), RawItem.objects.get().size) == (0, 0)
    assert retention_run() == []


def test_activity_keeps_a_conversation_whole_and_another_channel_keeps_its_copy(cast: Cast) -> None:
    old_mail(cast, own_key="mid:a", subject="A")
    cast.mail(cast.sales_scope, thread_keys=("mid:a",), subject="A", at=now())
    assert chosen(Taking("x", 730, since="activity")) == []
    assert len(chosen(Taking("x", 730, since="message"))) == 1
    same = {"external_id": "<both@x>", "own_key": "mid:b", "text": "Both", "at": now() - OLD, "subject": "B"}
    to = (IncomingParticipant(ObservedIdentity("email", "a@x.example", handle="a@x.example"), "from"),)
    for scope in (cast.sales_scope, cast.everyone):
        cast.mail(scope, **same, participants=to)
    assert Message.objects.filter(external_id="<both@x>").count() == 1
    account = cast.accounts["sales"].pk
    taken = chosen(Taking("x", 730, account_id=account))
    assert not Message.objects.filter(pk__in=taken, external_id="<both@x>").exists()


def test_what_a_network_demands_is_done_without_a_switch_and_can_not_be_loosened(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = Taking("Postcards", 30, network="email", since="received", reason="Their terms say so.")
    for module in (choosing, nightly):
        monkeypatch.setattr(module, "demanded", lambda: [limit])
    monkeypatch.setattr("kith.workspace.retention.rules.demanded", lambda: [limit])
    recorded = old_mail(cast)
    assert retention_run() == []  # it came today
    Message.objects.filter(pk=recorded.message_id).update(received_at=now() - timedelta(days=31))
    with pytest.raises(RetentionError, match="30 days"):
        rule_save(user=cast.olga, name="Longer", days=31, network="email")
    with pytest.raises(RetentionError, match="30 days"):
        rule_save(user=cast.olga, name="Longer", days=31, channel_account=cast.accounts["sales"])
    rule_save(user=cast.olga, name="Stricter", days=29, network="email")
    [run] = retention_run()
    assert (run.network, run.done, Message.objects.count()) == ("email", 1, 0)


def test_what_is_on_its_way_stays(cast: Cast) -> None:
    recorded = old_mail(cast)
    Message.objects.filter(pk=recorded.message_id).update(direction="out", state="held")
    assert chosen(Taking("x", 730)) == []


def test_removal_refuses_what_a_key_protects(cast: Cast) -> None:
    with pytest.raises(ValueError, match="keeps"):
        rows_remove(type(cast.sales_scope), [cast.sales_scope.pk])
    assert rows_remove(Message, [uuid.uuid4()])["conversations.Message"] == 0
