"""API tokens: shown once, kept as a hash, ended at any time."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.core import audit
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import ApiToken, User
from kith.teams.types import API_PERMISSIONS

PREFIX = "kith_"
USED_EVERY = timedelta(minutes=1)


def token_hash(raw: str) -> str:
    """SHA-256; enough for 256 random bits, which can't be guessed however fast the hash is."""
    return hashlib.sha256(raw.encode()).hexdigest()


@transaction.atomic
def api_token_create(
    *, user: User, name: str, permissions: Iterable[str], expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token and its text, which is nowhere kept."""
    wanted = sorted(set(permissions))
    if unknown := set(wanted) - set(API_PERMISSIONS):
        raise TeamsError(_("There is no permission %s.") % ", ".join(sorted(unknown)), field="permissions")
    if not wanted:
        raise TeamsError(_("Choose what the token may do."), field="permissions")
    if not user.may_write and any(p.endswith(":write") for p in wanted):
        raise NotAllowed(_("Your role only reads, and so do your tokens."), field="permissions")
    raw = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        token_hash=token_hash(raw),
        hint=raw[: len(PREFIX) + 4],
        permissions=wanted,
        expires_at=expires_at,
    )
    audit.record("api_token_created", "api_token", token.id, name=token.name, permissions=wanted)
    return token, raw


@transaction.atomic
def api_token_revoke(*, token: ApiToken) -> None:
    if token.revoked_at is None:
        token.revoked_at = now()
        token.save(update_fields=["revoked_at"])
        audit.record("api_token_revoked", "api_token", token.id, name=token.name)


def token_authenticate(raw: str) -> ApiToken | None:
    """The token of this text with its user, or None when it is unknown, ended, or its user has left."""
    if not raw.startswith(PREFIX) or len(raw) > 200:
        return None
    token = ApiToken.objects.select_related("user").filter(token_hash=token_hash(raw)).first()
    if token is None or token.revoked_at is not None or not token.user.is_active:
        return None
    if token.expires_at is not None and token.expires_at <= now():
        return None
    if token.last_used_at is None or token.last_used_at < now() - USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now())
    return token
