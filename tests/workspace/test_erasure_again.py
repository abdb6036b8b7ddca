"""Who was erased stays erased: after a restore, through an import, and by mail from before; who writes anew is received."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from kith.base.clock import now
from kith.channels.apply import Understood, events_apply
from kith.channels.erased import kept_out
from kith.channels.models import Delivery, RawItem
from kith.channels.restored import NOBODY
from kith.connectors.contract import MessageReceived, Party
from kith.contacts.models import Contact, ErasedAddress, Identity
from kith.contacts.services import (
    ErasedError,
    contact_create,
    contact_for_identity,
    erased_lift,
    identities_observe,
)
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Message
from kith.core import erasures
from kith.core.models import AuditEvent
from kith.teams.errors import NotAllowed
from kith.trust.models import Decision, Suppression, Touch
from kith.trust.services import suppression_hash
from kith.workspace import erasure, erasure_again
from kith.workspace.erasure import erasure_ask, erasure_run
from kith.workspace.erasure_again import BEGUN, BROKEN_OFF, erasures_apply, journal_fill, journal_state
from kith.workspace.imports import import_run
from kith.workspace.models import PersonRequest
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db
ADA = "ada@outside.example"
quiet: list[str] = []


@pytest.fixture(autouse=True)
def no_journal() -> Iterator[None]:
    erasures.path().unlink(missing_ok=True)
    yield
    erasures.path().unlink(missing_ok=True)


def ada_of(cast: Cast) -> Contact:
    with transaction.atomic():
        cast.mail(cast.sales_scope, sender=ADA)
        return contact_for_identity(identity=Identity.objects.get(external_id=ADA))


def erase(contact: Contact, cast: Cast, **rest: Any) -> PersonRequest:
    request = erasure_ask(contact_id=contact.pk, user=cast.olga, **rest)
    erasure_run(request)
    return request


def restore(*, contact: uuid.UUID, identity: uuid.UUID, request: PersonRequest, cast: Cast) -> None:
    """As a backup from before the erasure would: their rows are there, and nothing that the erasure left."""
    PersonRequest.objects.filter(pk=request.pk).delete()
    ErasedAddress.objects.all().delete()
    Suppression.objects.all().delete()
    Identity.objects.filter(external_id__startswith="erased:").delete()
    Contact.objects.filter(deleted_at__isnull=False).delete()
    Contact.objects.create(id=contact, canonical_id=contact, name="Ada Lovelace")
    Identity.objects.create(id=identity, network="email", external_id=ADA, handle=ADA, contact_id=contact)
    before = now() - timedelta(days=30)
    Identity.objects.filter(pk=identity).update(created_at=before)
    Contact.objects.filter(pk=contact).update(created_at=before)
    cast.mail(cast.sales_scope, sender=ADA, text="From the backup")


def waiting_for(
    cast: Cast, *, identity: uuid.UUID, other: bool, state: str = "queued", claimed_by: str = ""
) -> Message:
    """An answer of ours that has not left."""
    message = Message.objects.create(
        network="email", external_id=f"pending:{uuid.uuid4()}", content_hash=str(uuid.uuid4()), direction="out",
        state="queued", at=now(), received_at=now(), text="Soon", author=cast.carl,
    )  # fmt: skip
    message.participants.create(identity_id=identity, role="to", at=now())
    if other:
        bob = identities_observe([ObservedIdentity("email", "bob@outside.example")])
        message.participants.create(identity_id=next(iter(bob.values())).id, role="cc", at=now())
    touch = Touch.objects.create(
        identity_id=identity,
        kind="reply",
        channel="email",
        state="allowed",
        planned_for=now(),
        subject_id=message.pk,
    )
    decision = Decision.objects.create(touch=touch, outcome="allow", rule="answer", sentence="")
    Delivery.objects.create(
        message=message, channel_account=cast.accounts["sales"], decision=decision, idempotency_key=uuid.uuid4(),
        state=state, claimed_by=claimed_by, not_before=now(),
    )  # fmt: skip
    return message


def test_the_journal_says_who_without_saying_it(cast: Cast) -> None:
    ada = ada_of(cast)
    identity = Identity.objects.get(external_id=ADA)
    request = erase(ada, cast, never_again=True)
    (entry,) = erasures.read().entries
    assert (entry.id, entry.contacts, entry.identities) == (request.pk, {ada.pk}, {identity.pk})
    assert entry.never == {suppression_hash("email", ADA)}
    assert len(entry.addresses) == 1
    assert not entry.addresses & entry.never  # each purpose has its own hash
    text = erasures.path().read_text().lower()
    assert "lovelace" not in text
    assert "outside.example" not in text


def test_it_is_in_the_journal_before_anything_goes(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = ada_of(cast)
    request = erasure_ask(contact_id=ada.pk, user=cast.olga)

    def full(_entries: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(erasure.erasures, "add", full)
    with pytest.raises(OSError, match="No space"):
        erasure_run(request)
    assert Message.objects.filter(sender__external_id=ADA).exists()
    assert Contact.objects.get(pk=ada.pk).deleted_at is None


@pytest.mark.parametrize("same_ids", [True, False])
def test_after_a_restore_they_are_erased_again(same_ids: bool, cast: Cast) -> None:
    ada = ada_of(cast)
    identity = Identity.objects.get(external_id=ADA)
    request = erase(ada, cast, never_again=True)
    contact_id, identity_id = (ada.pk, identity.pk) if same_ids else (uuid.uuid4(), uuid.uuid4())
    restore(contact=contact_id, identity=identity_id, request=request, cast=cast)
    alone = waiting_for(cast, identity=identity_id, other=False)
    both = waiting_for(cast, identity=identity_id, other=True, state="claimed", claimed_by=NOBODY)
    bob = waiting_for(cast, identity=_bob(), other=False)
    assert journal_state().due == 1
    told: list[str] = []
    assert erasures_apply(told.append) == 1
    assert len(told) == 2
    assert not Identity.objects.filter(external_id=ADA).exists()
    assert Contact.objects.get(pk=contact_id).deleted_at is not None
    assert not Message.objects.filter(text="From the backup").exists()
    assert not Message.objects.filter(pk=alone.pk).exists()
    assert Delivery.objects.get(message=both).state == "cancelled"
    assert Message.objects.get(pk=both.pk).state == "cancelled"
    assert Delivery.objects.get(message=bob).state == "queued"
    assert Suppression.objects.filter(key_hash=suppression_hash("email", ADA)).exists()
    again = PersonRequest.objects.get(pk=request.pk)
    assert (again.state, again.again_at is not None) == ("done", True)
    assert AuditEvent.objects.filter(action="person_erased_again").exists()
    assert erasures_apply(told.append) == 0
    assert journal_state().due == 0
    assert len(erasures.read().entries) == 1


def _bob() -> uuid.UUID:
    bob = identities_observe([ObservedIdentity("email", "bob@outside.example")])
    return next(iter(bob.values())).id


def test_nothing_goes_out_before_the_first_is_erased(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people; the erasure of the first breaks off: what waits for the second was taken back already."""
    ada = ada_of(cast)
    identity = Identity.objects.get(external_id=ADA).pk
    first = erase(contact_create(name="Nobody"), cast)
    request = erase(ada, cast)
    restore(contact=ada.pk, identity=identity, request=request, cast=cast)
    PersonRequest.objects.filter(pk=first.pk).delete()
    message = waiting_for(cast, identity=identity, other=True)

    def dies(*_rest: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(erasure_again, "person_erase", dies)
        with pytest.raises(RuntimeError):
            erasures_apply(quiet.append)
    assert Delivery.objects.get(message=message).state == "cancelled"
    assert erasures_apply(quiet.append, BEGUN) == 1


def test_who_came_anew_is_left_alone(cast: Cast) -> None:
    ada = ada_of(cast)
    request = erase(ada, cast, never_again=False)
    cast.mail(cast.sales_scope, sender=ADA, text="Me again")
    Identity.objects.filter(external_id=ADA).update(created_at=now())  # (the test is one transaction)
    new = contact_for_identity(identity=Identity.objects.get(external_id=ADA))
    PersonRequest.objects.filter(
        pk=request.pk
    ).delete()  # the erasure itself was lost, by a backup from after
    erasures_apply(quiet.append)
    assert Contact.objects.get(pk=new.pk).deleted_at is None
    assert Message.objects.filter(text="Me again").exists()


def test_a_person_who_has_an_address_that_nobody_asked_to_erase_keeps_their_page(cast: Cast) -> None:
    ada = ada_of(cast)
    request = erase(ada, cast)
    contact_id, identity_id = uuid.uuid4(), uuid.uuid4()
    restore(contact=contact_id, identity=identity_id, request=request, cast=cast)
    Identity.objects.create(network="email", external_id="else@outside.example", contact_id=contact_id)
    erasures_apply(quiet.append)
    assert not Identity.objects.filter(external_id=ADA).exists()
    assert Contact.objects.get(pk=contact_id).deleted_at is None


def test_hashes_mean_nothing_in_another_database(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = ada_of(cast)
    request = erase(ada, cast)
    restore(contact=uuid.uuid4(), identity=uuid.uuid4(), request=request, cast=cast)
    monkeypatch.setattr(erasures, "house_mark", lambda: "another")
    assert erasures_apply(quiet.append) == 0
    assert Identity.objects.filter(external_id=ADA).exists()


def test_what_another_machine_erased_is_taken_into_this_journal(cast: Cast) -> None:
    request = erase(ada_of(cast), cast)
    erasures.path().unlink()
    assert journal_state().missing == 1
    assert journal_fill() == 1
    assert journal_state().missing == 0
    assert erasures.read().of(request.pk) is not None


def test_what_is_under_way_or_broke_off_is_said(cast: Cast) -> None:
    request = erase(ada_of(cast), cast)
    for state, due, under_way in (("running", 0, 1), ("failed", 1, 0)):
        PersonRequest.objects.filter(pk=request.pk).update(state=state)
        assert (journal_state().due, journal_state().under_way) == (due, under_way)
    assert erasures_apply(quiet.append) == 0
    assert PersonRequest.objects.get(pk=request.pk).state == "failed"
    erasures_apply(quiet.append, BROKEN_OFF)
    assert PersonRequest.objects.get(pk=request.pk).state == "done"


CARDS = "Name,Email,Phone\nAda Lovelace,ADA@outside.example,\nCarl,carl@x.example,+44 20 7946 0000\n"


def test_an_import_of_people_leaves_them_out_and_says_so(cast: Cast, tmp_path: Path) -> None:
    erase(ada_of(cast), cast)
    file = tmp_path / "people.csv"
    file.write_text(CARDS)
    for dry_run in (True, False):
        result = import_run("csv", file, dry_run=dry_run, user=cast.olga)
        assert (result.read, result.visible, result.erased) == (2, 1, 1)
        assert "Ada" not in str(result.examples)
    assert not Identity.objects.filter(external_id=ADA).exists()
    assert erased_lift(address=f" {ADA.upper()} ", reason="She asked us to", user=cast.olga) == 1
    result = import_run("csv", file, user=cast.olga)
    assert (result.visible, result.erased) == (2, 0)
    assert Identity.objects.filter(external_id=ADA).exists()
    lifted = AuditEvent.objects.get(action="erased_lifted")
    assert lifted.details == {"reason": "She asked us to", "count": 1}


def test_an_erased_address_is_lifted_by_an_administrator_with_a_reason(cast: Cast) -> None:
    erase(ada_of(cast), cast)
    with pytest.raises(NotAllowed):
        erased_lift(address=ADA, reason="x", user=cast.carl)
    with pytest.raises(ErasedError, match="Say why"):
        erased_lift(address=ADA, reason=" ", user=cast.olga)
    with pytest.raises(ErasedError, match="Nobody with this address"):
        erased_lift(address="bob@outside.example", reason="x", user=cast.olga)
    assert ErasedAddress.objects.filter(lifted_at=None).count() == 1


def mail(sender: str, subject: str, cc: str = "") -> str:
    more = f"Cc: {cc}\n" if cc else ""
    return (
        f"From MAILER Thu Jan  1 00:00:00 2026\nFrom: {sender}\nTo: us@us.example\n{more}Subject: {subject}\n"
        f"Date: Thu, 1 Jan 2026 10:00:00 +0000\nMessage-ID: <{subject}@x.example>\n\nHello {subject}\n\n"
    )


def test_an_import_of_mail_leaves_them_out_and_says_so(cast: Cast, tmp_path: Path) -> None:
    erase(ada_of(cast), cast)
    file = tmp_path / "old.mbox"
    file.write_text(
        mail(f"Ada <{ADA}>", "hers")
        + mail("Bob <bob@x.example>", "his")
        + mail("Bob <bob@x.example>", "both", cc=ADA)
    )
    for dry_run in (True, False):
        result = import_run("mbox", file, dry_run=dry_run)
        assert (result.read, result.visible, result.erased) == (3, 2, 1)
    assert set(Message.objects.filter(direction="in").values_list("subject", flat=True)) == {"his", "both"}
    assert not Identity.objects.filter(external_id=ADA).exists()
    assert not [r for r in RawItem.objects.exclude(body=None) if ADA.encode() in bytes(r.body)]
    again = import_run("mbox", file)
    assert (again.visible, again.erased, again.skipped) == (0, 1, 2)
    erased_lift(address=ADA, reason="She came back", user=cast.olga)
    assert import_run("mbox", file).erased == 0
    assert Message.objects.filter(subject="hers").exists()


def arrives(cast: Cast, *, written: Any, came: Any = None, sender: str = ADA, to: str = "") -> bool:
    """Whether a mail in the mailbox of sales is taken in."""
    account = cast.accounts["sales"]
    key = uuid.uuid4().hex
    raw = RawItem.objects.create(
        channel_account=account,
        external_id=key,
        digest=key * 2,
        size=4,
        body=b"From",
        at=came,
        meta={"folder": "INBOX"},
    )
    parties = (Party(sender, handle=sender), Party("sales@us.example", role="to", is_us=True))
    if to:
        parties = (Party("sales@us.example", is_us=True), Party(to, role="to"))
    event = MessageReceived(f"<{key}@x>", written, parties, "Hello", outgoing=bool(to))
    events_apply(account, [Understood(raw, [event])])
    taken = Message.objects.filter(external_id=f"<{key}@x>").exists()
    raw.refresh_from_db()
    assert (raw.body is None) is not taken
    return taken


def test_old_mail_of_a_mailbox_does_not_bring_them_back_and_new_mail_is_received(cast: Cast) -> None:
    erase(ada_of(cast), cast)
    account = cast.accounts["sales"]
    account.history_until = now()
    account.save()
    day, old = timedelta(days=1), NOON.replace(year=2020)
    assert not arrives(cast, written=old)
    assert not arrives(cast, written=old, came=old)
    assert not arrives(cast, written=old, to=ADA, sender="")
    assert arrives(cast, written=old, sender="bob@outside.example")
    assert kept_out(account) == 3
    # What was on its way, what a wrong clock dates back, and what is written anew.
    assert arrives(cast, written=old, came=now())
    ErasedAddress.objects.update(erased_at=now() - 9 * day)
    account.history_until = now() - 30 * day
    account.save()
    assert arrives(cast, written=now() - 3 * day, came=now() - 3 * day)
    assert not arrives(cast, written=now() - 10 * day, came=now() - 10 * day)  # the mailbox was numbered anew
    assert kept_out(account) == 4


def test_a_machine_joins_a_journal_of_before(cast: Cast) -> None:
    """An erasure that went on after a crash has taken an address more; both lines count."""
    ada = ada_of(cast)
    request = erasure_ask(contact_id=ada.pk, user=cast.olga)
    erasures.add([replace(erasure._entry(request, erasure.person_of(ada.pk)), identities=frozenset())])
    erasure_run(request)
    (entry,) = erasures.read().entries
    assert len(entry.identities) == 1
