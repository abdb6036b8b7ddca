"""Channel accounts: what is asked, kept, hidden; who may see and change them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from kith.base.clock import now
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import ConversationScope, MessageCopy, SearchDocument, Thread
from kith.conversations.services import messages_record, search_documents_write
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.core.models import AuditEvent
from kith.networks.errors import NetworksError
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.networks.selectors import channel_accounts_for
from kith.networks.services import (
    KEPT,
    channel_account_connect,
    channel_account_pause,
    channel_account_remove,
    channel_account_resume,
    channel_account_set_scope,
    channel_account_update,
    values_merge,
)
from kith.networks.types import Audience, Intake, Own
from kith.teams.errors import NotAllowed
from kith.teams.models import Notification, User
from kith.teams.selectors import viewer_of
from kith.teams.services import team_create, user_create

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + "c2VjcmV0" * 6
VALUES = {"signing_secret": SECRET, "callback_url": "https://shop.example/answers"}
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def person(name: str, role: str = "agent") -> User:
    return user_create(
        email=f"{name.lower()}@us.example", name=name, role=role, password="a long pass phrase"
    )


def connect(
    user: User | None = None, own: str = "shop", audience: Audience | None = None, **rest: Any
) -> ChannelAccount:
    return channel_account_connect(
        network="webhook",
        name="Shop",
        values=rest.pop("values", VALUES),
        own=Own(own, address=f"{own}@shop.example"),
        audience=audience or Audience(),
        user=user,
        **rest,
    )


def test_secrets_are_encrypted_and_never_in_a_repr_or_the_audit_log() -> None:
    account = connect(person("Olga", "owner"))
    assert account.secrets == {"signing_secret": SECRET}
    assert account.settings == {"callback_url": "https://shop.example/answers"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM networks_channelaccount")
        stored = bytes(cursor.fetchone()[0])
    assert SECRET.encode() not in stored
    assert b"signing" not in stored
    assert ChannelAccount.objects.get().secrets == {"signing_secret": SECRET}
    assert SECRET not in repr(account) + str(AuditEvent.objects.values_list("details", flat=True))
    assert ChannelHealth.objects.filter(channel_account=account).exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "signing_secret"),
        ({**VALUES, "callback_url": "ftp://x"}, "callback_url"),
        ({**VALUES, "is_admin": "yes"}, "is_admin"),
        ({**VALUES, "source": "a\x00b"}, "source"),
    ],
)
def test_the_wrong_value_is_named(values: dict[str, str], field: str) -> None:
    with pytest.raises(NetworksError) as caught:
        connect(values=values)
    assert caught.value.field == field


def test_an_account_is_connected_once_and_again_after_its_removal() -> None:
    account = connect()
    with pytest.raises(NetworksError):
        connect()
    channel_account_remove(account=account, user=None)
    assert ChannelAccount.objects.get().secrets in (None, {})
    assert connect().pk == account.pk


def test_an_update_keeps_secrets_that_are_not_typed_again() -> None:
    account = connect()
    for text in ("", KEPT):
        channel_account_update(
            account=account,
            user=None,
            values={"signing_secret": text, "callback_url": "https://new.example/"},
        )
        assert ChannelAccount.objects.get().secrets == {"signing_secret": SECRET}
    assert account.settings["callback_url"] == "https://new.example/"
    assert values_merge(account, {"signing_secret": "whsec_bmV3"})[1] == {"signing_secret": "whsec_bmV3"}


def test_credentials_of_somebody_else_do_not_replace_ours() -> None:
    account = connect()
    with pytest.raises(NetworksError):
        channel_account_update(account=account, user=None, values=VALUES, own=Own("other"))


def test_mass_assignment_is_refused() -> None:
    with pytest.raises(NetworksError):
        channel_account_update(account=connect(), user=None, plain={"scope_id": "x"})


def test_reconnecting_makes_it_active_again() -> None:
    account = connect()
    ChannelAccount.objects.update(state="reconnect")
    account.refresh_from_db()
    channel_account_update(account=account, user=None, values=VALUES)
    assert ChannelAccount.objects.get().state == "active"
    channel_account_pause(account=account, user=None)
    assert ChannelAccount.objects.get().state == "paused"
    channel_account_resume(account=account, user=None)
    with pytest.raises(NetworksError):
        channel_account_resume(account=account, user=None)


def test_intake_is_checked() -> None:
    for intake, field in (
        (Intake("label"), "intake_label"),
        (Intake(history_since=now() + timedelta(days=1)), "history_since"),
    ):
        with pytest.raises(NetworksError) as caught:
            connect(intake=intake)
        assert caught.value.field == field
    account = connect(intake=Intake("label", " Kunden "), aliases=["A@x.example ", "a@x.example", ""])
    assert (account.intake_label, account.aliases) == ("Kunden", ["a@x.example"])


@pytest.mark.parametrize("role", ["viewer", "agent", "manager"])
def test_only_administrators_connect_what_others_see(role: str) -> None:
    user = person("Ada", role)
    with pytest.raises(NotAllowed):
        connect(user)
    if role == "viewer":
        with pytest.raises(NotAllowed):
            connect(user, audience=Audience("private", owner=user))
    else:
        assert connect(user, audience=Audience("private", owner=user)).scope.owner == user


def test_nobody_touches_anothers_private_channel() -> None:
    ada, olga = person("Ada"), person("Olga", "owner")
    account = connect(ada, audience=Audience("private", owner=ada))
    with pytest.raises(NotAllowed):
        connect(olga, "other", Audience("private", owner=ada))
    for action in (channel_account_pause, channel_account_remove, channel_account_update):
        with pytest.raises(NotAllowed):
            action(account=account, user=olga)
    with pytest.raises(NotAllowed):
        channel_account_set_scope(account=account, audience=Audience(), user=olga)
    assert list(channel_accounts_for(viewer_of(olga))) == []
    assert list(channel_accounts_for(viewer_of(ada))) == [account]


# --- another audience moves what came through it ---------------------------------------------------------------


def _receive(account: ChannelAccount, number: int, *, keys: tuple[str, ...] = ()) -> Any:
    place = Place("webhook", account.scope_id, channel_account_id=account.id)
    (recorded,) = messages_record(
        place,
        [
            IncomingMessage(
                external_id=f"m{number}",
                at=NOON + timedelta(minutes=number),
                own_key=f"m{number}",
                thread_keys=keys,
                participants=(
                    IncomingParticipant(ObservedIdentity("webhook", "visitor"), "from"),
                    IncomingParticipant(ObservedIdentity("webhook", "shop", kind="us"), "to"),
                ),
                text=f"Secret matter {number}",
            )
        ],
    )
    search_documents_write([recorded.message_id])
    return recorded


def _lexemes(message_id: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT vector::text FROM conversations_searchdocument WHERE message_id = %s", [message_id]
        )
        return str(cursor.fetchone()[0])


def test_past_and_future_move_to_the_new_audience() -> None:
    olga = person("Olga", "owner")
    sales = team_create(name="Sales", members=[person("Ada")])
    account, other = connect(olga), connect(olga, "other")
    mine, theirs = _receive(account, 1), _receive(other, 2)
    told = Notification.objects.create(
        user=olga, kind="new", title="x", subject_id=mine.message_id, scope=account.scope
    )
    old = account.scope
    new = channel_account_set_scope(account=account, audience=Audience("teams", teams=[sales]), user=olga)
    assert new != old
    assert set(MessageCopy.objects.filter(message_id=mine.message_id).values_list("scope", flat=True)) == {
        new.pk
    }
    assert set(MessageCopy.objects.filter(message_id=theirs.message_id).values_list("scope", flat=True)) == {
        old.pk
    }
    assert Thread.objects.get(pk=mine.thread_id).scope == new
    assert f"scope:{new.pk}" in _lexemes(mine.message_id)
    assert f"scope:{old.pk}" not in _lexemes(mine.message_id)
    assert f"scope:{old.pk}" in _lexemes(theirs.message_id)
    assert set(
        ConversationScope.objects.filter(conversation=mine.conversation_id).values_list("scope", flat=True)
    ) <= {
        new.pk,
        old.pk,
    }
    told.refresh_from_db()
    assert told.scope == new
    follow_up = _receive(account, 3, keys=("m1",))
    assert follow_up.thread_id == mine.thread_id
    assert AuditEvent.objects.filter(action="channel_audience_changed").count() == 1
    assert new.pk not in viewer_of(olga).scope_ids


def test_what_two_accounts_saw_stays_with_both() -> None:
    olga = person("Olga", "owner")
    sales = team_create(name="Sales")
    account, other = connect(olga), connect(olga, "other")
    both = _receive(account, 1)
    assert _receive(other, 1).message_id == both.message_id
    alone = _receive(account, 2, keys=("m1",))
    assert alone.thread_id == both.thread_id
    old = account.scope
    new = channel_account_set_scope(account=account, audience=Audience("teams", teams=[sales]), user=olga)
    assert set(MessageCopy.objects.filter(message_id=both.message_id).values_list("scope", flat=True)) == {
        new.pk,
        old.pk,
    }
    assert set(MessageCopy.objects.filter(message_id=alone.message_id).values_list("scope", flat=True)) == {
        new.pk
    }
    assert MessageCopy.objects.filter(message_id=both.message_id, first_in_thread=True).count() == 2
    assert {f"scope:{s.pk}" in _lexemes(both.message_id) for s in (old, new)} == {True}
    assert f"scope:{old.pk}" not in _lexemes(alone.message_id)
    rows = {row.scope_id: row.message_count for row in ConversationScope.objects.all()}
    assert rows == {new.pk: 2, old.pk: 1}
    assert SearchDocument.objects.count() == 2
