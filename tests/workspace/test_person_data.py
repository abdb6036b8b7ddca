"""Everything about one person leaves in a zip, for those who may see it; and goes, so that nothing says who they were."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from PIL import Image

from kith.base.clock import now
from kith.campaigns.models import Mailing, Recipient
from kith.channels.models import Delivery, RawItem
from kith.contacts.models import Contact, Identity, Relationship, Tag
from kith.contacts.services import (
    affiliation_record,
    contact_create,
    contact_for_identity,
    contact_merge,
    contacts_tag,
    contacts_untag,
    fact_record,
    identity_block,
    organization_get_or_create,
)
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import (
    Attachment,
    Conversation,
    ConversationLogEntry,
    ConversationTag,
    Draft,
    Message,
    Post,
    Presence,
    Reaction,
    SearchDocument,
    Seen,
)
from kith.conversations.services.actions import conversations_close, note_add
from kith.conversations.types import IncomingParticipant
from kith.core import audit, blobs, company, events
from kith.core.models import AuditEvent
from kith.core.registry import kept
from kith.listening.models import Mention, Monitor
from kith.teams.models import ApiToken, Notification
from kith.trust.models import (
    Consent,
    Decision,
    Invitation,
    Objection,
    Preference,
    Situation,
    Suppression,
    Touch,
    Visit,
    VisitCode,
    VisitIdentity,
)
from kith.understanding.models import Check, Correction
from kith.understanding.services import check_record, messages_annotate
from kith.work import services as work
from kith.workspace.erasure import erasure_ask, erasure_run
from kith.workspace.export import export_ask, export_run, exports_sweep
from kith.workspace.models import Import, ImportedRow, LegalHold, PersonRequest
from kith.workspace.person_data import OPEN, SCOPED
from tests.support.cast import NOON, Cast
from tests.support.reader import Aspect, Reader

pytestmark = pytest.mark.django_db
CANARY = "quetzalcoatlus"


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (7, 5), "teal").save(out, "PNG")
    return out.getvalue() + CANARY.encode()


@pytest.fixture
def bird(cast: Cast) -> Contact:
    """Somebody who is found everywhere: a row with the canary in every model that can reach a person."""
    return plant(cast)


def plant(cast: Cast) -> Contact:
    carl = cast.viewer(cast.carl)
    one = cast.mail(
        cast.sales_scope,
        sender=f"{CANARY}@birds.example",
        name=f"Ms {CANARY}",
        text=f"I am {CANARY}",
        html=f"<p>{CANARY}</p>",
        subject=f"About {CANARY}",
        external_id=f"<{CANARY}@birds.example>",
    )
    identity = Identity.objects.get(external_id=f"{CANARY}@birds.example")
    contact = contact_for_identity(identity=identity)
    identity.handles.create(handle=f"{CANARY}-old", display_name=CANARY, seen_from=NOON)
    Identity.objects.filter(pk=identity.pk).update(
        bio=CANARY, profile_url=f"https://x.example/{CANARY}", avatar=blobs.put(_picture() + b"1")[0],
        avatar_url=f"https://x.example/{CANARY}.png", flags=[CANARY],
    )  # fmt: skip
    for attribute in ("name", "given_name", "family_name", "preferred_name", "city", "time_zone", "custom.x"):
        fact_record(contact_id=contact.pk, attribute=attribute, value=CANARY, source="told_us", quote=CANARY)
    other = contact_create(name=f"Also {CANARY}", city=CANARY)
    tag = Tag.objects.create(name="birds")
    contacts_tag(contact_ids=[contact.pk, other.pk], tag=tag)
    contact_merge(survivor=contact, loser=other, reason=CANARY)
    contacts_untag(contact_ids=[contact.pk], tag=tag)
    contacts_tag(contact_ids=[contact.pk], tag=tag)
    affiliation_record(
        contact_id=contact.pk, organization=organization_get_or_create(name="Birds Ltd"), role=CANARY
    )
    friend = contact_create(name="A friend")
    Relationship.objects.create(contact=contact, other=friend, kind=CANARY)
    work.task_create(carl, title=CANARY, details=CANARY, contact_id=contact.pk)
    work.note_write(
        carl, contact_id=contact.pk, kind="letter", text=CANARY, photo=_picture(), photo_type="image/png"
    )
    work.promise_make(carl, contact_id=contact.pk, what=CANARY, quote=CANARY, condition=CANARY)
    raw = RawItem.objects.create(
        channel_account=cast.accounts["sales"], external_id="uid:7", digest="0" * 64, size=9,
        body=f"From: {CANARY}".encode(), meta={"from": CANARY}, state="done",
    )  # fmt: skip
    LegalHold.objects.create(
        contact=contact, reason=f"About {CANARY}", lifted_at=now(), lifted_reason=f"{CANARY} settled"
    )
    digest = blobs.put(f"a file of {CANARY}".encode())[0]
    Message.objects.filter(pk=one.message_id).update(raw_id=raw.pk)
    Attachment.objects.create(
        message_id=one.message_id, digest=digest, file_name=f"{CANARY}.txt", content_type="text/plain", size=3
    )
    Reaction.objects.create(message_id=one.message_id, identity=identity, reaction=CANARY)
    aspect = Reader(**{CANARY: {"aspects": (Aspect(CANARY, "negative"),)}})
    messages_annotate([one.message_id], annotator=aspect)
    check_record(cast.viewer(cast.carl), one.message_id, outcome="wrong", values={"sentiment": "positive"})
    Correction.objects.update(before=CANARY)
    Check.objects.update(model=CANARY)
    note_add(cast.viewer(cast.carl), one.conversation_id, text=f"@Olga look at {CANARY}")
    conversations_close(cast.viewer(cast.carl), [one.conversation_id])
    ConversationLogEntry.objects.filter(conversation_id=one.conversation_id).update(details={"to": CANARY})
    post = Post.objects.create(
        network="email", external_id=f"post-{CANARY}", text=CANARY, author=identity, author_external_id=identity.external_id,
        author_handle=CANARY, author_name=CANARY, place=CANARY, url=f"https://x.example/{CANARY}", raw=CANARY.encode(),
        published_at=NOON,
    )  # fmt: skip
    heard = Monitor.objects.create(name="birds", query="birds", scope=cast.sales_scope, version=1)
    Mention.objects.create(monitor=heard, post=post, published_at=NOON, network="email")
    ConversationTag.objects.create(conversation_id=one.conversation_id, tag=tag)
    Draft.objects.create(user=cast.carl, conversation_id=one.conversation_id, body=CANARY)
    Draft.objects.create(user=cast.olga, body=CANARY, recipients={"to": [f"{CANARY}@birds.example"]})
    Presence.objects.create(user=cast.carl, conversation_id=one.conversation_id, seen_at=now())
    Seen.objects.create(user=cast.carl, conversation_id=one.conversation_id, at=now())
    answer = Message.objects.create(
        network="email", external_id=f"<re-{CANARY}@us.example>", content_hash="x", direction="out", state="sent",
        at=now(), received_at=now(), text=f"Dear {CANARY}", author=cast.carl,
    )  # fmt: skip
    answer.participants.create(identity=identity, role="to", display_name=CANARY, at=answer.at)
    thread = Conversation.objects.get(pk=one.conversation_id).threads.get()
    answer.copies.create(thread=thread, scope=thread.scope, at=answer.at)
    SearchDocument.objects.update_or_create(
        message=answer, defaults={"at": answer.at, "vector": "", "cjk": CANARY}
    )
    touch = Touch.objects.create(
        identity=identity, contact=contact, kind="reply", channel="email", state="made", planned_for=now(),
        subject_id=answer.pk,
    )  # fmt: skip
    decision = Decision.objects.create(
        touch=touch, outcome="allow", rule="answer", sentence=f"{CANARY} waits", facts={"who": CANARY}, values={"who": CANARY},
        override_reason=CANARY,
    )  # fmt: skip
    Delivery.objects.create(
        message=answer, thread=thread, channel_account=cast.accounts["sales"], decision=decision,
        idempotency_key=uuid.uuid4(), outgoing={"to": CANARY}, state="sent", not_before=now(), error=CANARY,
    )  # fmt: skip
    Touch.objects.filter(identity=identity).update(title=CANARY, name_used=CANARY, based_on=[CANARY])
    mailing = Mailing.objects.create(title="Spring", purpose="news", account=cast.accounts["sales"])
    Recipient.objects.create(
        mailing=mailing, contact=contact, identity=identity, name=CANARY, outcome="hold", rule="name",
        values={"name": CANARY},
    )  # fmt: skip
    Objection.objects.create(identity=identity, purpose="offers", proof={"ip": CANARY}, made_at=NOON)
    Preference.objects.create(identity=identity, per_month=2, paused_until=NOON)
    VisitCode.objects.create(identity=identity, key_hash="k", code_hash="c", expires_at=NOON)
    VisitIdentity.objects.create(identity=identity, visit=Visit.objects.create(key_hash="v", expires_at=NOON))
    Invitation.objects.create(identity=identity, quote=f"call me, {CANARY}", ends_at=NOON)
    Consent.objects.create(
        identity=identity,
        purpose="news",
        channel="email",
        status="given",
        proof={"ip": CANARY},
        given_at=now(),
    )
    Situation.objects.update_or_create(identity=identity, defaults={"last_inbound_at": now()})
    ChatVisitor = apps.get_model("channels", "ChatVisitor")
    ChatVisitor.objects.create(
        channel_account=cast.accounts["sales"], key_hash="k", identity=identity, typed_name=CANARY,
        typed_email=CANARY, last_seen_at=now(), page_url=f"https://x.example/{CANARY}",
    )  # fmt: skip
    # In what somebody else wrote, and to several: that stays, without this person in it.
    both = cast.mail(
        cast.sales_scope,
        sender="bob@outside.example",
        name="Bob",
        text="To both",
        participants=(
            IncomingParticipant(ObservedIdentity("email", "bob@outside.example", handle="bob@outside.example"), "from"),
            IncomingParticipant(
                ObservedIdentity("email", f"{CANARY}@birds.example", display_name=f"Ms {CANARY}"), "cc"
            ),
        ),
    )  # fmt: skip
    copy = RawItem.objects.create(
        channel_account=cast.accounts["sales"], external_id="uid:8", digest="1" * 64, size=9,
        body=f"Cc: {CANARY}".encode(), state="done",
    )  # fmt: skip
    Message.objects.filter(pk=both.message_id).update(raw_id=copy.pk)
    # Outside of the registry.
    audit.record("looked_at", "contact", contact.pk, name=CANARY)
    Notification.objects.create(
        user=cast.carl, kind="task", title=f"Call {CANARY}", body=CANARY, path=f"/people/{contact.pk}/"
    )
    imported = Import.objects.create(kind="csv", source="people.csv", examples=[{"name": CANARY}])
    ImportedRow.objects.create(batch=imported, kind="contact", object_id=contact.pk)
    events.record("contact_changed", [contact.pk])
    token = ApiToken.objects.create(user=cast.carl, name="t", token_hash="h", hint="k")
    apps.get_model("api", "IdempotentAnswer").objects.create(
        token=token, key="1", fingerprint="f", status=201, body=json.dumps({"name": f"Ms {CANARY}"})
    )
    identity_block(identity_id=identity.pk, user=cast.carl)
    return contact


def _text_of_the_database() -> Iterator[tuple[str, str]]:
    """Every table as COPY writes it: what a dump of the database holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        for table in tables:
            with cursor.copy(f'COPY (SELECT * FROM "{table}") TO STDOUT') as copy:
                yield table, b"".join(bytes(part) for part in copy).decode("utf-8", "replace")


def _found(word: str = CANARY) -> set[str]:
    """Tables and blobs in which the canary is; bytes stand in hexadecimal in a dump."""
    hexadecimal = word.encode().hex()
    found = {
        table
        for table, text in _text_of_the_database()
        if word in text.lower() or hexadecimal in text.lower()
    }
    return found | {f"blob {d}" for d in blobs.all_digests() if word.encode() in blobs.read(d)}


def test_the_canary_sits_in_every_model_that_can_reach_a_person(bird: Contact, cast: Cast) -> None:
    """So that the next test proves something: every registered model has a row of this person."""
    from kith.workspace.person_data import person_of, rows_of

    person = person_of(bird.pk)
    empty = [label for label, row in kept().items() if not rows_of(person, row).exists()]
    assert empty == []
    wanted = {
        row.model._meta.db_table
        for row in kept().values()
        if any(isinstance(f, (models.CharField, models.TextField, models.JSONField))
               for f in row.model._meta.concrete_fields)
    }  # fmt: skip
    without_words = {
        "listening_mention",
        "conversations_conversation", "conversations_messagecopy", "conversations_draft", "channels_delivery",
        "conversations_threadkey", "conversations_participant", "trust_situation", "conversations_thread",
        "contacts_merge", "contacts_identitylink", "trust_visitcode",
    }  # fmt: skip
    assert wanted - without_words <= _found()


def test_an_erasure_leaves_no_canary_anywhere(
    bird: Contact, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(_found()) > 30
    request = erasure_ask(contact_id=bird.pk, user=cast.olga, never_again=True)
    assert request.state == "waiting"
    with caplog.at_level(0):
        erasure_run(request)
    assert _found() == set()
    assert CANARY not in caplog.text
    request.refresh_from_db()
    assert (request.state, request.done) == ("done", request.total)
    assert request.report["rows"]["conversations.Message"] == 3
    assert Contact.objects.get(pk=bird.pk).deleted_at is not None
    both = Message.objects.get(text="To both")
    assert both.sender is not None
    assert [p.identity.external_id for p in both.participants.select_related("identity")] == [
        "bob@outside.example"
    ]
    assert Suppression.objects.filter(reason="erased").count() == 1
    assert AuditEvent.objects.filter(action="person_erased", subject_id=bird.pk).exists()
    assert AuditEvent.objects.filter(action="looked_at", subject_id=bird.pk, details={}).exists()


def test_an_erasure_goes_on_where_it_was_interrupted(
    bird: Contact, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kith.workspace import erasure

    request = erasure_ask(contact_id=bird.pk, user=cast.olga)
    real = erasure._erase_person

    def dies(*rest: Any) -> Any:
        raise RuntimeError("the worker was killed")

    monkeypatch.setattr(erasure, "_erase_person", dies)
    with pytest.raises(RuntimeError):
        erasure_run(request)
    monkeypatch.setattr(erasure, "_erase_person", real)
    erasure_run(PersonRequest.objects.get(pk=request.pk))
    assert _found() == set()
    assert PersonRequest.objects.get(pk=request.pk).report["rows"]["conversations.Message"] == 3


def _exported(contact: Contact, user: Any) -> tuple[dict[str, Any], zipfile.ZipFile]:
    request = export_ask(contact_id=contact.pk, user=user)
    export_run(request)
    request.refresh_from_db()
    archive = zipfile.ZipFile(io.BytesIO(blobs.read(request.digest)))
    parts = {n: json.loads(archive.read(n)) for n in archive.namelist() if n.endswith(".json")}
    return parts, archive


def test_an_export_holds_everything_as_json_and_files(bird: Contact, cast: Cast) -> None:
    parts, archive = _exported(bird, cast.carl)
    for label, row in kept().items():
        if row.export:
            assert parts[f"{label}.json"], label
            assert set(row.export) <= set(parts[f"{label}.json"][0]), label
    assert {m["text"] for m in parts["conversations.Message.json"]} >= {
        f"I am {CANARY}",
        f"Dear {CANARY}",
        "To both",
    }
    assert parts["contacts.Affiliation.json"][0]["organization"] == "Birds Ltd"
    files = [archive.read(n) for n in archive.namelist() if n.startswith("files/")]
    assert f"a file of {CANARY}".encode() in files
    assert len(files) == 3
    assert "Not exported" in archive.read("README.txt").decode()


def test_an_export_shows_nothing_that_its_asker_may_not_see(bird: Contact, cast: Cast) -> None:
    work.note_write(
        cast.viewer(cast.carl), contact_id=bird.pk, text="for sales", scope_id=cast.sales_scope.pk
    )
    parts, archive = _exported(bird, cast.ines)
    assert parts["conversations.Message.json"] == []
    assert "for sales" not in {n["text"] for n in parts["work.Note.json"]}
    assert not [n for n in archive.namelist() if n.startswith("files/") and n.endswith(".txt")]
    said = archive.read("README.txt").decode()
    assert "Left out" in said
    assert "conversations.Message: 3" in said


def test_an_export_shows_the_touches_whose_subject_its_asker_sees(bird: Contact, cast: Cast) -> None:
    """Held by the gate, a mailing's touch has no message; a call has a note; who sees neither learns of neither."""
    identity = Identity.objects.filter(contact=bird).first()
    shared = next(a for a in cast.accounts.values() if a.scope_id == cast.everyone.pk)
    private = next(a for a in cast.accounts.values() if a.scope_id == cast.private.pk)
    subjects: dict[str, dict[str, Any]] = {"a code": {}}
    for title, account in (("to all", shared), ("of Carl's", private)):
        mailing = Mailing.objects.create(title=title, purpose="news", account=account)
        subjects[title] = {"mailing_id": mailing.pk}
    for title, scope in (("an open call", None), ("a call of sales", cast.sales_scope.pk)):
        note = work.note_write(cast.viewer(cast.carl), contact_id=bird.pk, text=title, scope_id=scope)
        subjects[title] = {"subject_id": note.pk}
    for title, rest in subjects.items():
        touch = Touch.objects.create(
            identity=identity,
            kind="campaign",
            channel="email",
            state="held",
            planned_for=now(),
            title=title,
            **rest,
        )
        Decision.objects.create(touch=touch, outcome="hold", rule="pace", sentence=title)
    everything = set(subjects)
    for user, seen in ((cast.carl, everything), (cast.ines, everything - {"of Carl's", "a call of sales"})):
        parts, _archive = _exported(bird, user)
        assert {row["title"] for row in parts["trust.Touch.json"]} & everything == seen
        assert {row["sentence"] for row in parts["trust.Decision.json"]} & everything == seen


def test_only_who_asked_for_an_export_gets_it(bird: Contact, cast: Cast) -> None:
    from django.test import Client
    from django.urls import reverse

    company.set_value("name", "Bicycles Ltd")
    cast.ines.role = "admin"
    cast.ines.save()
    request = export_ask(contact_id=bird.pk, user=cast.olga)
    export_run(request)
    for user, code in ((cast.olga, 200), (cast.ines, 404), (cast.carl, 403)):
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        assert client.get(reverse("person_download", args=[request.pk])).status_code == code


def test_every_exported_model_says_who_may_see_its_rows() -> None:
    exported = {label for label, row in kept().items() if row.export}
    assert exported == OPEN | set(SCOPED)


def test_exports_go_after_a_week(bird: Contact, cast: Cast) -> None:
    request = export_ask(contact_id=bird.pk, user=cast.carl)
    export_run(request)
    assert exports_sweep() == 0
    PersonRequest.objects.update(finished_at=now() - timedelta(days=8))
    digest = PersonRequest.objects.get().digest
    assert exports_sweep() == 1
    assert not blobs.exists(digest)


@pytest.mark.django_db(transaction=True)
def test_after_a_commit_no_table_and_no_file_has_the_canary(cast: Cast, kith_home: Path) -> None:
    """The same in rows that were committed, with all of Kith's home beside them (the server's own files excepted)."""
    for digest in list(blobs.all_digests()):  # left by tests whose rows were rolled back
        blobs.remove(digest)
    with transaction.atomic():
        contact = plant(cast)
    assert any(name.startswith("blob ") for name in _found())
    erasure_run(erasure_ask(contact_id=contact.pk, user=cast.olga))
    assert _found() == set()
    for path in kith_home.rglob("*"):
        if path.is_file() and "postgres" not in path.parts:
            assert CANARY.encode() not in path.read_bytes(), path
