"""Off-boarding ends every way in and hands work over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Conversation, ConversationLogEntry, ConversationScope, Post
from kith.conversations.services import messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.core.models import AuditEvent
from kith.engagement.models import AssignmentRule
from kith.listening.models import Mention, Monitor
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import ApiToken, PushSubscription, Scope, User
from kith.teams.selectors import viewer_of
from kith.teams.services import (
    api_token_create,
    api_token_revoke,
    leaving_preview,
    scope_for,
    session_end,
    sessions_end,
    sessions_of,
    team_create,
    token_authenticate,
    user_leave,
    user_return,
)
from kith.work.models import Promise, Task
from tests.teams.conftest import Make


def _signed_in(user: User) -> Client:
    client = Client(headers={"user-agent": "Test browser"})
    answer = client.post("/accounts/login/", {"login": user.email, "password": "a long pass phrase"})
    assert answer.status_code == 302, answer.content
    return client


def _key(client: Client) -> str:
    return str(client.session.session_key)


def _conversation(assignee: User) -> Conversation:
    scope = scope_for(kind="everyone")
    (recorded,) = messages_record(
        Place("email", scope.id),
        [
            IncomingMessage(
                external_id="<1@outside.example>",
                at=now(),
                own_key="mid:<1@outside.example>",
                participants=(
                    IncomingParticipant(ObservedIdentity("email", "ada@outside.example"), "from"),
                    IncomingParticipant(ObservedIdentity("email", "info@us.example", kind="us"), "to"),
                ),
                text="Hello",
            )
        ],
    )
    Conversation.objects.filter(pk=recorded.conversation_id).update(assignee=assignee)
    return Conversation.objects.get(pk=recorded.conversation_id)


def _work(user: User) -> None:
    person = Contact(name="Ada")
    person.canonical = person
    person.owner = user
    person.save()
    Task.objects.create(title="Call", contact=person, assignee=user)
    Task.objects.create(title="Done", contact=person, assignee=user, done_at=now())
    Promise.objects.create(contact=person, who=user, what="Send the bell")
    heard = Monitor.objects.create(
        name="Bells", query="bell", owner=user, scope=scope_for(kind="everyone"), version=1
    )
    post = Post.objects.create(network="webhook", external_id="p", text="a bell", published_at=now())
    Mention.objects.create(monitor=heard, post=post, published_at=now(), network="webhook", assignee=user)
    AssignmentRule.objects.create(name="Invoices", assignee=user)


def test_the_preview_counts_what_leaving_moves(owner: User, make: Make) -> None:
    ada, bob = make("Ada"), make("Bob")
    conversation = _conversation(ada)
    _work(ada)
    raw = api_token_create(user=ada, name="Script", permissions=["people:read"])[1]
    PushSubscription.objects.create(user=ada, endpoint="https://push.example/1", keys={})
    scope_for(kind="private", owner=ada)
    browser = _signed_in(ada)
    preview = leaving_preview(ada)
    counted = {name: count for name, _, count in preview.work}
    assert counted == {
        "conversations": 1,
        "tasks": 1,
        "promises": 1,
        "contacts": 1,
        "assignment_rules": 1,
        "monitors": 1,
        "mentions": 1,
    }
    assert (preview.sessions, preview.api_tokens, preview.push_subscriptions) == (1, 1, 1)
    moved = user_leave(user=ada, actor=owner, to_user=bob, private_to=owner)
    assert {name: moved[name] for name in counted} == counted
    assert "_auth_user_id" not in browser.session
    assert token_authenticate(raw) is None
    assert not PushSubscription.objects.exists()
    conversation.refresh_from_db()
    assert conversation.assignee == bob
    assert ConversationScope.objects.get().assignee_id == bob.id
    assert ConversationLogEntry.objects.filter(kind="handed_over").count() == 1
    assert Task.objects.get(title="Call").assignee == bob
    assert Task.objects.get(title="Done").assignee == ada
    assert Promise.objects.get().who == bob
    assert (Monitor.objects.get().owner, Mention.objects.get().assignee) == (bob, bob)
    assert Scope.objects.get(kind="private").owner == owner
    assert AuditEvent.objects.filter(action="user_left", subject_id=ada.id).exists()
    assert leaving_preview(ada).work == tuple((h, t, 0) for h, t, _ in preview.work)


def test_who_left_can_not_come_back_in(owner: User, make: Make) -> None:
    ada = make("Ada")
    user_leave(user=ada, actor=owner)
    client = Client()
    client.post("/accounts/login/", {"login": ada.email, "password": "a long pass phrase"})
    assert "_auth_user_id" not in client.session
    user_return(user=ada, actor=owner)
    ada.refresh_from_db()
    assert ada.is_active
    assert not ada.has_usable_password()


def test_work_may_pass_to_a_team(owner: User, make: Make) -> None:
    ada = make("Ada")
    team = team_create(name="Sales", members=[ada])
    conversation = _conversation(ada)
    _work(ada)
    user_leave(user=ada, actor=owner, to_team=team)
    conversation.refresh_from_db()
    assert (conversation.assignee, conversation.team) == (None, team)
    assert (Task.objects.get(title="Call").assignee, Task.objects.get(title="Call").team) == (None, team)
    assert not team.members.exists()


def test_private_things_stay_closed_when_nobody_inherits_them(owner: User, make: Make) -> None:
    ada = make("Ada")
    scope = scope_for(kind="private", owner=ada)
    user_leave(user=ada, actor=owner)
    assert Scope.objects.get(pk=scope.pk).owner == ada
    assert scope.id not in viewer_of(owner).scope_ids


def test_who_may_end_whose_access(owner: User, admin: User, make: Make) -> None:
    ada = make("Ada")
    for actor, user in ((make("Mia", "manager"), ada), (admin, owner), (owner, owner)):
        with pytest.raises(NotAllowed):
            user_leave(user=user, actor=actor)
    user_leave(user=ada, actor=admin)
    with pytest.raises(TeamsError):
        user_leave(user=ada, actor=admin)
    with pytest.raises(TeamsError):
        user_leave(user=admin, actor=owner, to_user=ada)


def test_sessions_are_listed_and_ended_one_by_one(make: Make) -> None:
    ada, bob = make("Ada"), make("Bob")
    here, there, other = _signed_in(ada), _signed_in(ada), _signed_in(bob)
    rows = sessions_of(ada, current_key=_key(here))
    assert [row.current for row in rows].count(True) == 1
    away = next(row for row in rows if not row.current)
    assert not session_end(user=bob, session_id=away.id)
    assert session_end(user=ada, session_id=away.id)
    assert "_auth_user_id" not in there.session
    assert "_auth_user_id" in here.session
    assert "_auth_user_id" in other.session
    assert sessions_end(user=ada) == 1


def test_all_sessions_end_when_the_password_changes(make: Make) -> None:
    ada = make("Ada")
    here, there = _signed_in(ada), _signed_in(ada)
    ada.set_password("another long phrase")
    ada.save()
    assert sessions_of(ada) == []
    for client in (here, there):
        answer = client.get("/accounts/password/change/")
        assert answer.status_code == 302
        assert "/login/" in answer.headers["location"]


def test_tokens_are_shown_once_and_end(make: Make) -> None:
    ada, viewer = make("Ada"), make("Vera", "viewer")
    token, raw = api_token_create(user=ada, name="Script", permissions=["people:read"])
    assert raw not in str(ApiToken.objects.values())
    assert token_authenticate(raw) == token
    assert token_authenticate(raw + "x") is None
    assert token_authenticate("") is None
    api_token_revoke(token=token)
    assert token_authenticate(raw) is None
    late = api_token_create(user=ada, name="L", permissions=["people:read"], expires_at=now() - timedelta(1))
    assert token_authenticate(late[1]) is None
    with pytest.raises(NotAllowed):
        api_token_create(user=viewer, name="W", permissions=["people:write"])
    with pytest.raises(TeamsError):
        api_token_create(user=ada, name="W", permissions=["everything"])
    assert Identity.objects.count() == 0
