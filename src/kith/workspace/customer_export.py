"""A customer's own data: a zip with a page that a person can read, and JSON that a machine can."""

from __future__ import annotations

import json
import re
import tempfile
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.conversations.models import Attachment, Message
from kith.core import blobs, company
from kith.trust import sentences
from kith.trust.models import Objection, Preference, Touch
from kith.trust.receipts import receipt_of
from kith.workspace import customer
from kith.workspace.models import OwnExport

CHUNK = 200


def own_export_write(
    path: Path, *, ids: Sequence[uuid.UUID], export: OwnExport | None = None
) -> dict[str, int]:
    """Write the zip in the active language; returns how many rows each file holds. Progress goes to `export`."""
    identities = customer.identities_of(ids)
    contacts = customer.contacts_of(identities)
    messages = customer.messages_of(ids).order_by("at", "id").distinct()
    total, counts = messages.count(), {}
    small: dict[str, list[dict[str, Any]]] = {
        "addresses": [_identity(one) for one in identities],
        "facts": [
            {
                "attribute": known.attribute,
                "label": known.label,
                "value": known.value,
                "source": known.source,
                "observed_at": known.at,
                "quote": known.quote,
                "expires_at": known.until,
            }
            for known in customer.known_of(ids, contacts)
        ],
        "promises": [
            {"what": p.what, "due_at": p.due_at, "condition": p.condition, "kept_at": p.kept_at}
            for p in customer.promises_of(ids, contacts)
        ],
        "consents": [receipt_of(row) for row in customer.consents_of(ids)],
        "objections": [
            dict(row)
            for row in Objection.objects.filter(identity__in=ids).values(
                "purpose", "made_at", "ended_at", "proof"
            )
        ],
        "wishes": [
            dict(row) for row in Preference.objects.filter(pk__in=ids).values("per_month", "paused_until")
        ],
        "contacts_by_us": list(_touches(ids)),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in small.items():
            counts[name] = len(rows)
            archive.writestr(f"{name}.json", _json(rows))
        shown: list[dict[str, Any]] = []
        with archive.open("messages.json", "w") as out:
            out.write(b"[")
            for number, message in enumerate(messages.select_related("author").iterator(CHUNK)):
                row = _message(message)
                out.write((b",\n" if number else b"\n") + _json(row).encode())
                shown.append(row)
                if export is not None and number % CHUNK == 0:
                    OwnExport.objects.filter(pk=export.pk).update(done=number, total=total)
            out.write(b"\n]\n")
        counts["messages"] = len(shown)
        counts["files"] = sum(_file(archive, row) for row in Attachment.objects.filter(message__in=messages))
        archive.writestr(
            "index.html",
            render_to_string(
                "my/export.html",
                {
                    "company": company.name(),
                    "language": translation.get_language() or "en",
                    "made": now(),
                    "day": lambda moment: date_format(localtime(moment), "DATETIME_FORMAT"),
                    "messages": shown,
                    "held": customer.held_back(ids),
                    **small,
                },
            ),
        )
    return counts


def _json(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)


def _identity(one: Identity) -> dict[str, Any]:
    return {
        "network": one.network,
        "address": one.handle or one.external_id,
        "name": one.display_name,
        "profile": one.profile_url,
        "known_since": one.created_at,
    }


def _message(message: Message) -> dict[str, Any]:
    ours = message.direction == Message.Direction.OUT
    return {
        "id": str(message.pk),
        "at": message.at,
        "from": "us" if ours else "you",
        "who": message.author.name if ours and message.author else "",
        "network": message.network,
        "subject": message.subject,
        "text": message.text,
    }


def _touches(ids: Sequence[uuid.UUID]) -> Iterator[dict[str, Any]]:
    """What we sent or held back, each with the reason that the gate gave."""
    for touch in Touch.objects.filter(identity__in=ids).prefetch_related("decisions").order_by("planned_for"):
        newest = touch.newest_decision()
        sent = touch.state == Touch.State.MADE
        yield {
            "at": touch.made_at or touch.planned_for,
            "kind": touch.kind,
            "channel": touch.channel,
            "purpose": touch.purpose,
            "state": touch.state,
            "title": touch.title if sent else "",  # what was never sent is nobody's to read
            "rule": newest.rule if newest else "",
            "reason": sentences.of(newest.rule, newest.values, newest.sentence, to_them=True)
            if newest
            else "",
        }


def _file(archive: zipfile.ZipFile, row: Attachment) -> bool:
    if not row.digest or not blobs.exists(row.digest):
        return False
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", row.file_name)[-80:] or "file"
    archive.write(blobs.path_of(row.digest), f"files/{row.message_id}/{row.pk}-{name}")
    return True


def own_export_make(export: OwnExport) -> None:
    """Make what was asked for; running it again makes it anew."""
    OwnExport.objects.filter(pk=export.pk).update(state="running", done=0)
    with tempfile.TemporaryDirectory() as folder, translation.override(export.language or None):
        path = Path(folder) / "export.zip"
        own_export_write(path, ids=export.identity_ids, export=export)
        with path.open("rb") as file:
            digest, size = blobs.put_file(file)
    kept = OwnExport.objects.filter(pk=export.pk).update(
        state="done", digest=digest, size=size, finished_at=now()
    )
    if not kept:  # they were erased meanwhile
        blobs.remove(digest)
