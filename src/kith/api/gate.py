"""The gate's answers to callers of the API."""

from __future__ import annotations

from typing import Any

from kith.api.problems import Problem
from kith.contacts.models import IdentityLink
from kith.trust.services import GateRefused, identity_link_ask


def link_or_problem(**link: Any) -> IdentityLink:
    """Link an identity, if the gate allows; else 409 with its sentence."""
    try:
        return identity_link_ask(**link)
    except GateRefused as error:
        raise Problem(409, f"{error} ({error.verdict.rule})") from error
