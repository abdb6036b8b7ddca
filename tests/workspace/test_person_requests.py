"""An export or erasure that can't come to its end says so to whoever asked, and is tried again when they say so."""

from __future__ import annotations

import errno
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from kith.contacts.models import Contact
from kith.contacts.services import contact_create
from kith.core import company
from kith.core.models import AuditEvent
from kith.teams.models import User
from kith.workspace import erasure, export
from kith.workspace.jobs import person_request_run
from kith.workspace.models import PersonRequest
from tests.support.cast import Cast, client_of

pytestmark = pytest.mark.django_db
Ask = Callable[..., PersonRequest]


def _run(request: PersonRequest, *, attempts: int) -> None:
    person_request_run(SimpleNamespace(job=SimpleNamespace(attempts=attempts)), request_id=str(request.pk))


@pytest.mark.parametrize(
    ("ask", "room", "breaks"),
    [(export.export_ask, export, "export_write"), (erasure.erasure_ask, erasure, "_erase_person")],
)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (RuntimeError("no"), "broke off again"),
    ],
)
def test_it_fails_in_words_and_is_tried_again(
    ask: Ask,
    room: Any,
    breaks: str,
    error: Exception,
    words: str,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    company.set_value("name", "Bicycles Ltd")
    ada, client = contact_create(name="Ada Lovelace"), client_of(cast.olga)
    request = ask(contact_id=ada.pk, user=cast.olga)
    page = reverse("person_data", args=[ada.pk])

    def broken(*rest: Any, **named: Any) -> Any:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(room, breaks, broken)
        for attempts in range(4):
            assert "Try again" not in client.get(page).content.decode()
            with pytest.raises(type(error)):
                _run(request, attempts=attempts)
    request.refresh_from_db()
    assert request.state == "failed"
    shown = client.get(page).content.decode()
    assert words in shown
    assert "Try again" in shown
    again = reverse("person_again", args=[request.pk])
    assert client.post(again).status_code == 302
    assert client.post(again).status_code == 302  # a second press changes nothing
    request.refresh_from_db()
    assert (request.state, request.error) == ("waiting", "")
    assert AuditEvent.objects.filter(action=f"person_{request.kind}_asked").count() == 2
    _run(request, attempts=0)
    request.refresh_from_db()
    assert request.state == "done"
    assert Contact.objects.filter(pk=ada.pk, deleted_at=None).exists() is (ask is export.export_ask)


def test_an_export_that_is_tried_again_is_of_who_asks_now(cast: Cast) -> None:
    company.set_value("name", "Bicycles Ltd")
    User.objects.filter(pk=cast.ines.pk).update(role="admin")
    ada = contact_create(name="Ada Lovelace")
    request = export.export_ask(contact_id=ada.pk, user=cast.olga)
    PersonRequest.objects.filter(pk=request.pk).update(state="failed", error="The disk.")
    client_of(User.objects.get(pk=cast.ines.pk)).post(reverse("person_again", args=[request.pk]))
    _run(request, attempts=0)
    download = reverse("person_download", args=[request.pk])
    assert client_of(User.objects.get(pk=cast.ines.pk)).get(download).status_code == 200
    assert client_of(cast.olga).get(download).status_code == 404
