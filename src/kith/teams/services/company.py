"""The company itself: the first start, and its settings."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import connection, transaction
from django.utils.translation import gettext as _

from kith.core import audit, company
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import Role, User
from kith.teams.services.users import user_create

SETUP_TOKEN = "setup_token_hash"  # noqa: S105  (the key of a value, not a secret)
KEYS = ("name", "public_url", "outgoing_name")


def setup_token_make() -> str:
    """A token for `/setup/`, which replaces an earlier one; only its hash is kept. Printed by `kith up`."""
    from kith.teams.services.tokens import token_hash

    raw = secrets.token_urlsafe(18)
    company.set_value(SETUP_TOKEN, token_hash(raw))
    return raw


def setup_token_clear() -> None:
    """No code is needed: only this machine can reach Kith."""
    if company.value(SETUP_TOKEN):
        company.set_value(SETUP_TOKEN, "")


def setup_token_holds(raw: str) -> bool:
    """Whether `raw` is the token, or none was made (Kith then listens on loopback only)."""
    from kith.teams.services.tokens import token_hash

    wanted = str(company.value(SETUP_TOKEN, "") or "")
    return not wanted or hmac.compare_digest(wanted, token_hash(raw))


def check_public_url(text: str) -> str:
    """The address without a slash at its end; raises TeamsError in words. "" is fine: there is none yet."""
    text = text.strip().rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
        fits = fits and not parts.fragment and not parts.username and not parts.path and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise TeamsError(
            _("This must be like https://kith.example.org, without anything after the name."),
            field="public_url",
        )
    return text


@transaction.atomic
def company_create(
    *, name: str, public_url: str, user_name: str, email: str, password: str, language: str = ""
) -> User:
    """First start: the company and its owner. Raises NotAllowed when there is a company already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('kith.company'))")
    if company.is_set_up() or User.objects.exists():
        raise NotAllowed(_("Kith is set up already. Sign in instead."))
    if not name.strip():
        raise TeamsError(_("A name is needed."), field="name")
    address = check_public_url(public_url)
    user = user_create(email=email, name=user_name, password=password, role=Role.OWNER)
    if language:
        user.language = language
        user.save(update_fields=["language"])
    company.set_value("name", " ".join(name.split()))
    if address:
        company.set_value("public_url", address)
    company.set_value(SETUP_TOKEN, "")
    audit.record("company_created", "company", None, actor=audit.Actor(user.id, user.name))
    return user


@transaction.atomic
def company_update(*, values: Mapping[str, Any]) -> None:
    """Change values of the company; only `KEYS`. Raises TeamsError with the field to blame."""
    if unknown := set(values) - set(KEYS):
        raise TeamsError(f"not a value of the company: {sorted(unknown)}")
    if "name" in values and not str(values["name"]).strip():
        raise TeamsError(_("A name is needed."), field="name")
    wanted = dict(values)
    if "public_url" in wanted:
        wanted["public_url"] = check_public_url(str(wanted["public_url"]))
    changed = {key: value for key, value in wanted.items() if company.value(key) != value}
    for key, value in changed.items():
        company.set_value(key, value)
    if changed:
        audit.record("company_changed", "company", None, fields=sorted(changed))
