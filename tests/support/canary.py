"""Somebody with a canary of its own in every field that can hold one, and where those canaries are found.

Fields are found by walking the models that the registry names, so that a new one is covered by itself.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.cache import cache
from django.db import connection, models

from kith.base.clock import now
from kith.campaigns.models import Mailing
from kith.channels.models import RawItem, WebhookDelivery, WebhookSubscription
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_create
from kith.conversations.models import Draft, Message
from kith.conversations.services.refresh import search_documents_write
from kith.core import audit, blobs
from kith.core.jobs import defer
from kith.core.models import EventDelivery, LooseBlob
from kith.core.registry import blob_columns, kept
from kith.engagement.models import AssignmentRule, SavedView
from kith.listening.models import Monitor, Search
from kith.listening.services.monitors import version_next
from kith.networks.models import ChannelHealth
from kith.teams.models import ApiToken, Notification, SystemMail
from kith.work.models import Task
from kith.workspace.erasure import _messages
from kith.workspace.erasure_traces import words_of
from kith.workspace.export import export_ask, export_run
from kith.workspace.imports.screen import import_upload
from kith.workspace.jobs import person_request_run
from kith.workspace.models import Import
from kith.workspace.person_data import Person, person_of, rows_of

CANARY = re.compile(rb"zq\d{5}qz")
SHORTEST = len("zq00001qz")

# What an erasure leaves on purpose, by model and field, with the reason. Whoever adds a line says why it names nobody.
STAYS = {
    ("contacts.Identity", "network"): "the name of a network",
    ("contacts.Identity", "realm"): "the name of a server that many people share",
    ("contacts.ErasedAddress", "key_hash"): "a keyed hash",
    ("trust.Suppression", "key_hash"): "a keyed hash",
    ("trust.Touch", "kind"): "what the touch was, without whom: the ledger goes on counting it",
    ("trust.Touch", "channel"): "the same",
    ("trust.Touch", "purpose"): "the same: a word of the policy",
    ("trust.Touch", "actor"): "the same",
    ("trust.Decision", "rule"): "the id of a rule",
}
# Their rows are planted below rather than by the walk, or hold no words of people at all.
BESIDE = {
    "core.AuditEvent", "core.EventDelivery", "core.LooseBlob", "teams.Notification", "teams.SystemMail", "workspace.Import",
    "workspace.ImportedRow", "workspace.PersonRequest", "api.IdempotentAnswer", "channels.RawItem", "channels.WebhookDelivery",
    "channels.WebhookSubscription", "networks.ChannelHealth", "engagement.SavedView", "engagement.AssignmentRule",
    "contacts.NameWord", "sessions.Session", "workspace.OwnExport", "campaigns.Mailing",
    "listening.Monitor", "listening.Search",
}  # fmt: skip
OUR_OWN = {
    "contacts.Organization": "a company, and the roles of others there",
    "contacts.CustomField": "settings",
    "contacts.Tag": "settings",
    "contacts.ErasedAddress": "keyed hashes",
    "trust.Suppression": "keyed hashes",
    "core.CompanyValue": "settings",
    "trust.ContactPolicy": "settings",
    "trust.Topic": "settings",
    "channels.Cursor": "where a mailbox was read to: the network's own marks",
    "networks.ChannelAccount": "our own mailboxes",
    "engagement.SavedReply": "what colleagues wrote for anybody",
    "engagement.Macro": "what colleagues wrote for anybody",
    "api.TokenUse": "numbers",
    "trust.Visit": "a random key's hash; the addresses proven in it are kept apart",
    "workspace.AskedDeletion": "a keyed hash, and ids that are forgotten when the erasure begins",
    "understanding.Entity": "names of products and places",
    "understanding.Sweep": "numbers",
    "listening.MentionCount": "numbers",
    "workspace.RetentionRule": "settings",
    "workspace.RetentionRun": "numbers",
}
OUR_ROOMS = {
    "teams",
    "account",
    "mfa",
    "socialaccount",
    "usersessions",
    "auth",
    "contenttypes",
    "procrastinate",
    "admin",
}


@dataclass
class Sown:
    """Canaries by where each was planted ("contacts.Contact.name")."""

    where: dict[str, str] = field(default_factory=dict)

    def new(self, where: str) -> str:
        word = f"zq{len(self.where) + 1:05}qz"
        self.where[word] = where
        return word

    def stays(self) -> set[str]:
        """Those that an erasure leaves on purpose."""
        named = {f"{label}.{name}" for label, name in STAYS}
        return {word for word, where in self.where.items() if where in named}


def fields_of(model: type[models.Model]) -> Iterator[models.Field[Any, Any]]:
    """Those that can hold a word of somebody's: not keys, not choices of ours, not the names of files by content."""
    files = {(c.model, c.field) for c in blob_columns()} | {(RawItem, "digest")}
    for one in model._meta.concrete_fields:
        if one.primary_key or one.is_relation or one.choices or (model, one.name) in files:
            continue
        inner = one.base_field if isinstance(one, ArrayField) else one
        if isinstance(inner, (models.CharField, models.TextField, models.JSONField, models.BinaryField)) and (
            (getattr(inner, "max_length", None) or SHORTEST) >= SHORTEST
        ):
            yield one


def sow(person: Person, sown: Sown) -> None:
    """Into every row that is theirs. What somebody else wrote, to them as well, is somebody else's."""
    theirs = set(_messages(person, words_of(person)).values_list("pk", flat=True))
    for label, row in kept().items():
        rows = rows_of(person, row)
        if label == "conversations.Message":
            rows = rows.filter(pk__in=theirs)
        elif row.path.startswith("message__"):
            rows = rows.filter(message__in=theirs)
        for pk in list(rows.values_list("pk", flat=True)):
            row.model._default_manager.filter(pk=pk).update(**_values(row.model, label, sown))
    raws = Message.objects.filter(pk__in=theirs).exclude(raw_id=None).values_list("raw_id", flat=True)
    for pk in list(raws):
        values = _values(RawItem, "channels.RawItem", sown)
        del values["external_id"]  # the network's number of an item, by which it is not fetched again
        RawItem.objects.filter(pk=pk).update(**values)
    search_documents_write(sorted(theirs))


def _values(model: type[models.Model], label: str, sown: Sown) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for one in fields_of(model):
        word = sown.new(f"{label}.{one.name}")
        if isinstance(one, ArrayField):
            values[one.name] = [word]
        elif isinstance(one, models.JSONField):
            values[one.name] = {"key": word}
        elif isinstance(one, models.BinaryField):
            values[one.name] = f"From: {word}".encode()
        else:
            values[one.name] = word
    return values


def sow_beside(cast: Any, contact: Contact, sown: Sown) -> None:
    """Where nothing leads from a row to a person: queues, logs, lists, answers, uploads, files."""
    person = person_of(contact.pk)
    identity = Identity.objects.get(pk=person.identity_ids[0])
    said = f"{identity.external_id} and {contact.name}"
    message = Message.objects.filter(sender=identity).first()
    assert message is not None
    other = contact_create(name="Somebody else")
    Task.objects.create(title=sown.new("a task from their message"), contact=other, message_id=message.pk)
    audit.record("looked_at", "contact", other.pk, about=said)
    EventDelivery.objects.create(subscriber="x", kind="y", subject_id=other.pk, error=said)
    Notification.objects.create(user=cast.carl, kind="task", title=said, body=said, path="/")
    SystemMail.objects.create(to=["carl@us.example"], subject=said, text=said, error=said)
    SavedView.objects.create(name=said, owner=cast.carl, query=f"from:{identity.external_id}")
    SavedView.objects.create(name="Urgent", owner=cast.carl, query=f'status:open "{contact.name}"')
    Mailing.objects.create(
        title="Spring",
        purpose="news",
        account=cast.accounts["info"],
        people={"view": {"search": identity.external_id}},
    )
    Monitor.objects.create(
        name=said,
        query=f'"{identity.external_id}"',
        owner=cast.carl,
        scope=cast.everyone,
        version=version_next(),
    )
    Search.objects.create(
        channel_account=cast.accounts["info"], words=identity.external_id, error=said, next_at=now()
    )
    AssignmentRule.objects.create(
        name="x", conditions=[{"field": "from", "op": "contains", "value": identity.external_id}]
    )
    Import.objects.create(
        kind="csv", source=f"{contact.name}.csv", examples=[said], found={"x": said}, problems=[[1, said]]
    )
    import_upload(
        name="more.csv", file=io.BytesIO(f"Name,Email\nX,{identity.external_id}\n".encode()), user=cast.olga
    )
    token = ApiToken.objects.create(user=cast.carl, name="canary", token_hash="canary", hint="k")
    apps.get_model("api", "IdempotentAnswer").objects.create(
        token=token, key="9", fingerprint="f", status=201, body=said
    )
    hook = WebhookSubscription.objects.create(url="https://x.example/", secret="s", last_error=said)
    WebhookDelivery.objects.create(subscription=hook, kind="x", data={"who": said}, error=said)
    ChannelHealth.objects.update_or_create(
        channel_account=cast.accounts["info"], defaults={"last_error": said}
    )
    body = sown.new("the bytes of a reaction").encode() + identity.external_id.encode()
    RawItem.objects.create(
        channel_account=cast.accounts["info"],
        external_id="r:1",
        digest="9" * 64,
        size=9,
        body=body,
        state="done",
    )
    file = blobs.put(sown.new("a file of a draft").encode())[0]
    Draft.objects.create(
        user=cast.carl, recipients={"to": [identity.external_id]}, body=sown.new("a draft"),
        attachments=[{"digest": file, "name": "x"}],
    )  # fmt: skip
    loose, _ = blobs.put(sown.new("a file that nobody names").encode())
    os.utime(blobs.path_of(loose), (time.time() - 90_000,) * 2)
    LooseBlob.objects.create(digest=loose, since=now())
    avatar = blobs.path_of(identity.avatar)
    aside = blobs.folder().with_name(f"{blobs.ASIDE}1") / avatar.relative_to(blobs.folder())
    aside.parent.mkdir(parents=True, exist_ok=True)
    aside.write_bytes(avatar.read_bytes())
    half = blobs.folder() / "new" / "1-abandoned"
    half.write_bytes(sown.new("a file that was never finished").encode())
    os.utime(half, (time.time() - 7200,) * 2)
    cache.set("canary", said)
    _session(cast, said)
    defer(person_request_run, after=9000, request_id=said)
    export_run(export_ask(contact_id=contact.pk, user=cast.olga))


def _session(cast: Any, said: str) -> None:
    from tests.support.cast import client_of

    session = client_of(cast.carl).session
    session["later"] = [{"text": said}]
    session.save()


def avatar_with(sown: Sown) -> str:
    return blobs.put(sown.new("the bytes of a picture").encode())[0]


def unaccounted() -> list[str]:
    """Models that neither the registry names, nor this file."""
    known = set(kept()) | BESIDE | set(OUR_OWN)
    return sorted(
        model._meta.label
        for model in apps.get_models()
        if model._meta.label not in known and model._meta.app_label not in OUR_ROOMS
    )


def found_in_database() -> dict[str, set[str]]:
    """Canaries by table: rows as a dump writes them, sessions and cached values unpacked."""
    from django.contrib.sessions.models import Session

    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            with cursor.copy(f'COPY (SELECT * FROM "{table}") TO STDOUT') as copy:
                text = b"".join(bytes(part) for part in copy).lower()
            _add(found, table, text)
            for packed in re.findall(rb"\\\\x((?:[0-9a-f]{2})+)", text):
                _add(found, table, bytes.fromhex(packed.decode()))
    for session in Session.objects.all():
        _add(found, "django_session", repr(session.get_decoded()).encode())
    _add(found, "core_cache", repr(cache.get("canary")).encode())
    return found


def found_in_home(home: Path, *, but: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """Canaries by file, packed ones unpacked; PostgreSQL's own files are left out, its log is not."""
    found: dict[str, set[str]] = {}
    for path in home.rglob("*"):
        inside = path.relative_to(home).parts
        if path.is_file() and inside[:2] != ("postgres", "data") and inside[0] not in but:
            _add(found, str(path.relative_to(home)), path.read_bytes())
    return found


def _add(found: dict[str, set[str]], where: str, content: bytes) -> None:
    words = {word.decode() for word in CANARY.findall(content)}
    if words:
        found.setdefault(where, set()).update(words)
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                _add(found, f"{where}!{name}", name.encode() + b"\n")
                _add(found, f"{where}!{name}", archive.read(name))
    elif content.startswith(b"\x1f\x8b"):
        _add(found, f"{where}!", gzip.decompress(content))


WORKER = """
import os, signal, sys
import django
django.setup()
from kith.core import jobs
from kith.workspace import erasure
jobs.HEARTBEAT, jobs.STALLED_AFTER, jobs.LOOK_FOR_STALLED = 0.2, 1.0, 0.2
if sys.argv[1] == "dies":
    erasure.CHUNK, real, runs = 1, erasure.blobs_sweep, []
    def sweep(digests):
        runs.append(digests)
        if len(runs) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        real(digests)
    erasure.blobs_sweep = sweep
jobs.work(concurrency=1)
"""


def house_main() -> None:
    """In a real house, by its jobs in processes of their own, one of which is killed midway; prints what came of it."""
    import json
    import sys

    from django.conf import settings
    from django.db import IntegrityError, transaction

    from kith.core.backup import making, nightly
    from kith.workspace.erasure import erasure_ask
    from kith.workspace.erasure_backups import backups_before
    from kith.workspace.models import PersonRequest
    from kith.workspace.person_requests import backups_renew_ask
    from tests.support.cast import cast_make
    from tests.workspace.test_person_data import plant

    home, sown, told = settings.KITH.home, Sown(), {}
    with transaction.atomic():
        cast = cast_make()
        contact = plant(cast)
        Identity.objects.filter(contact=contact).update(avatar=avatar_with(sown))
        sow(person_of(contact.pk), sown)
    sow_beside(cast, Contact.objects.get(pk=contact.pk), sown)
    known = Identity.objects.get(contact=contact)
    try:
        Identity.objects.create(network=known.network, realm=known.realm, external_id=known.external_id)
    except IntegrityError:
        told["refused"] = True  # PostgreSQL's log has heard of it
    backup = nightly.new_path("kith-nightly-")
    making.make(backup)
    copy = shutil.copy(backup, home.with_name(f"{home.name}.kithbackup"))  # somebody's own, elsewhere
    before, files = found_in_database(), found_in_home(home)
    told |= {
        "tables": sorted(before),
        "unsown": sorted(set(sown.where) - set().union(*before.values(), *files.values())),
    }
    told["in_backup"] = any(where.startswith("backups/") for where in files)
    request = erasure_ask(contact_id=contact.pk, user=cast.olga)
    with _worker("dies", home) as until:
        told["killed"] = until(lambda: False)
    request.refresh_from_db()
    told["midway"] = (request.state, request.done)

    with _worker("works", home) as until:
        until(lambda: PersonRequest.objects.get(pk=request.pk).state == "done")
        request.refresh_from_db()
        _look_after(told, sown, cast, contact, request)
        told["old"] = len(backups_before(request.finished_at or now()))
        backups_renew_ask(request_id=request.pk, user=cast.olga)
        until(lambda: not PersonRequest.objects.get(pk=request.pk).and_backups)
    told["kept"] = [path.name for path in nightly.all_files()]
    left = found_in_home(home)
    told["left_in_home"] = {
        where: sorted(sown.where[w] for w in words - sown.stays()) for where, words in left.items()
    }
    told["restored"] = []
    making.restore(copy, force=True, report=told["restored"].append)
    left = {**found_in_database(), **found_in_home(home)}
    told["left_by_restore"] = {
        w: sorted(sown.where[x] for x in words - sown.stays()) for w, words in left.items()
    }
    copy.unlink()
    json.dump(told, sys.stdout)


def _look_after(told: dict[str, Any], sown: Sown, cast: Any, contact: Contact, request: Any) -> None:
    """Everything but the backups, with exports made now."""
    from django.conf import settings

    told["state"] = request.state
    export_run(export_ask(contact_id=Contact.objects.get(name="A friend").pk, user=cast.olga))
    export_run(export_ask(contact_id=contact.pk, user=cast.olga))
    left = {**found_in_database(), **found_in_home(settings.KITH.home, but=("backups",))}
    told["left"] = {
        where: sorted(sown.where[w] for w in words - sown.stays()) for where, words in left.items()
    }


@contextlib.contextmanager
def _worker(how: str, home: Path) -> Iterator[Any]:
    """A worker in a process of its own; what it says is in the home, too. Gives a function that waits for something, or for
    the worker's death, whose exit code it returns."""
    import signal
    import subprocess
    import sys

    with (home / "worker.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-c", WORKER, how], stdout=log, stderr=log)

        def until(done: Any) -> int | None:
            end = time.monotonic() + 60
            while process.poll() is None and not done():
                if time.monotonic() > end:
                    raise AssertionError((home / "worker.log").read_text())
                time.sleep(0.05)
            return process.returncode

        try:
            yield until
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        finally:
            process.kill()
            process.wait()
