"""The screens of an erasure: its report, the backups that hold somebody, and who an import may bring back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse

from kith.contacts.models import ErasedAddress
from kith.core import company, erasures
from kith.core.backup import making, nightly
from kith.core.models import AuditEvent
from kith.workspace.imports.run import import_run
from kith.workspace.imports.screen import import_check, import_upload
from kith.workspace.jobs import backups_renew_run
from kith.workspace.models import Import, PersonRequest
from tests.support.cast import Cast, cast_make, client_of
from tests.workspace.test_erasure_again import ADA, CARDS, ada_of, erase

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(db: None) -> Iterator[Cast]:
    def clean() -> None:
        for path in (erasures.path(), *nightly.all_files()):
            path.unlink(missing_ok=True)

    clean()
    company.set_value("name", "Bicycles Ltd")
    yield cast_make()
    clean()


def test_the_report_lists_the_backups_that_hold_somebody_and_renews_them(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, client = ada_of(cast), client_of(cast.olga)
    making.make(nightly.new_path("kith-nightly-"))
    making.make(nightly.new_path("kith-by-hand-"))
    request = erase(ada, cast)
    page = reverse("person_data", args=[ada.pk])
    shown = client.get(page).content.decode()
    assert "2 backups on this server still hold them" in shown
    assert "goes about" in shown
    assert "stays until somebody removes it" in shown
    assert "1 keyed hash of an address stays" in shown
    renew = reverse("person_backups", args=[request.pk])
    assert client_of(cast.carl).post(renew).status_code == 403
    assert client.post(renew).status_code == 302
    assert client.post(renew).status_code == 302  # a second press changes nothing
    assert AuditEvent.objects.filter(action="backups_renew_asked").count() == 1
    assert "A new backup is being made" in client.get(page).content.decode()
    before = set(nightly.all_files())

    def full(*_rest: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(making, "make", full)
        with pytest.raises(OSError, match="No space"):
            backups_renew_run(request_id=str(request.pk))
    assert set(nightly.all_files()) == before  # nothing goes before a new one is there
    backups_renew_run(request_id=str(request.pk))
    (new,) = nightly.all_files()
    assert new not in before
    assert making.check(new).rows
    assert "No backup on this server holds them" in client.get(page).content.decode()


def test_an_upload_says_who_is_left_out_and_an_administrator_lets_them_in(cast: Cast, tmp_path: Path) -> None:
    erase(ada_of(cast), cast)
    file = tmp_path / "people.csv"
    file.write_text(CARDS)
    with file.open("rb") as source:
        record = import_upload(name="people.csv", file=source, user=cast.olga)
    import_check(record)
    client, agent = client_of(cast.olga), client_of(cast.carl)
    screen = reverse("people_erased")
    shown = client.get(reverse("import_one", args=[record.pk])).content.decode()
    assert "1 person asked to be erased and is not brought back" in shown
    assert screen in shown
    record = Import.objects.create(kind="csv", source="x", started_by=cast.olga)
    import_run("csv", file, user=cast.olga, record=record)
    assert (
        "1 person asked to be erased" in client.get(reverse("import_one", args=[record.pk])).content.decode()
    )
    assert agent.get(screen).status_code == 403
    assert "1 address is kept out" in client.get(screen).content.decode()
    for given, words in (
        ({"address": ADA}, "Say why"),
        ({"address": "x@y.z", "reason": "x"}, "Nobody with this address"),
    ):
        answer = client.post(screen, given)
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
    answer = client.post(screen, {"address": ADA, "reason": "She asked us to"})
    assert "may bring this address back now" in answer.content.decode()
    assert not ErasedAddress.objects.filter(lifted_at=None).exists()


def test_a_file_that_waits_to_be_imported_goes_with_whom_it_names(cast: Cast, tmp_path: Path) -> None:
    ada = ada_of(cast)
    for name, text in (("hers.csv", CARDS), ("his.csv", "Name,Email\nBob,bob@x.example\n")):
        (tmp_path / name).write_text(text)
        with (tmp_path / name).open("rb") as source:
            import_check(import_upload(name=name, file=source, user=cast.olga))
    erase(ada, cast)
    hers, his = Import.objects.order_by("created_at")
    assert (hers.state, hers.file) == ("failed", "")
    assert "Upload it again" in hers.error
    assert his.state == "checked"
    assert his.file


def test_an_erasure_that_takes_the_backups_along(cast: Cast) -> None:
    making.make(nightly.new_path("kith-nightly-"))
    request = erase(ada_of(cast), cast, and_backups=True)
    assert PersonRequest.objects.get(pk=request.pk).and_backups
    backups_renew_run(request_id=str(request.pk))
    assert len(nightly.all_files()) == 1
    assert not PersonRequest.objects.get(pk=request.pk).and_backups
    assert AuditEvent.objects.get(action="backups_renewed").details == {"count": 1}
