"""What we conclude about people passes the gate as what we send does: whose an account is, and what they are like."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.contacts.models import Contact, Fact, Identity, IdentityLink
from kith.contacts.selectors import first_identity
from kith.contacts.services import fact_record, identity_link
from kith.policy.types import Evidence
from kith.teams.models import User
from kith.trust.facts_used import used_facts
from kith.trust.services.gate import TouchRequest, touch_request
from kith.trust.services.suppressions import TrustError
from kith.trust.types import GateResult, Verdict

EVIDENCE: dict[str, Evidence] = {
    IdentityLink.Basis.OWN_KEY: "self_declared",
    IdentityLink.Basis.DISCLOSED: "self_declared",
    IdentityLink.Basis.BY_HAND: "guessed",
    IdentityLink.Basis.IMPORTED: "guessed",
}


class GateRefused(TrustError):
    """The gate said no; `verdict` has the rule and the sentence."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict


@transaction.atomic
def identity_link_ask(
    *,
    identity: Identity,
    contact: Contact,
    basis: str,
    user: User | None,
    evidence: dict[str, Any] | None = None,
    score: float | None = None,
) -> IdentityLink:
    """Ask the gate, then say that an identity belongs to a contact. Raises GateRefused.

    That accounts look alike is no evidence: a person decides, and stands in the log with their words.
    """
    request = TouchRequest(
        kind="link_identity",
        channel="none",
        network=identity.network,
        identity_ids=(identity.pk,),
        subject_id=contact.canonical_id,
        actor="person" if user else "automation",
        purpose="identity",
        user=user,
        identity_evidence=EVIDENCE.get(basis, "none"),
    )
    why = str((evidence or {}).get("words", "")) or _("Decided by a person.")
    _refuse(touch_request(request, override_reason=why if user else ""))
    return identity_link(
        identity=identity, contact=contact, basis=basis, user=user, evidence=evidence, score=score
    )


@transaction.atomic
def fact_infer(
    *,
    contact_id: uuid.UUID,
    attribute: str,
    value: Any,
    based_on: Sequence[uuid.UUID],
    purpose: str,
    confidence: float,
    user: User | None = None,
    override_reason: str = "",
    **rest: Any,
) -> Fact:
    """Ask the gate, then write down what we conclude from other facts (`based_on`). Raises GateRefused.

    The only way to a fact whose source is "inferred". Nothing sensitive gets through (law 9), nor what a gift, a deleted
    post or something said for another purpose suggests.
    """
    identity = first_identity(contact_id)
    if identity is None:
        raise TrustError(_("No address of theirs is known."))
    used = used_facts(based_on)
    if len(used) < len(set(based_on)):
        raise TrustError(_("Something that this relies on is not known any more."))
    request = TouchRequest(
        kind="infer",
        channel="none",
        network=identity.network,
        identity_ids=(identity.pk,),
        subject_id=contact_id,
        actor="person" if user else "automation",
        purpose=purpose,
        user=user,
        based_on=used,
        concludes=attribute,
    )
    _refuse(touch_request(request, override_reason=override_reason))
    return fact_record(
        contact_id=contact_id,
        attribute=attribute,
        value=value,
        source=Fact.Source.INFERRED,
        user=user,
        confidence=confidence,
        purposes=[purpose],
        **rest,
    )


def _refuse(result: GateResult) -> None:
    if not result.allowed:
        raise GateRefused(result.verdict)
