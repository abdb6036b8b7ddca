"""Two teams and one person: nothing that the one was told reaches the other, wherever it is looked for (laws 4 and 11)."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kith.api.models import IdempotentAnswer  # noqa: F401  (the room is installed)
from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.selectors import contact_ids_search
from kith.contacts.services import contact_for_identity, contact_project, fact_record
from kith.conversations.models import Attachment, Conversation
from kith.conversations.services.actions import note_add
from kith.core import blobs, company
from kith.teams.models import Notification, User
from kith.teams.notifications import notifications_page, notify
from kith.trust.models import Decision, Touch
from kith.work import services as work
from kith.work.selectors import note_photo
from kith.workspace.export import export_ask, export_run
from kith.workspace.inbox import InboxView, inbox_counts, inbox_page
from kith.workspace.people import contact_page
from kith.workspace.people_find import strangers_find
from kith.workspace.people_list import PeopleView, people_list
from kith.workspace.people_scope import usual_scope
from kith.workspace.search import search_messages
from kith.workspace.search_groups import files_found, notes_found, people_found
from kith.workspace.timeline import timeline
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db
SECRET = "xylophone"


@pytest.fixture
def ada(cast: Cast) -> Contact:
    """Ada talks with sales alone, and all that follows from it is theirs."""
    carl = cast.viewer(cast.carl)
    told = cast.mail(cast.sales_scope, text=f"the {SECRET} deal", subject=f"{SECRET}")
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    scope = cast.sales_scope.id
    for attribute in ("city", "preferred_name", "custom.plan", "note"):
        fact_record(
            contact_id=contact.pk, attribute=attribute, value=SECRET, source="message", quote=SECRET,
            message_id=told.message_id, scope_id=scope,
        )  # fmt: skip
    work.task_create(carl, title=SECRET, contact_id=contact.pk, scope_id=scope)
    work.promise_make(carl, contact_id=contact.pk, what=SECRET, scope_id=scope)
    note = work.note_write(carl, contact_id=contact.pk, kind="letter", text=SECRET, photo=b"%PDF-1 " + SECRET.encode(),
                           photo_type="application/pdf", scope_id=scope)  # fmt: skip
    work.note_pin(carl, note.pk)
    note_add(carl, told.conversation_id, text=f"{SECRET} among us")
    Attachment.objects.create(
        message_id=told.message_id, digest=blobs.put(SECRET.encode())[0], file_name=f"{SECRET}.txt",
        content_type="text/plain", size=9,
    )  # fmt: skip
    touch = Touch.objects.create(
        identity=Identity.objects.get(external_id="ada@outside.example"), contact=contact, kind="reply",
        channel="email", state="held", planned_for=now(), subject_id=told.message_id,
    )  # fmt: skip
    Decision.objects.create(touch=touch, outcome="hold", rule="x", sentence=f"{SECRET} is held")
    return contact


def _texts(value: object) -> str:
    return repr(value).lower()


def test_the_other_team_finds_nothing_of_it(cast: Cast, ada: Contact) -> None:
    for user, sees in ((cast.carl, True), (cast.olga, True), (cast.ines, False)):
        viewer = cast.viewer(user)
        shown = {
            "list": _texts(inbox_page(viewer, InboxView("all")).rows),
            "search": _texts(search_messages(viewer, SECRET).hits),
            "page": _texts(contact_page(viewer, ada.pk)),
            "timeline": _texts(timeline(viewer, contact_id=ada.pk).entries),
            "people": _texts(people_found(SECRET, limit=6)),
            "notes": _texts(notes_found(viewer, SECRET)),
            "files": _texts(files_found(viewer, SECRET)),
        }
        found = {name for name, text in shown.items() if SECRET in text.replace(f"'{SECRET}'", SECRET)}
        if sees:
            assert found >= {"list", "search", "page", "timeline"}, user
        else:
            assert not found, user
            assert timeline(viewer, contact_id=ada.pk).entries == ()
            page = contact_page(viewer, ada.pk)
            assert page is not None
            assert (page.messages_in, page.tasks, page.promises, page.notes, page.promises_all) == (
                0,
                (),
                (),
                (),
                0,
            )
            assert inbox_counts(viewer).unassigned == 0


def test_columns_hold_nothing_that_only_one_team_was_told(cast: Cast, ada: Contact) -> None:
    contact_project([ada.pk])
    ada.refresh_from_db()
    assert SECRET not in json.dumps([ada.city, ada.preferred_name, ada.custom, ada.search_text])
    assert contact_ids_search(SECRET) == []
    assert people_list(cast.viewer(cast.ines), PeopleView(search=SECRET)).rows == ()
    fact_record(
        contact_id=ada.pk, attribute="city", value="London", source="told_us", scope_id=cast.everyone.id
    )
    ada.refresh_from_db()
    assert ada.city == "London"


def test_when_they_last_talked_is_told_to_those_who_saw_it(cast: Cast, ada: Contact) -> None:
    carl, ines = cast.viewer(cast.carl), cast.viewer(cast.ines)
    assert people_list(carl, PeopleView()).rows[0].last_at is not None
    assert people_list(ines, PeopleView()).rows[0].last_at is None
    assert people_list(carl, PeopleView(last=3650)).rows
    assert not people_list(ines, PeopleView(last=3650)).rows
    assert people_list(carl, PeopleView(sort="recent")).rows
    assert not people_list(ines, PeopleView(sort="recent")).rows


def test_strangers_are_found_by_those_who_saw_them_write(cast: Cast, ada: Contact) -> None:
    cast.mail(cast.sales_scope, sender="zed@strange.example", name="Zed Stranger")
    assert [i.handle for i in strangers_find(cast.viewer(cast.carl), "zed")] == ["zed@strange.example"]
    assert strangers_find(cast.viewer(cast.ines), "zed") == []


def test_what_is_written_down_goes_to_whom_the_talk_belongs(cast: Cast, ada: Contact) -> None:
    ids = list(Identity.objects.filter(contact=ada).values_list("pk", flat=True))
    assert usual_scope(cast.viewer(cast.carl), ids) == cast.sales_scope.id
    assert usual_scope(cast.viewer(cast.ines), ids) is None
    cast.mail(cast.everyone, text="hello all")
    assert usual_scope(cast.viewer(cast.carl), ids) is None


def _client(user: User) -> Client:
    if not company.is_set_up():
        company.set_value("name", "Bicycles Ltd")
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_no_screen_of_people_shows_it(cast: Cast, ada: Contact) -> None:
    note = ada.notes.get()
    conversation = Conversation.objects.get(threads__scope=cast.sales_scope)
    for user, sees in ((cast.carl, True), (cast.ines, False)):
        client = _client(user)
        page = client.get(reverse("person", args=[ada.pk])).content.decode()
        assert (SECRET in page) is sees
        assert (f"{SECRET} is held" in page) is sees
        for address in (reverse("people"), reverse("people") + "?sort=recent"):
            assert (SECRET in client.get(address).content.decode()) is sees
        assert (SECRET in client.get(reverse("today")).content.decode()) is sees
        photo = client.get(reverse("note_photo", args=[note.pk]))
        assert photo.status_code == (200 if sees else 404)
        assert client.get(reverse("conversation", args=[conversation.pk])).status_code == (
            200 if sees else 404
        )
        fact = ada.facts.get(attribute="city", scope_id=cast.sales_scope.id)
        for name in ("fact_wrong", "fact_right", "fact_forget"):
            if not sees:
                assert client.post(reverse(name, args=[fact.pk])).status_code == 404
        assert (note_photo(cast.viewer(user), note.pk) is not None) is sees
        file = Attachment.objects.get()
        assert client.get(reverse("attachment", args=[file.pk])).status_code == (200 if sees else 404)


def test_no_notification_tells_of_it(cast: Cast, ada: Contact) -> None:
    told = notify(
        [cast.carl.pk, cast.ines.pk], kind="task", title=lambda: SECRET, subject_id=ada.pk,
        scope_id=cast.sales_scope.id,
    )  # fmt: skip
    assert told == [cast.carl.pk]
    Notification.objects.create(user=cast.ines, kind="task", title=SECRET, scope=cast.sales_scope)
    assert notifications_page(cast.viewer(cast.ines)).rows == ()


def test_no_export_holds_it(cast: Cast, ada: Contact) -> None:
    found: dict[Any, bool] = {}
    for user in (cast.carl, cast.ines):
        request = export_ask(contact_id=ada.pk, user=user)
        export_run(request)
        request.refresh_from_db()
        archive = zipfile.ZipFile(io.BytesIO(blobs.read(request.digest)))
        found[user.name] = any(SECRET.encode() in archive.read(n) or SECRET in n for n in archive.namelist())
    assert found == {"Carl": True, "Ines": False}


def test_the_api_gives_it_to_nobody_else(cast: Cast, ada: Contact) -> None:
    from kith.teams.services import api_token_create

    for user, sees in ((cast.carl, True), (cast.ines, False)):
        _row, secret = api_token_create(
            user=user, name="t", permissions=["people:read", "conversations:read"],
            expires_at=now() + timedelta(days=1),
        )  # fmt: skip
        client = Client(headers={"authorization": f"Bearer {secret}"})
        people = (
            client.get("/api/v1/people").content.decode()
            + client.get(f"/api/v1/people/{ada.pk}").content.decode()
        )
        assert SECRET not in people
        talks = client.get("/api/v1/conversations").content.decode()
        assert (SECRET in talks) is sees
