"""Saved replies greet people as they like; macros do all or nothing; rules give new conversations to somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_for_identity, fact_record
from kith.conversations.models import Conversation, ConversationLogEntry, ConversationScope
from kith.conversations.services.actions import actions_undo
from kith.core import company, events
from kith.engagement import selectors, services
from kith.engagement.models import AssignmentRule, Macro, SavedReply
from kith.teams.errors import NotAllowed
from kith.teams.notifications import notifications_page
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db


def person(cast: Cast, **facts: str) -> Any:
    made = cast.mail(cast.everyone)
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    for attribute, value in facts.items():
        fact_record(contact_id=contact.pk, attribute=attribute, value=value, source="told_us")
    return made.conversation_id


@pytest.mark.parametrize(
    ("facts", "greeting", "inline"),
    [
        ({"given_name": "Ada"}, "Hello Ada,", "Thanks, Ada!"),
        ({"given_name": "Augusta", "preferred_name": "Countess"}, "Hello Countess,", "Thanks, Countess!"),
        ({"given_name": "ASDFGHJ"}, "Hello,", "Thanks!"),
        ({"given_name": "Ã¤da"}, "Hello,", "Thanks!"),
        ({"given_name": "Stphn"}, "Hello,", "Thanks!"),
        ({"preferred_name": "Countess", "given_name": "STPHN"}, "Hello Countess,", "Thanks, Countess!"),
        ({"name": "Sales Team"}, "Hello,", "Thanks!"),
        ({}, "Hello Ada,", "Thanks, Ada!"),  # from the name that her mail shows
    ],
)
def test_a_name_that_is_not_sure_is_not_used(
    cast: Cast, facts: dict[str, str], greeting: str, inline: str
) -> None:
    company.set_value("name", "Wheels")
    key = person(cast, **facts)
    reply = SavedReply.objects.create(
        name="x", text="{greeting}\nThanks, {name}! {agent}, {company} {other}", language="en"
    )
    text = services.saved_reply_text(cast.viewer(cast.carl), reply.pk, conversation_id=key)
    assert text == f"{greeting}\n{inline} Carl, Wheels {{other}}"
    assert SavedReply.objects.get().use_count == 1


@pytest.mark.parametrize(
    ("text", "unnamed", "named"),
    [
        ("Hi {name},\nyes.", "Hi,\nyes.", "Hi Ada,\nyes."),
        ("Dear {name},\nyes.", "Hello,\nyes.", "Dear Ada,\nyes."),
        ("Dear Mr. {name}:", "Hello,", "Dear Mr. Ada:"),
        ("¡Hola, {name}! Sí.", "¡Hola! Sí.", "¡Hola, Ada! Sí."),
        ("{name}, thank you.", "Thank you.", "Ada, thank you."),
        ("Yes. {name}, thank you.", "Yes. Thank you.", "Yes. Ada, thank you."),
        ("Thank you, {name}.", "Thank you.", "Thank you, Ada."),
        ("Liebe {name}, ja.", "Hello, ja.", "Liebe Ada, ja."),
        ("{formal_greeting} yes.", "Good day, yes.", "Dear Ada, yes."),
    ],
)
def test_no_text_says_a_name_that_is_not_sure(cast: Cast, text: str, unnamed: str, named: str) -> None:
    key = person(cast, given_name="Stphn")
    viewer = cast.viewer(cast.carl)
    assert services.text_resolve(viewer, text, conversation_id=key, language="en") == unnamed
    assert services.text_resolve(viewer, text, conversation_id=None, language="en") == unnamed
    contact = Identity.objects.get(external_id="ada@outside.example").contact
    assert contact is not None
    fact_record(contact_id=contact.pk, attribute="preferred_name", value="Ada", source="told_us")
    assert services.text_resolve(viewer, text, conversation_id=key, language="en") == named


def test_values_are_not_placeholders(cast: Cast) -> None:
    key = person(cast, preferred_name="{company}")
    assert services.text_resolve(cast.viewer(cast.carl), "{name}", conversation_id=key) == "{company}"


def test_another_teams_replies_are_not_offered(cast: Cast) -> None:
    SavedReply.objects.create(name="Sales", text="x", team=cast.sales)
    every = SavedReply.objects.create(name="Every", text="y", shortcut="ev")
    assert [r.name for r in selectors.saved_replies(cast.viewer(cast.ines))] == ["Every"]
    assert [r.name for r in selectors.saved_replies(cast.viewer(cast.carl))] == ["Every", "Sales"]
    assert [r.pk for r in selectors.saved_replies(cast.viewer(cast.carl), search="/ev")] == [every.pk]
    hidden = cast.mail(cast.private)
    with pytest.raises(NotAllowed):
        services.saved_reply_text(cast.viewer(cast.ines), every.pk, conversation_id=hidden.conversation_id)


def test_a_macro_does_all_and_is_undone_as_one(cast: Cast) -> None:
    one, two = (cast.mail(cast.everyone, sender=f"{n}@x.example").conversation_id for n in "ab")
    macro = Macro.objects.create(
        name="Refund",
        steps=[
            {"do": "reply", "text": "Dear {name},"},
            {"do": "tag", "tag": "refund"},
            {"do": "priority", "priority": 1},
            {"do": "assign", "user": str(cast.carl.id)},
            {"do": "close"},
        ],
    )
    viewer = cast.viewer(cast.carl)
    before = list(Conversation.objects.order_by("pk").values("status", "priority", "assignee_id"))
    result = services.macro_run(viewer, macro.pk, [one, two])
    assert result.reply_text == "Hello,"
    assert {r.status for r in ConversationScope.objects.all()} == {"closed"}
    assert len(result.done.entry_ids) == 8
    actions_undo(viewer, result.done.batch_id)
    assert list(Conversation.objects.order_by("pk").values("status", "priority", "assignee_id")) == before
    assert not Conversation.objects.filter(tags__isnull=False).exists()


def test_a_macro_that_fails_leaves_nothing(cast: Cast) -> None:
    key = cast.mail(cast.sales_scope).conversation_id
    macro = Macro.objects.create(
        name="x", steps=[{"do": "tag", "tag": "a"}, {"do": "assign", "user": str(cast.ines.id)}]
    )
    with pytest.raises(NotAllowed):
        services.macro_run(cast.viewer(cast.carl), macro.pk, [key])
    assert ConversationLogEntry.objects.count() == 0
    assert not Conversation.objects.filter(tags__isnull=False).exists()
    broken = Macro.objects.create(name="y", steps=[{"do": "close"}, {"do": "dance"}])
    with pytest.raises(ValueError, match="not complete"):
        services.macro_run(cast.viewer(cast.carl), broken.pk, [key])
    assert Conversation.objects.get().status == "open"


def rule(**values: Any) -> AssignmentRule:
    return AssignmentRule.objects.create(
        **{"name": "r", "conditions": [{"field": "subject", "op": "contains", "value": "BELL"}], **values}
    )


def test_the_first_rule_that_fits_gives_to_the_least_busy_who_may_see(cast: Cast) -> None:
    rule(
        name="lacks",
        position=0,
        conditions=[{"field": "subject", "op": "lacks", "value": "bell"}],
        tag="wrong",
    )
    rule(name="sales", position=1, team=cast.sales, spread=True, priority=2, tag="bell")
    rule(name="late", position=2, tag="late")
    keys = [cast.mail(cast.sales_scope, sender=f"{n}@x.example").conversation_id for n in range(4)]
    events.pump()
    rows = list(Conversation.objects.filter(pk__in=keys))
    assert sorted(r.assignee.name for r in rows if r.assignee) == ["Carl", "Carl", "Olga", "Olga"]
    assert {(r.team_id, r.priority) for r in rows} == {(cast.sales.id, 2)}
    assert {t for r in rows for t in r.tags.values_list("tag__name", flat=True)} == {"bell"}
    assert {n.kind for n in notifications_page(cast.viewer(cast.olga)).rows} >= {"assigned"}
    assert ConversationScope.objects.filter(assignee_id=cast.carl.id).count() == 2


def test_rules_look_once_at_new_live_mail_only(cast: Cast) -> None:
    rule(tag="bell")
    cast.mail(cast.everyone, automatic="list", sender="news@x.example")
    made = cast.mail(cast.everyone, sender="b@x.example")
    events.pump()
    services.assignment_rules_apply("message_recorded", [made.message_id])
    assert ConversationLogEntry.objects.filter(kind="ruled").count() == 1
    Conversation.objects.get(pk=made.conversation_id).tags.all().delete()
    cast.mail(
        cast.everyone,
        sender="b@x.example",
        at=NOON + timedelta(hours=1),
        thread_keys=("mid:<2@outside.example>",),
    )
    events.pump()
    assert not Conversation.objects.filter(tags__isnull=False).exists()


def test_nobody_is_given_what_they_can_not_see(cast: Cast) -> None:
    rule(assignee=cast.ines)
    made = cast.mail(cast.sales_scope)
    events.pump()
    assert Conversation.objects.get(pk=made.conversation_id).assignee is None


def test_saved_views_are_ones_own_or_the_teams(cast: Cast) -> None:
    carl, olga, ines = (cast.viewer(u) for u in (cast.carl, cast.olga, cast.ines))
    mine = services.saved_view_save(carl, name="Mine", query="in:mine")
    services.saved_view_save(carl, name="Ours", query="in:all", team_id=cast.sales.id)
    assert [v.name for v in selectors.saved_views(carl)] == ["Mine", "Ours"]
    assert [v.name for v in selectors.saved_views(olga)] == ["Ours"]
    assert selectors.saved_views(ines) == []
    with pytest.raises(NotAllowed):
        services.saved_view_save(carl, name="x", query="in:all", team_id=cast.workshop.id)
    with pytest.raises(NotAllowed):
        services.saved_view_delete(olga, mine.pk)
    services.saved_view_delete(carl, mine.pk)
    assert Contact.objects.count() == 0
