"""Who reaches what: every route of the URL configuration x every role, and every row of a team x those outside of it."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from kith.base.clock import now
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Attachment
from kith.conversations.services import messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.teams.models import ApiToken
from kith.teams.services import scope_for, team_create
from tests.architecture.routes import Route, all_routes
from tests.web.people import signed_in

ROLES = ("viewer", "agent", "manager", "admin", "owner")
MAY = {
    "public": {"anonymous", *ROLES},
    "signed_in": set(ROLES),
    "writers": set(ROLES) - {"viewer"},
    "managers": {"manager", "admin", "owner"},
    "administrators": {"admin", "owner"},
}
API = "api/v1/"

# Every public route, so that a new one is a decision and not an accident.
PUBLIC = {
    "setup:start": "works once, before there is a company",
    "account:invitation": "the token in the address is the proof",
    "account_login": "sign-in",
    "account_logout": "ends a session",
    "account_inactive": "a sentence",
    "account_signup": "says that it is closed",
    "account_reset_password": "sends a mail to a known address; says the same for others",
    "account_reset_password_done": "a sentence",
    "account_reset_password_from_key": "the key in the address is the proof",
    "account_reset_password_from_key_done": "a sentence",
    "mfa_authenticate": "second step of signing in; the first stands in the session",
    "mfa_login_webauthn": "sign-in by passkey",
    "openid_connect_login": "sign-in elsewhere",
    "openid_connect_callback": "back from there; the state in the session is the proof",
    "socialaccount_login_cancelled": "a sentence",
    "socialaccount_login_error": "a sentence",
    "socialaccount_signup": "says that it is closed",
}
PUBLIC_PREFIXES = {
    "chat": "the window on customers' pages: the key in the visitor's browser is the proof",
    "hooks": "networks do not sign in: a signature over the bytes is the proof",
    "form": "the form on customers' pages: what is typed proves nothing",
}


def screens() -> list[Route]:
    return [route for route in all_routes() if not route.pattern.startswith(API)]


def test_there_are_routes_to_test() -> None:
    assert len(screens()) > 100


def test_every_route_carries_a_decorator_of_access() -> None:
    assert [route.pattern for route in screens() if route.permission not in MAY] == []


def test_every_public_route_is_public_for_a_reason() -> None:
    public = [route for route in screens() if route.permission == "public"]
    unknown = [
        r.name for r in public if r.name not in PUBLIC and r.pattern.split("/")[0] not in PUBLIC_PREFIXES
    ]
    assert unknown == []
    assert set(PUBLIC) - {route.name for route in public} == set()


def ask(client: Client, route: Route, **values: object) -> Any:
    """GET, or POST where the route takes nothing else."""
    address = route.address(**values)
    answer = client.get(address)
    return client.post(address) if answer.status_code == 405 else answer


def asked(client: Client, route: Route, **values: object) -> Any:
    """`ask`, with whatever it wrote taken back."""
    with transaction.atomic():
        answer = ask(client, route, **values)
        transaction.set_rollback(True)
    return answer


def leads_to_sign_in(answer: Any) -> bool:
    return answer.status_code == 302 and answer.headers["location"].startswith(reverse("account_login"))


@pytest.fixture
def clients(db: None) -> dict[str, Client]:
    found = {role: signed_in(role.title(), role)[0] for role in ROLES}
    signed_in("Spare", "owner")
    found["anonymous"] = Client()
    for client in found.values():
        client.raise_request_exception = False
    return found


# Views that let in fewer than their decorator; who else comes gets 403 all the same.
NARROWER = {"styleguide": {"admin", "owner"}}


def test_every_role_reaches_what_its_routes_say_and_nothing_else(clients: dict[str, Client]) -> None:
    wrong = []
    for route in screens():
        for role, client in clients.items():
            answer = asked(client, route)
            code = answer.status_code
            if route.permission == "public":
                right = code < 500
            elif role == "anonymous":
                right = leads_to_sign_in(answer)
            elif role in NARROWER.get(route.name, MAY[str(route.permission)]):
                right = code not in (401, 403, 500) and not leads_to_sign_in(answer)
            else:
                right = code == 403
            if not right:
                wrong.append((route.pattern, route.permission, role, code))
    assert wrong == []


def test_a_former_colleague_reaches_nothing(db: None) -> None:
    client, user = signed_in("Gone", "owner")
    user.is_active = False
    user.save()
    for route in screens():
        if route.permission != "public":
            assert leads_to_sign_in(asked(client, route)), route.pattern


# --- rows: those of a team and of one person, for everybody outside ----------------------------------------------


@pytest.fixture
def hidden(db: None) -> dict[str, list[uuid.UUID]]:
    """What nobody but team Board or Vera alone may see: (argument of a route) -> ids."""
    _, vera = signed_in("Vera", "agent")
    board = team_create(name="Board", members=[vera])
    found: dict[str, list[uuid.UUID]] = {
        "conversation_id": [],
        "message_id": [],
        "attachment_id": [],
        "channel": [],
    }
    for number, scope in enumerate(
        (scope_for(kind="teams", teams=[board]), scope_for(kind="private", owner=vera))
    ):
        account = ChannelAccount.objects.create(
            network="webhook", name="H", external_id=str(number), scope=scope, history_until=now()
        )
        ChannelHealth.objects.create(channel_account=account)
        (recorded,) = messages_record(
            Place("webhook", scope.id, channel_account_id=account.id),
            [
                IncomingMessage(
                    external_id=f"secret{number}",
                    at=now(),
                    own_key=f"secret{number}",
                    participants=(
                        IncomingParticipant(ObservedIdentity("webhook", f"whistle{number}"), "from"),
                        IncomingParticipant(ObservedIdentity("webhook", "us", kind="us"), "to"),
                    ),
                    text="The unspeakable matter",
                    html="<p>The unspeakable matter</p>",
                )
            ],
        )
        file = Attachment.objects.create(
            message_id=recorded.message_id, file_name="unspeakable.txt", content_type="text/plain", size=1
        )
        found["conversation_id"].append(recorded.conversation_id)
        found["message_id"].append(recorded.message_id)
        found["attachment_id"].append(file.id)
        found["channel"].append(account.id)
    return found


def _row_routes() -> list[tuple[Route, str, str]]:
    """(route, argument, kind of row) of all routes that name a row which may be hidden."""
    found = []
    for route in screens():
        for name, kind in route.arguments:
            if route.permission == "public":
                continue
            if kind == "uuid" and name in ("conversation_id", "message_id", "attachment_id"):
                found.append((route, name, name))
            elif kind == "uuid" and name == "pk" and route.pattern.startswith("settings/channels/"):
                found.append((route, name, "channel"))
    return found


def test_rows_are_found_in_routes() -> None:
    assert len(_row_routes()) > 20


def _said(client: Client, method: str, route: Route, argument: str, row: uuid.UUID) -> tuple[int, str]:
    """Status and text of an answer, without what differs between any two (the row's own id, tokens of forms)."""
    with transaction.atomic():
        answer = getattr(client, method)(route.address(**{argument: row}))
        transaction.set_rollback(True)
    text = "a stream" if answer.streaming else answer.content.decode(errors="replace")
    text = re.sub(
        r'(csrfmiddlewaretoken" value|csrf-token" content)="[^"]*"', "", text.replace(str(row), "ROW")
    )
    return answer.status_code, text


@pytest.mark.parametrize("role", ROLES)
def test_rows_of_a_team_are_to_others_as_if_they_did_not_exist(
    role: str, hidden: dict[str, list[uuid.UUID]]
) -> None:
    """The answer about a hidden row is that about a row which never was, word for word."""
    client, _ = signed_in("Outsider", role)
    client.raise_request_exception = False
    wrong = []
    for route, argument, kind in _row_routes():
        for method in ("get", "post"):
            nothing = _said(client, method, route, argument, uuid.uuid4())
            for row in hidden[kind]:
                found = _said(client, method, route, argument, row)
                if found != nothing or found[0] == 500:
                    wrong.append((route.pattern, method, found[0], nothing[0]))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_lists_counts_and_search_of_others_do_not_know_them(
    role: str, hidden: dict[str, list[uuid.UUID]]
) -> None:
    client, _ = signed_in("Outsider", role)
    client.raise_request_exception = False
    for route in screens():
        if route.arguments or route.permission == "public":
            continue
        for query in ({}, {"q": "unspeakable"}):
            answer = client.get(route.address(), query)
            assert answer.status_code != 500, route.pattern
            assert b"The unspeakable" not in answer.content, route.pattern
            assert b"unspeakable.txt" not in answer.content, route.pattern


def test_vera_sees_them(hidden: dict[str, list[uuid.UUID]]) -> None:
    client, _ = signed_in("Vera", "agent")
    for row in hidden["channel"]:
        assert client.get(reverse("settings:channel", args=[row])).status_code == 200


# --- the API --------------------------------------------------------------------------------------------------------


def api_routes() -> list[Route]:
    return [route for route in all_routes() if route.pattern.startswith(API)]


OPEN_API = {"openapi.json", "docs", "docs.css", ""}


@pytest.mark.parametrize(
    "route",
    [r for r in api_routes() if r.pattern.removeprefix(API) not in OPEN_API and "in/" not in r.pattern],
    ids=lambda r: r.pattern,
)
def test_the_api_asks_everyone_for_a_token(route: Route, db: None) -> None:
    ApiToken.objects.all().delete()
    for client in (
        Client(),
        signed_in("Olga", "owner")[0],
        Client(headers={"authorization": "Bearer kith_no"}),
    ):
        client.raise_request_exception = False
        answers = [getattr(client, method)(route.address()) for method in ("get", "post", "patch", "delete")]
        codes = {answer.status_code for answer in answers}
        assert codes <= {401, 404, 405}, codes
