"""Who reaches what: every route of the URL configuration x every role, and every row of a team x those outside of it."""

from __future__ import annotations

import inspect
import json
import re
import uuid
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from django.urls import reverse

from kith.base.clock import now
from kith.campaigns.models import Mailing
from kith.channels.models import Delivery, RawItem
from kith.contacts.models import Identity
from kith.contacts.services import contact_create, fact_record
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Attachment, Conversation, Post
from kith.conversations.services import actions, messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.core import blobs
from kith.engagement.models import SavedView
from kith.listening.models import Mention, Monitor
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.teams.models import ApiToken, Notification, PushSubscription
from kith.teams.selectors import viewer_of
from kith.teams.services import api_token_create, scope_for, sessions_of, team_create
from kith.teams.types import API_PERMISSIONS
from kith.trust.models import Decision, Touch
from kith.understanding.services import message_correct, messages_annotate
from kith.work.models import Task
from kith.work.services import note_write, promise_make
from kith.workspace.models import Import
from tests.architecture.routes import Route, all_routes
from tests.support.reader import Reader
from tests.web.people import PASSWORD, signed_in

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
    "health": "one word for monitors",
    "health_live": "one word for monitors",
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
    "install:worker": "a script of ours, the same for everyone",
    "install:manifest": "names and icons of the app, the same for everyone",
    "install:offline": "a sentence",
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
    "my": "customers' own pages: a signed link or a mailed code is the proof (tests/web/my)",
    "deletion": "says how far a request is and not whose; the code in the address is a keyed hash",
    "subscribe": "the form for topics: what is typed is confirmed by a mail",
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

# (begin of a route's name, argument) -> kind of row in `hidden`. To others these are as if they did not exist.
HELD: dict[tuple[str, str], str] = {
    ("", "conversation_id"): "conversation",
    ("", "message_id"): "message",
    ("", "attachment_id"): "attachment",
    ("", "channel_id"): "channel",
    ("", "identity_id"): "identity",
    ("", "task_id"): "task",
    ("", "fact_id"): "fact",
    ("", "note_id"): "note",
    ("", "promise_id"): "promise",
    ("", "import_id"): "import",
    ("", "mailing_id"): "mailing",
    ("", "monitor_id"): "monitor",
    ("", "post_id"): "post",
    ("undo", "batch_id"): "batch",
    ("label_undo", "batch_id"): "label",
    ("settings:channel", "pk"): "channel",
    ("settings:item_retry", "pk"): "channel",
    ("settings:item_retry", "item"): "item",
    ("settings:item_delete", "pk"): "channel",
    ("settings:item_delete", "item"): "item",
    ("settings:delivery_decide", "pk"): "channel",
    ("settings:delivery_decide", "delivery"): "delivery",
    ("notification", "notification_id"): "notification",
    ("view_", "view_id"): "view",
    ("account:device_remove", "pk"): "device",
    ("account:session_end", "pk"): "session",
    ("account:token_revoke", "pk"): "token",
    ("mfa_remove_webauthn", "pk"): "key",
    ("mfa_edit_webauthn", "pk"): "key",
}
# What everybody in the role of the route may name, and why.
SHARED: dict[tuple[str, str], str] = {
    ("person", "contact_id"): "people belong to the house; what they said is filtered by scope on their page",
    ("", "contact_id"): "as above",
    (
        "person_consent_undo",
        "row_id",
    ): "of that person; only who wrote it down (tests/web/contacts/test_consent.py)",
    ("work_dialog", "what"): "a name of a form, not a row",
    ("merge", "other_id"): "people belong to the house",
    ("merge_undo", "merge_id"): "as above",
    ("affiliation_", "affiliation_id"): "roles at companies are the house's",
    (
        "organization",
        "organization_id",
    ): "companies are the house's; talk with their people is filtered by scope",
    ("person_", "tag_id"): "tags are the house's",
    ("person_untag", "tag_id"): "as above",
    ("people_bulk_undo", "batch_id"): "kept under whose deed it was; that of another does nothing",
    (
        "person_download",
        "request_id",
    ): "administrators; only who asked gets it (tests/workspace/test_person_data.py)",
    ("person_backups", "request_id"): "administrators; holds no word about the person",
    ("person_again", "request_id"): "administrators; an export is then of who asks",
    ("settings:person", "pk"): "administrators change colleagues",
    ("settings:leave", "pk"): "as above",
    ("settings:come_back", "pk"): "as above",
    ("settings:invitation_end", "pk"): "administrators invite",
    ("settings:team", "pk"): "administrators make teams",
    ("settings:division", "pk"): "as above",
    ("settings:replies", "pk"): "saved replies are the house's",
    ("settings:macros", "pk"): "managers' tools are the house's",
    ("settings:rules", "pk"): "as above",
    ("settings:tags", "pk"): "tags are the house's",
    ("settings:understanding_name", "pk"): "names of products and places are the house's",
    ("settings:topic", "pk"): "topics are the house's, and public",
    ("my:", "token"): "signed; shows nothing of whose it is",
    ("my:receipt", "pk"): "only of identities proven in the visit (tests/web/my/test_visit.py)",
    ("my:deletion", "code"): "a keyed hash, which says how far a request is and not whose",
    ("my:forgotten", "pk"): "a random number, which says how far an erasure is and not whose",
    ("settings:fields", "pk"): "fields are the house's",
    ("settings:webhook", "pk"): "administrators tell programs of events; a webhook holds ids, and no words",
    ("settings:webhook_delivery", "delivery"): "as above",
    ("webhooks_", "webhook_id"): "as above, by administrators' tokens (tests/api/test_webhooks.py)",
    (
        "settings:retention",
        "pk",
    ): "administrators keep the house; examples of a rule are filtered by scope (tests/workspace)",
    ("settings:hold_lift", "pk"): "administrators; what a conversation is called is filtered by scope",
    ("settings:mail_resend", "pk"): "administrators; who may read a mail's text is tested with the screen",
    ("settings:channel_steps", "run"): "a name that one's browser made up; what stands there is kept by user",
    ("settings:channel_connect", "network"): "a name of a network, not a row",
    ("inbox_view", "key"): "a name of a list; a team's or a saved one's is filtered by scope like all lists",
    ("remote_image", "token"): "signed for one user's page; tested with pictures",
    (
        "avatar",
        "digest",
    ): "faces of people, by a hash; other blobs are none (tests/safety/test_attachments.py)",
    ("people_", "person_id"): "people belong to the house",
    ("affiliations_", "person_id"): "as above",
    ("merges_", "merge_id"): "as above",
    ("organizations_", "organization_id"): "as above",
}


def _listed(table: dict[tuple[str, str], str], route: Route, argument: str) -> str | None:
    fits = [
        text for (begin, name), text in table.items() if name == argument and route.name.startswith(begin)
    ]
    return fits[-1] if fits else None


def test_every_argument_of_every_route_is_held_or_shared_for_a_reason() -> None:
    unlisted = [
        (route.pattern, name)
        for route in all_routes()
        if route.permission != "public"
        for name, _ in route.arguments
        if not _listed(HELD, route, name) and not _listed(SHARED, route, name)
    ]
    assert unlisted == []


def _hidden_account(number: int, scope: Any) -> ChannelAccount:
    account = ChannelAccount.objects.create(
        network="webhook", name="H", external_id=str(number), scope=scope, history_until=now()
    )
    ChannelHealth.objects.create(channel_account=account)
    return account


def _hidden_mail(account: ChannelAccount) -> Any:
    number = account.external_id
    (recorded,) = messages_record(
        Place("webhook", account.scope_id, channel_account_id=account.id),
        [
            IncomingMessage(
                external_id=f"secret{number}",
                at=now(),
                own_key=f"secret{number}",
                participants=(
                    IncomingParticipant(
                        ObservedIdentity("webhook", f"whistle{number}", display_name="Unspeakable Name"),
                        "from",
                    ),
                    IncomingParticipant(ObservedIdentity("webhook", "us", kind="us"), "to"),
                ),
                text="The unspeakable matter",
                html="<p>The unspeakable matter</p>",
            )
        ],
    )
    return recorded


@pytest.fixture
def hidden(db: None) -> dict[str, list[Any]]:
    """What nobody but team Board or Vera alone may see: kind -> ids."""
    _, vera = signed_in("Vera", "agent")
    board = team_create(name="Board", members=[vera])
    found: dict[str, list[Any]] = {kind: [] for kind in HELD.values()}
    for number, scope in enumerate(
        (scope_for(kind="teams", teams=[board]), scope_for(kind="private", owner=vera))
    ):
        account = _hidden_account(number, scope)
        recorded = _hidden_mail(account)
        digest, size = blobs.put(f"Unspeakable {number}".encode())
        file = Attachment.objects.create(
            message_id=recorded.message_id, file_name="unspeakable.txt", content_type="text/plain", size=size,
            digest=digest,
        )  # fmt: skip
        task = Task.objects.create(
            title="Look into the unspeakable matter", assignee=vera, created_by=vera, scope_id=scope.pk
        )
        known = contact_create(name="Known to all")
        fact = fact_record(
            contact_id=known.pk, attribute="note", value="Unspeakable", source="message", scope_id=scope.pk
        )
        note = note_write(viewer_of(vera), contact_id=known.pk, text="Unspeakable", scope_id=scope.pk)
        promise = promise_make(viewer_of(vera), contact_id=known.pk, what="Unspeakable", scope_id=scope.pk)
        brought = Import.objects.create(kind="csv", source="unspeakable.csv", started_by=vera, state="done")
        item = RawItem.objects.create(
            channel_account=account, external_id="x", digest="0" * 64, size=5, state="set_aside", error="no"
        )
        whom = Identity.objects.get(external_id=f"whistle{number}")
        batch = actions.conversations_set_priority(
            viewer_of(vera), [recorded.conversation_id], priority=Conversation.Priority.values[-1]
        )
        touch = Touch.objects.create(
            identity=whom, kind="reply", channel="mail", state="allowed", planned_for=now()
        )
        decision = Decision.objects.create(touch=touch, outcome="allow", rule="r", sentence="s")
        delivery = Delivery.objects.create(
            message_id=recorded.message_id, channel_account=account, decision=decision, state="unknown",
            idempotency_key=uuid.uuid4(), not_before=now(),
        )  # fmt: skip
        mailing = Mailing.objects.create(title="Unspeakable", purpose="news", account=account, author=vera)
        found["mailing"].append(mailing.pk)
        heard = Monitor.objects.create(
            name="Unspeakable", query="unspeakable", owner=vera, scope=scope, version=number + 1
        )
        post = Post.objects.create(
            network="webhook", external_id=f"said{number}", text="Unspeakable", published_at=now()
        )
        Mention.objects.create(monitor=heard, post=post, published_at=now(), network="webhook")
        found["monitor"].append(heard.pk)
        found["post"].append(post.pk)
        found["conversation"].append(recorded.conversation_id)
        found["message"].append(recorded.message_id)
        found["attachment"].append(file.id)
        found["channel"].append(account.id)
        found["identity"].append(whom.pk)
        found["task"].append(task.pk)
        found["fact"].append(fact.pk)
        found["note"].append(note.pk)
        found["promise"].append(promise.pk)
        found["import"].append(brought.pk)
        found["batch"].append(batch.batch_id)
        messages_annotate([recorded.message_id], annotator=Reader())
        said = message_correct(viewer_of(vera), recorded.message_id, values={"sentiment": "negative"})
        found["label"].append(said.batch)
        found["item"].append(item.pk)
        found["delivery"].append(delivery.pk)
    client = Client()
    client.post("/accounts/login/", {"login": vera.email, "password": PASSWORD})
    found["session"] += [session.id for session in sessions_of(vera)]
    found["token"].append(ApiToken.objects.create(user=vera, name="x", token_hash="1" * 64, hint="x").pk)
    found["device"].append(
        PushSubscription.objects.create(user=vera, endpoint="https://push.example/1", keys={}).pk
    )
    found["notification"].append(Notification.objects.create(user=vera, kind="alarm", title="Look").pk)
    found["view"].append(SavedView.objects.create(owner=vera, name="Unspeakable", query="in:all").pk)
    found["key"].append(
        Authenticator.objects.create(user=vera, type="webauthn", data={"name": "Key", "credential": {}}).pk
    )
    return found


def _row_routes() -> list[tuple[Route, str, str]]:
    """(route, argument, kind of row) of all screens that name a row which may be hidden."""
    return [
        (route, name, kind)
        for route in screens()
        if route.permission != "public"
        for name, _ in route.arguments
        if (kind := _listed(HELD, route, name))
    ]


def test_rows_are_found_in_routes() -> None:
    assert len(_row_routes()) > 35
    assert {kind for _, _, kind in _row_routes()} == set(HELD.values())


def _text(answer: Any, row: object) -> tuple[int, str]:
    """Status and text of an answer, without what differs between any two (the row's own id, tokens of forms)."""
    text = "a stream" if answer.streaming else answer.content.decode(errors="replace")
    text = text.replace(f"/{row}/" if isinstance(row, int) else str(row), "ROW")
    text = re.sub(r'(csrfmiddlewaretoken" value|csrf-token" content)="[^"]*"', "", text)
    return answer.status_code, text


def _said(client: Client, method: str, route: Route, values: dict[str, object], row: object) -> Any:
    with transaction.atomic():
        answer = getattr(client, method)(route.address(**values))
        transaction.set_rollback(True)
    return _text(answer, row)


def _confirmed(client: Client) -> Client:
    """A client that has just said its password again, as the screens of keys want it."""
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert answer.status_code == 302
    return client


def _nobody(row: object) -> object:
    return 987_654 if isinstance(row, int) else uuid.uuid4()


@pytest.mark.parametrize("role", ROLES)
def test_rows_of_others_are_to_everyone_else_as_if_they_did_not_exist(
    role: str, hidden: dict[str, list[Any]]
) -> None:
    """The answer about a hidden row is that about a row which never was, word for word."""
    client, outsider = signed_in("Outsider", role)
    _confirmed(client).raise_request_exception = False
    own = _hidden_account(9, scope_for(kind="private", owner=outsider))
    wrong = []
    for route, argument, kind in _row_routes():
        more: dict[str, object] = {"pk": own.pk} if argument in ("item", "delivery") else {}
        for method in ("get", "post"):
            for row in hidden[kind]:
                nothing = _nobody(row)
                wanted = _said(client, method, route, {**more, argument: nothing}, nothing)
                found = _said(client, method, route, {**more, argument: row}, row)
                if found != wanted or found[0] == 500:
                    wrong.append((route.pattern, method, found[0], wanted[0]))
    assert wrong == []


def test_who_may_see_them_does(hidden: dict[str, list[Any]]) -> None:
    """The rows above are such as their owner reaches: what is refused to others is not merely broken."""
    client, _ = signed_in("Vera", "agent")
    _confirmed(client).raise_request_exception = False
    reached = set()
    for route, argument, kind in _row_routes():
        for method in ("get", "post"):
            for number, row in enumerate(hidden[kind]):
                more = {"pk": hidden["channel"][number]} if argument in ("item", "delivery") else {}
                nothing = _nobody(row)
                wanted = _said(client, method, route, {**more, argument: nothing}, nothing)
                if _said(client, method, route, {**more, argument: row}, row) != wanted:
                    reached.add(kind)
    assert reached == set(HELD.values())


@pytest.mark.parametrize("role", ROLES)
def test_lists_counts_and_search_of_others_do_not_know_them(role: str, hidden: dict[str, list[Any]]) -> None:
    client, _ = signed_in("Outsider", role)
    client.raise_request_exception = False
    for route in screens():
        if route.arguments or route.permission == "public":
            continue
        for query in ({}, {"q": "unspeakable"}):
            answer = client.get(route.address(), query)
            assert answer.status_code != 500, route.pattern
            if answer.streaming:
                continue
            text = answer.content.lower()
            for secret in (b"the unspeakable", b"unspeakable.txt", b"unspeakable name"):
                assert secret not in text, (route.pattern, secret)


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


# What a request must hold to get as far as its row.
BODIES: dict[str, dict[str, Any]] = {
    "conversations_assign": {"assignee_id": None},
    "conversations_snooze": {"until": "2040-01-01T00:00:00Z"},
    "conversations_tags": {"add": ["x"]},
    "conversations_note": {"text": "x"},
    "conversations_reply": {"text": "x"},
    "identities_link": {"person_id": str(uuid.UUID(int=9))},
}


@pytest.mark.parametrize("role", ROLES)
def test_rows_of_others_are_to_the_api_as_if_they_did_not_exist(
    role: str, hidden: dict[str, list[Any]]
) -> None:
    _, user = signed_in("Outsider", role)
    wanted = [p for p in API_PERMISSIONS if user.may_write or not p.endswith(":write")]
    _, raw = api_token_create(user=user, name="x", permissions=wanted)
    client = Client(headers={"authorization": f"Bearer {raw}"}, raise_request_exception=False)
    wrong, asked = [], 0
    for route in api_routes():
        for argument, _ in route.arguments:
            if (kind := _listed(HELD, route, argument)) is None:
                continue
            for method in ("get", "post", "patch", "delete"):
                for row in hidden[kind]:
                    answers = []
                    for one in (_nobody(row), row):
                        with transaction.atomic():
                            answer = client.generic(
                                method.upper(),
                                route.address(**{argument: one}),
                                json.dumps(BODIES.get(route.name, {})),
                                content_type="application/json",
                            )
                            transaction.set_rollback(True)
                        answers.append(_text(answer, one))
                    asked += answers[0][0] == 404
                    if answers[0] != answers[1] or answers[0][0] not in (403, 404, 405):
                        wrong.append((route.pattern, method, answers[0][0], answers[1][0]))
    assert wrong == []
    assert asked > 10


def test_every_operation_asks_for_its_permission(db: None) -> None:
    """A token that may do everything but this is refused; one that may do this alone is not, for want of a permission."""
    _, user = signed_in("Olga", "owner")
    clients = {
        chosen: Client(
            headers={
                "authorization": f"Bearer {api_token_create(user=user, name='x', permissions=chosen)[1]}"
            },
            raise_request_exception=False,
        )
        for wanted in API_PERMISSIONS
        for chosen in (tuple(p for p in API_PERMISSIONS if p != wanted), (wanted,))
    }
    wrong, asked, free = [], 0, set()
    for route in api_routes():
        inner = inspect.getclosurevars(inspect.unwrap(route.view)).nonlocals.get("self")
        for operation in getattr(inner, "operations", []):
            wanted = operation.auth_callbacks[0].permission
            if not wanted:
                free.add(route.name)
                continue
            others = tuple(p for p in API_PERMISSIONS if p != wanted)
            for method in operation.methods:
                for chosen, refused in ((others, True), ((wanted,), False)):
                    with transaction.atomic():
                        answer = clients[chosen].generic(
                            method,
                            route.address(),
                            json.dumps(BODIES.get(route.name, {})),
                            content_type="application/json",
                        )
                        transaction.set_rollback(True)
                    asked += 1
                    lacks = answer.status_code == 403 and wanted in answer.json()["detail"]
                    if lacks != refused:
                        wrong.append((route.pattern, method, wanted, answer.status_code))
    assert wrong == []
    assert asked > 80
    assert free == {"users_list", "teams_list", "tags_list", "me"}


@pytest.mark.parametrize("role", ROLES)
def test_lists_of_the_api_do_not_know_them(role: str, hidden: dict[str, list[Any]]) -> None:
    _, user = signed_in("Outsider", role)
    wanted = [p for p in API_PERMISSIONS if user.may_write or not p.endswith(":write")]
    _, raw = api_token_create(user=user, name="x", permissions=wanted)
    client = Client(headers={"authorization": f"Bearer {raw}"}, raise_request_exception=False)
    for route in api_routes():
        if route.arguments or route.pattern.removeprefix(API) in OPEN_API:
            continue
        for query in ({}, {"q": "unspeakable"}):
            answer = client.get(route.address(), query)
            if not answer.streaming:
                assert b"nspeakable" not in answer.content.replace(b"unspeakable&", b""), route.pattern
