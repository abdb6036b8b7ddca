"""The gate: gathers the facts, asks `policy.decide`, writes Touch and Decision, and hands out Clearances."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.core import audit, sql
from kith.core.asking import Ask, answered
from kith.core.secrets import keyed_hash
from kith.networks.selectors import network_rules
from kith.policy.decide import decide
from kith.policy.types import Channel, ContactFacts, Kind, NetworkRules, ProposedTouch
from kith.policy.types import Decision as PolicyDecision
from kith.teams.errors import NotAllowed, TeamsError
from kith.teams.models import User
from kith.trust.models import Decision, Suppression, Touch
from kith.trust.sentences import sentence
from kith.trust.types import Clearance, GateResult, Verdict, make_clearance

ERASED = "erased"  # the reason that an erasure leaves
SLIP = timedelta(minutes=10)
SEVERITY = {"allow": 0, "hold": 1, "deny": 2}


class TrustError(TeamsError):
    """What can't be done, as a sentence; `field` names the input to blame."""


@dataclass(frozen=True, slots=True)
class TouchRequest:
    """One message to some identities (none: a public post), before it may go."""

    kind: Kind
    channel: Channel
    network: str
    identity_ids: tuple[uuid.UUID, ...]
    subject_id: uuid.UUID | None = None
    actor: str = "person"
    purpose: str = "service"
    text_length: int = 0
    answers_inbound: bool = False
    user: User | None = None


def channel_of(medium: str, *, visibility: str) -> Channel:
    """The gate's channel for a network's medium."""
    if visibility == "public":
        return "public"
    return {"mail": "email", "sms": "sms", "phone": "phone", "letter": "letter"}.get(medium, "direct")  # type: ignore[return-value]


def gate_preview(request: TouchRequest) -> Verdict:
    """What the gate would say now; writes nothing. For the line beside the send button."""
    worst = PolicyDecision("allow", "plain")
    rules = _rules(request.network)
    for facts in _facts(request.identity_ids, request) or [ContactFacts()]:
        found = decide(_proposed(request), facts, rules, now())
        if SEVERITY[found.outcome] > SEVERITY[worst.outcome] or worst.rule == "plain":
            worst = found
    return Verdict(worst.outcome, worst.rule, sentence(worst.rule, worst.values), worst.until)


def touch_request(request: TouchRequest, *, override_reason: str = "") -> GateResult:
    """Ask the gate, in the running transaction: locks the contacts, writes a Touch and a Decision for each recipient.

    One recipient denied or held holds the whole message. `override_reason`: a person sends a held (never a denied)
    one anyway, and says why.
    """
    with transaction.atomic():
        _lock(request.identity_ids)
        rules = _rules(request.network)
        recipients: list[uuid.UUID | None] = list(request.identity_ids) or [None]
        gathered = _facts(request.identity_ids, request) or [ContactFacts()]
        results = [
            (identity, facts, decide(_proposed(request), facts, rules, now()))
            for identity, facts in zip(recipients, gathered, strict=True)
        ]
        worst = max((r[2] for r in results), key=lambda d: SEVERITY[d.outcome])
        overridden = worst.outcome == "hold" and bool(override_reason) and request.user is not None
        allowed = worst.outcome == "allow" or overridden
        touches, decisions = _rows(request, results, allowed=allowed, override_reason=override_reason)
        Touch.objects.bulk_create(touches)
        Decision.objects.bulk_create(decisions)
        if overridden:
            audit.record("gate_overridden", "touch", touches[0].id, reason=override_reason, rule=worst.rule)
    clearances: tuple[Clearance, ...] = ()
    if allowed:
        clearances = tuple(make_clearance(d.id, t.id) for t, d in zip(touches, decisions, strict=True))
    verdict = Verdict(
        "allow" if allowed else worst.outcome, worst.rule, sentence(worst.rule, worst.values), worst.until
    )
    return GateResult(clearances, verdict, tuple(t.id for t in touches))


def _rules(network: str) -> NetworkRules:
    """With the network's title in English: a decision is read in many languages."""
    with translation.override("en"):
        return network_rules(network)


def _proposed(request: TouchRequest) -> ProposedTouch:
    return ProposedTouch(
        kind=request.kind,
        channel=request.channel,
        actor="automation" if request.actor == "automation" else "person",
        purpose=request.purpose,
        text_length=request.text_length,
        answers_inbound=request.answers_inbound,
    )


def _rows(
    request: TouchRequest,
    results: Sequence[tuple[uuid.UUID | None, ContactFacts, PolicyDecision]],
    *,
    allowed: bool,
    override_reason: str,
) -> tuple[list[Touch], list[Decision]]:
    contacts = dict(
        Identity.objects.filter(pk__in=request.identity_ids, contact__isnull=False).values_list(
            "id", "contact__canonical_id"
        )
    )
    touches, decisions = [], []
    for identity, facts, decided in results:
        touch = Touch(
            identity_id=identity,
            contact_id=contacts.get(identity) if identity else None,
            kind=request.kind,
            channel=request.channel,
            purpose=request.purpose,
            actor=request.actor,
            user=request.user,
            subject_id=request.subject_id,
            state=Touch.State.ALLOWED
            if allowed
            else (Touch.State.DENIED if decided.outcome == "deny" else Touch.State.HELD),
            planned_for=now(),
        )
        touches.append(touch)
        overridden = allowed and decided.outcome == "hold"
        with translation.override("en"):
            words = sentence(decided.rule, decided.values)
        decisions.append(
            Decision(
                touch=touch,
                outcome="allow" if allowed else decided.outcome,
                rule=decided.rule,
                sentence=words,
                values=dict(decided.values),
                until=decided.until,
                facts=_readable(facts),
                overridden_by=request.user if overridden else None,
                override_reason=override_reason if overridden else "",
            )
        )
    return touches, decisions


def _readable(facts: ContactFacts) -> dict[str, object]:
    shown: dict[str, object] = {}
    for key, value in asdict(facts).items():
        shown[key] = sorted(value) if isinstance(value, frozenset) else value
    if facts.last_inbound_at:
        shown["last_inbound_at"] = facts.last_inbound_at.isoformat()
    return shown


def _lock(identity_ids: Sequence[uuid.UUID]) -> None:
    """Lock the people (in one order), so that two touches to one of them are decided one after the other."""
    contacts = Contact.objects.filter(identities__in=identity_ids).values_list("canonical_id", flat=True)
    list(
        Contact.objects.select_for_update()
        .filter(pk__in=sorted(set(contacts)))
        .order_by("pk")
        .values_list("pk")
    )
    list(Identity.objects.select_for_update().filter(pk__in=identity_ids).order_by("pk").values_list("pk"))


def suppression_hash(network: str, address: str) -> str:
    return keyed_hash(f"{network}\0{address.strip().lower()}", purpose="suppression")


_ASKED = """
SELECT i.id, i.network, i.external_id, c.canonical_id, i.kind, i.blocked_at IS NOT NULL, i.bounced_at IS NOT NULL, i.flags,
       s.last_inbound_at, coalesce(s.last_inbound_automatic, false), coalesce(s.last_inbound_authenticated, false)
FROM contacts_identity i LEFT JOIN contacts_contact c ON c.id = i.contact_id
LEFT JOIN trust_situation s ON s.identity_id = i.id WHERE i.id = ANY (%(ids)s)
"""
_PEERS = """
SELECT a.canonical_id, p.id, p.network, p.external_id FROM contacts_contact a JOIN contacts_identity p ON p.contact_id = a.id
WHERE a.canonical_id = ANY (array(
    SELECT c.canonical_id FROM contacts_identity i JOIN contacts_contact c ON c.id = i.contact_id WHERE i.id = ANY (%(ids)s)))
"""
_SUPPRESSED = (
    "SELECT key_hash, channel FROM trust_suppression WHERE key_hash = ANY (%(keys)s) AND lifted_at IS NULL"
)


def _facts(identity_ids: Sequence[uuid.UUID], request: TouchRequest) -> list[ContactFacts]:
    """Facts about each identity, in the order asked; suppression counts for all identities of the same contact."""
    if not identity_ids:
        return []
    given = {"ids": list(identity_ids)}
    asked, peers = answered([Ask(_ASKED, given), Ask(_PEERS, given)])
    rows = {row[0]: row for row in asked}
    of_contact: dict[uuid.UUID, list[tuple[uuid.UUID, str, str]]] = {}
    for canonical, *peer in peers:
        of_contact.setdefault(canonical, []).append(tuple(peer))
    family = {key: (of_contact.get(row[3]) or [row[:3]]) for key, row in rows.items()}
    hashes = {
        suppression_hash(network, name): key for group in family.values() for key, network, name in group
    }
    suppressed: dict[uuid.UUID, set[str]] = {}
    for key_hash, channel in sql.prepared(_SUPPRESSED, {"keys": list(hashes)}):
        suppressed.setdefault(hashes[key_hash], set()).add(channel)
    result = []
    for key in identity_ids:
        _, _, _, _, kind, blocked, bounced, flags, inbound_at, automatic, authenticated = rows[key]
        recently = Touch.objects.filter(
            identity_id=key, kind="acknowledgement", planned_for__gt=now() - timedelta(days=1)
        ).exclude(state__in=[Touch.State.DENIED, Touch.State.HELD, Touch.State.CANCELLED])
        result.append(
            ContactFacts(
                suppressed=frozenset(c for peer in family[key] for c in suppressed.get(peer[0], ())),
                blocked=blocked,
                bounced=bounced,
                last_inbound_at=inbound_at,
                message_automatic=automatic,
                sender_authenticated=authenticated,
                automatic_replies_24h=recently.count() if request.kind == "acknowledgement" else 0,
                is_us=kind == Identity.Kind.US,
                is_automated=kind == Identity.Kind.AUTOMATED,
                flags=frozenset(flags),
            )
        )
    return result


def touches_made(touch_ids: Sequence[uuid.UUID]) -> None:
    Touch.objects.filter(pk__in=touch_ids).update(state=Touch.State.MADE, made_at=now())


def touches_cancel(subject_id: uuid.UUID) -> None:
    Touch.objects.filter(subject_id=subject_id).exclude(state=Touch.State.MADE).update(
        state=Touch.State.CANCELLED
    )


def suppression_add(
    *, network: str, address: str, channel: str = "all", reason: str = "", user: User | None = None
) -> None:
    """Never contact this address again (on one channel, or at all)."""
    _suppress(network, address, channel=channel, reason=reason, user=user)
    audit.record("suppression_added", "suppression", None, channel=channel)


def _suppress(network: str, address: str, *, channel: str, reason: str, user: User | None) -> bool:
    return Suppression.objects.get_or_create(
        key_hash=suppression_hash(network, address),
        channel=channel,
        lifted_at=None,
        defaults={"reason": reason, "added_by": user},
    )[1]


def contact_suppress(*, contact_id: uuid.UUID, reason: str, user: User) -> bool:
    """Nothing goes to this person any more, on no address that we know of; whether that is new.

    Raises NotAllowed for one who only reads, TrustError without a reason or an address.
    """
    if not user.may_write:
        raise NotAllowed(_("Only those who may write to people may do this."))
    reason = _reason(reason)
    rows = list(_addresses(contact_id))
    if not rows:
        raise TrustError(_("No address of theirs is known."))
    with transaction.atomic():
        new = [
            _suppress(network, address, channel="all", reason=reason, user=user) for network, address in rows
        ]
        if any(new):
            audit.record("suppression_added", "contact", contact_id, channel="all", reason=reason)
    return any(new)


def suppression_lift(*, contact_id: uuid.UUID, reason: str, user: User) -> int:
    """They may be written to again, on every channel and address; returns how many rows were lifted.

    The rows stay, with who lifted them and why. Raises NotAllowed (see `may_lift`), TrustError without a reason.
    """
    hashes = [suppression_hash(network, address) for network, address in _addresses(contact_id)]
    with transaction.atomic():
        rows = list(Suppression.objects.select_for_update().filter(key_hash__in=hashes, lifted_at=None))
        if not all(may_lift(user, erased=row.reason == ERASED) for row in rows):
            raise NotAllowed(_("Only a manager may lift this; after an erasure, only an administrator."))
        reason = _reason(reason)
        Suppression.objects.filter(pk__in=[row.pk for row in rows]).update(
            lifted_at=now(), lifted_by=user, lift_reason=reason
        )
        if rows:
            audit.record("suppression_lifted", "contact", contact_id, reason=reason, count=len(rows))
    return len(rows)


def suppression_take_back(*, contact_id: uuid.UUID, user: User) -> None:
    """The undo of `contact_suppress`, for whoever just did it, within ten minutes: a slip needs no manager."""
    hashes = [suppression_hash(network, address) for network, address in _addresses(contact_id)]
    with transaction.atomic():
        count = Suppression.objects.filter(
            key_hash__in=hashes, lifted_at=None, added_by=user, created_at__gt=now() - SLIP
        ).update(lifted_at=now(), lifted_by=user, lift_reason="undone")
        if count:
            audit.record("suppression_lifted", "contact", contact_id, reason="undone", count=count)


def may_lift(user: User, *, erased: bool) -> bool:
    """Managers; what an erasure left, administrators."""
    return user.administers if erased else user.manages


def _addresses(contact_id: uuid.UUID) -> Iterable[tuple[str, str]]:
    """Network and id of everything that is theirs, merged contacts included."""
    return (
        Identity.objects.filter(contact__canonical_id=contact_id)
        .exclude(kind=Identity.Kind.US)
        .values_list("network", "external_id")
    )


def _reason(text: str) -> str:
    text = " ".join(text.split())[:200]
    if not text:
        raise TrustError(_("Say why."), field="reason")
    return text


_SITUATION = """
INSERT INTO trust_situation AS s (identity_id, last_inbound_at, last_inbound_automatic, last_inbound_authenticated,
                                  open_complaint)
SELECT DISTINCT ON (n.id) n.id, n.at, n.automatic, n.authenticated, false
FROM unnest(%s::uuid[], %s::timestamptz[], %s::bool[], %s::bool[]) AS n (id, at, automatic, authenticated)
ORDER BY n.id, n.at DESC
ON CONFLICT (identity_id) DO UPDATE SET last_inbound_at = excluded.last_inbound_at,
    last_inbound_automatic = excluded.last_inbound_automatic,
    last_inbound_authenticated = excluded.last_inbound_authenticated
WHERE s.last_inbound_at IS NULL OR s.last_inbound_at <= excluded.last_inbound_at
"""


def situations_note_inbound(rows: Sequence[tuple[uuid.UUID, object, bool, bool]]) -> None:
    """Note who wrote to us: (identity, at, automatic, authenticated). Called by the rooms above, in their write."""
    if rows:
        ordered = sorted(rows, key=lambda row: row[0])
        with connection.cursor() as cursor:
            cursor.execute(_SITUATION, [list(column) for column in zip(*ordered, strict=True)])


__all__ = ["NetworkRules", "TouchRequest", "channel_of", "gate_preview", "touch_request", "touches_made"]
