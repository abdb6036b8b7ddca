"""The company's contact policy: every version is kept, the newest counts from the next touch on."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kith.core import audit
from kith.policy.file import PolicyError, default_text, load_rules
from kith.policy.types import Rules
from kith.teams.errors import NotAllowed
from kith.teams.models import User
from kith.trust.models import ContactPolicy
from kith.trust.services.suppressions import TrustError


def contact_policy_set(*, text: str, user: User) -> ContactPolicy:
    """Make a text the company's policy; an empty one brings back the one that ships.

    Raises NotAllowed for who is no administrator, TrustError with the place of what is wrong.
    """
    if not user.administers:
        raise NotAllowed(_("Only an administrator may change the contact policy."))
    text = text.replace("\r\n", "\n").strip()
    text = text + "\n" if text else default_text()
    policy_check(text)
    made = ContactPolicy.objects.create(text=text, made_by=user)
    audit.record("contact_policy_changed", "contact_policy", made.pk)
    return made


def policy_check(text: str) -> Rules:
    """The rules in a text. Raises TrustError that says where it is wrong."""
    try:
        return load_rules(text)
    except PolicyError as error:
        raise TrustError(_("This is no contact policy yet: %s") % error, field="text") from error
