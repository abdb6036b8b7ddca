"""The same request sent twice is done once: the first answer is stored in its transaction, and replayed."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.http import HttpRequest, HttpResponse

from kith.api.models import IdempotentAnswer
from kith.api.problems import Problem, blame
from kith.base.clock import now
from kith.base.ids import new_id
from kith.core import secrets

# The door of the API brings its framework, which a process that only sweeps answers has no use for.
if TYPE_CHECKING:
    from kith.api.access import Caller

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
_SEALED = "sealed:"  # no JSON begins like that
_KEY = re.compile(r"[\x21-\x7e]{1,200}")

# A second request with the same key waits here until the first has committed, and then finds its answer.
_CLAIM = """
INSERT INTO api_idempotentanswer (id, created_at, token_id, key, fingerprint, status, body)
VALUES (%(id)s, now(), %(token)s, %(key)s, %(fingerprint)s, 0, '')
ON CONFLICT (token_id, key) DO NOTHING RETURNING id
"""


def begin(request: HttpRequest, caller: Caller) -> HttpResponse | uuid.UUID | None:
    """Inside the request's transaction: the stored answer, the id under which to store this one, or None without a key.

    Raises Problem 422 when the key was used for another request, 409 when the caller may see something else than then.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method not in ("POST", "PATCH", "PUT", "DELETE"):
        return None
    if not _KEY.fullmatch(key):
        raise blame(HEADER, "An Idempotency-Key has 1 to 200 printable characters without spaces.")
    said = f"{request.method}\0{request.get_full_path()}\0".encode() + request.body
    fingerprint = hashlib.sha256(said).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM, {"id": new_id(), "token": caller.token_id, "key": key, "fingerprint": fingerprint}
        )
        row = cursor.fetchone()
    if row is not None:
        mine: uuid.UUID = row[0]
        return mine
    stored = IdempotentAnswer.objects.get(token_id=caller.token_id, key=key)
    if stored.fingerprint != fingerprint:
        raise blame(HEADER, "This key was used for another request.")
    if stored.rights is not None and stored.rights != _rights(caller):
        raise Problem(409, "This was done. What you may see has changed since: ask for it anew.")
    replay = HttpResponse(
        _opened(stored.body), status=stored.status, content_type="application/json; charset=utf-8"
    )
    replay.headers["Idempotent-Replayed"] = "true"
    return replay


def holds_secret(request: HttpRequest) -> None:
    """Called by an operation whose answer shows a secret: a kept copy of it is encrypted."""
    request.kith_sealed = True  # type: ignore[attr-defined]


def _rights(caller: Caller) -> int:
    """What an answer may hold, as a number of 63 bits."""
    viewer = caller.viewer
    seen = f"{viewer.role} {sorted(caller.permissions)} {viewer.sees_all} {sorted(viewer.scope_ids)}"
    return int.from_bytes(hashlib.sha256(seen.encode()).digest()[:8]) >> 1


def store(mine: uuid.UUID, request: HttpRequest, response: HttpResponse, caller: Caller) -> None:
    body = response.content.decode()
    if getattr(request, "kith_sealed", False):
        body = _SEALED + base64.b64encode(secrets.encrypt(response.content)).decode()
    IdempotentAnswer.objects.filter(pk=mine).update(
        status=response.status_code, body=body, rights=_rights(caller) if caller.looked else None
    )


def _opened(body: str) -> str:
    if not body.startswith(_SEALED):
        return body
    return secrets.decrypt(base64.b64decode(body.removeprefix(_SEALED))).decode()


def forget_old() -> int:
    """Remove answers that are older than KEPT; returns how many."""
    return IdempotentAnswer.objects.filter(created_at__lt=now() - KEPT).delete()[0]
