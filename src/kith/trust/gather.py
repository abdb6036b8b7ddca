# ruff: noqa: S608  (the parts are constants of this module; every value is a parameter)
"""What the gate must know about people, read for many at once: over all identities of the same person."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from kith.contacts.models import Identity
from kith.contacts.names import USABLE
from kith.core import sql
from kith.core.asking import Ask, answered
from kith.policy.file import PolicyError, default_rules, load_rules
from kith.policy.types import ContactFacts, PastTouch, Rules
from kith.trust.services.suppressions import suppression_hashes

log = logging.getLogger(__name__)
CHUNK, FEW = 10_000, 50
NONE: frozenset[str] = frozenset()
Row = tuple[Any, ...]

_FAMILY = """
WITH asked AS MATERIALIZED (
    SELECT i.id, c.canonical_id AS person FROM contacts_identity i
    LEFT JOIN contacts_contact c ON c.id = i.contact_id WHERE i.id = ANY (%(ids)s::uuid[])),
family AS MATERIALIZED (
    SELECT a.id AS asked, a.id AS peer, a.person FROM asked a
    UNION
    SELECT a.id, p.id, a.person FROM asked a JOIN contacts_contact k ON k.canonical_id = a.person
    JOIN contacts_identity p ON p.contact_id = k.id WHERE p.kind <> 'us')
"""
_PEOPLE = """
SELECT f.asked, f.peer, p.network, p.external_id, p.kind, p.bounced_at IS NOT NULL, p.flags,
       s.last_inbound_at, coalesce(s.last_inbound_automatic, false), coalesce(s.last_inbound_authenticated, false),
       coalesce(s.wrote_on, '{}'), coalesce(s.open_case, ''), s.customer_since IS NOT NULL OR EXISTS (
           SELECT 1 FROM contacts_fact b WHERE b.contact_id = p.contact_id AND b.source = 'purchase'
           AND b.retracted_at IS NULL),
       w.per_month, w.paused_until, EXISTS (
           SELECT 1 FROM trust_invitation n WHERE n.identity_id = p.id AND n.ends_at > %(now)s),
       coalesce(c.time_zone, ''), coalesce(c.preferred_name, ''), coalesce(c.name_confidence, 0)
FROM family f JOIN contacts_identity p ON p.id = f.peer LEFT JOIN contacts_contact c ON c.id = f.person
LEFT JOIN trust_situation s ON s.identity_id = p.id LEFT JOIN trust_preference w ON w.identity_id = p.id
"""
_CONSENTS = """
SELECT DISTINCT ON (f.asked, f.peer, t.purpose, t.channel) f.asked, f.peer, t.purpose, t.channel, t.status, t.given_at
FROM family f JOIN trust_consent t ON t.identity_id = f.peer AND t.status <> 'asked'
ORDER BY f.asked, f.peer, t.purpose, t.channel, t.given_at DESC, t.id DESC
"""
_OBJECTIONS = """
SELECT DISTINCT f.asked, o.purpose FROM family f
JOIN trust_objection o ON o.identity_id = f.peer AND o.ended_at IS NULL
"""
# What takes a place under the caps, as the index touch_ledger has it.
_COUNTS = """t.kind IN ('campaign', 'sequence', 'outreach') AND t.state IN ('allowed', 'made')
AND t.planned_for > %(year)s AND (%(except)s::uuid IS NULL OR t.subject_id IS DISTINCT FROM %(except)s::uuid)"""
_TOUCHES = f"""
SELECT f.asked, t.planned_for, t.kind, coalesce(d.name, ''), t.channel
FROM family f JOIN trust_touch t ON t.identity_id = f.peer AND {_COUNTS}
LEFT JOIN teams_division d ON d.id = t.division_id
"""
_AUTOMATIC = """
SELECT identity_id, count(*) FROM trust_touch WHERE identity_id = ANY (%(ids)s) AND kind = 'acknowledgement'
AND planned_for > %(day)s AND state IN ('allowed', 'made') GROUP BY identity_id
"""
_SEGMENTS = """
SELECT DISTINCT f.asked, g.name FROM family f JOIN contacts_contact k ON k.canonical_id = f.person
JOIN contacts_contacttag t ON t.contact_id = k.id JOIN contacts_tag g ON g.id = t.tag_id WHERE g.name = ANY (%(names)s)
"""
# The same for many identities whose families are known, told by their place in the list: reading a UUID costs the driver
# more than the row does. Consents come oldest first: the last of its kind counts.
_PEERS = "FROM unnest(%(peers)s::uuid[]) WITH ORDINALITY p (id, n) JOIN"
_CONSENTS_OF = f"""
SELECT p.n::int, t.purpose, t.channel, t.status, t.given_at {_PEERS} trust_consent t ON t.identity_id = p.id
WHERE t.status <> 'asked' ORDER BY t.given_at, t.id
"""
_OBJECTIONS_OF = (
    f"SELECT p.n::int, o.purpose {_PEERS} trust_objection o ON o.identity_id = p.id WHERE o.ended_at IS NULL"
)
_TOUCHES_OF = f"""
SELECT p.n::int, t.planned_for, t.kind, t.division_id::text, t.channel {_PEERS} trust_touch t ON t.identity_id = p.id
WHERE {_COUNTS}
"""
_DIVISIONS = "SELECT id::text, name FROM teams_division"
_POLICY = "SELECT id::text, text FROM trust_contactpolicy ORDER BY created_at DESC, id DESC LIMIT 1"
_SUPPRESSED = "SELECT key_hash, channel FROM trust_suppression WHERE key_hash = ANY (%(keys)s::text[]) AND lifted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Gathered:
    """Facts by identity id, and the company's policy of this moment."""

    facts: dict[uuid.UUID, ContactFacts]
    rules: Rules


@lru_cache(maxsize=8)
def _parsed(key: str, text: str) -> Rules:
    try:
        return load_rules(text)
    except PolicyError as error:  # written by another version; what ships holds until a person mends it
        log.warning("the contact policy %s can't be read: %s", key, error)
        return default_rules()


def company_rules() -> Rules:
    """The policy that counts now: the company's newest, else the one that ships."""
    return _read_rules(sql.prepared(_POLICY, {}))


def _read_rules(rows: Sequence[tuple[Any, ...]]) -> Rules:
    return _parsed(rows[0][0], rows[0][1]) if rows else default_rules()


def gather(
    identity_ids: Sequence[uuid.UUID],
    *,
    moment: datetime,
    acknowledges: bool = False,
    without: uuid.UUID | None = None,
) -> Gathered:
    """Facts about each identity. `without`: a message whose own touches don't count, as it is asked about again.

    A few statements for each 10,000 identities, two for a few; one more where the policy names segments.
    """
    if not identity_ids:
        return Gathered({}, company_rules())
    found: dict[uuid.UUID, ContactFacts] = {}
    rules = default_rules()
    for start in range(0, len(identity_ids), CHUNK):
        rules = _chunk(list(identity_ids[start : start + CHUNK]), moment, acknowledges, without, found)
    return Gathered(found, rules)


def _chunk(
    ids: list[uuid.UUID],
    moment: datetime,
    acknowledges: bool,
    without: uuid.UUID | None,
    found: dict[uuid.UUID, ContactFacts],
) -> Rules:
    mine = {"ids": ids}
    asks = [
        Ask(_FAMILY + _PEOPLE, {**mine, "now": moment}),
        Ask(_FAMILY + _CONSENTS, mine),
        Ask(_FAMILY + _OBJECTIONS, mine),
        Ask(_FAMILY + _TOUCHES, {**mine, "year": moment - timedelta(days=366), "except": without}),
        Ask(_POLICY, {}),
    ]
    if acknowledges:
        asks.append(Ask(_AUTOMATIC, {**mine, "day": moment - timedelta(days=1)}))
    if len(ids) <= FEW:
        people, consents, objections, touches, policy, *more = answered(asks)
    else:
        people = sql.planned(asks[0].select, {"ids": _written(ids), "now": moment})
        policy, *more = [sql.rows(a.select, a.params) for a in asks[4:]]
        consents, objections, touches = _of_many(people, moment - timedelta(days=366), without)
    rules = _read_rules(policy)
    segments: Iterable[tuple[uuid.UUID, str]] = ()
    if rules.segments:
        segments = sql.rows(_FAMILY + _SEGMENTS, {**mine, "names": [name for name, _ in rules.segments]})
    automatic = dict(more[0]) if more else {}
    drafts = _assemble(people)
    _consents(consents, drafts)
    _many(objections, "objections", drafts)
    _many(segments, "segments", drafts)
    _suppressed(people, drafts)
    ledger: dict[uuid.UUID, list[PastTouch]] = {}
    for asked, at, kind, division, channel in touches:
        ledger.setdefault(asked, []).append(PastTouch(at, kind, division, channel))
    for key, lines in ledger.items():
        drafts[key]["touches"] = tuple(lines)
    for key, number in automatic.items():
        drafts[key]["automatic_replies_24h"] = number
    for key, draft in drafts.items():
        found[key] = ContactFacts(**draft)
    return rules


def _of_many(
    people: Sequence[Row], year: datetime, without: uuid.UUID | None
) -> tuple[Iterable[Row], Iterable[Row], Iterable[Row]]:
    """Consents, objections and touches of whole families that are known already: each table is asked about identities
    alone, and what is found goes to whomever was asked about."""
    asked_for: dict[uuid.UUID, list[uuid.UUID]] = {}
    for row in people:
        asked_for.setdefault(row[1], []).append(row[0])
    peers = {"peers": _written(asked_for)}
    listed = list(asked_for.items())
    divisions: dict[str | None, str] = dict(sql.rows(_DIVISIONS))
    consents = sql.planned(_CONSENTS_OF, peers)
    objections = sql.planned(_OBJECTIONS_OF, peers)
    touches = sql.planned(_TOUCHES_OF, {**peers, "year": year, "except": without})
    return (
        ((asked, listed[n - 1][0], *rest) for n, *rest in consents for asked in listed[n - 1][1]),
        ((asked, purpose) for n, purpose in objections for asked in listed[n - 1][1]),
        (
            (asked, at, kind, divisions.get(division, ""), channel)
            for n, at, kind, division, channel in touches
            for asked in listed[n - 1][1]
        ),
    )


def _written(values: Iterable[uuid.UUID | str]) -> str:
    """Ids or hashes as PostgreSQL writes an array: thousands of them cost the driver more than finding them does."""
    return "{" + ",".join(map(str, values)) + "}"


def _assemble(people: Sequence[Row]) -> dict[uuid.UUID, dict[str, Any]]:
    """The fields of each one's facts, over all rows of their family."""
    families: dict[uuid.UUID, list[Row]] = {}
    for row in people:
        families.setdefault(row[0], []).append(row)
    return {asked: _facts_of(asked, rows) for asked, rows in families.items()}


def _facts_of(asked: uuid.UUID, rows: list[Row]) -> dict[str, Any]:
    own = rows[0] if len(rows) == 1 else next(row for row in rows if row[1] == asked)
    cases = {row[11] for row in rows}
    return {
        "time_zone": own[16],
        # What an import or a form calls their name is not how they want to be called.
        "preferred_name": own[17] if own[18] >= USABLE else "",
        "name_confidence": own[18],
        "wrote_on": frozenset(channel for row in rows for channel in row[10])
        if any(r[10] for r in rows)
        else NONE,
        "last_inbound_at": max((row[7] for row in rows if row[7] is not None), default=None),
        "invited": any(row[15] for row in rows),
        "customer": any(row[12] for row in rows),
        "open_case": "angry" if "angry" in cases else "normal" if "normal" in cases else None,
        "flags": frozenset(own[6]) if own[6] else NONE,
        # Of the identity itself: a machine that answers at one address says nothing of the person's other ones.
        "message_automatic": own[8],
        "sender_authenticated": own[9],
        "bounced": own[5],
        "wish_month": min((row[13] for row in rows if row[13] is not None), default=None),
        "paused_until": max((row[14] for row in rows if row[14] is not None), default=None),
        "is_us": own[4] == Identity.Kind.US,
        "is_automated": own[4] == Identity.Kind.AUTOMATED,
    }


def _consents(rows: Iterable[Row], drafts: dict[uuid.UUID, dict[str, Any]]) -> None:
    """Consent is given by an identity for itself; withdrawn by any it holds for the whole person, until the identity asked
    about says otherwise later. Of the rows of one identity, purpose and channel the last counts."""
    newest: dict[uuid.UUID, dict[Any, tuple[str, datetime]]] = {}
    for asked, peer, purpose, channel, status, at in rows:
        newest.setdefault(asked, {})[channel, purpose, peer == asked, peer] = (status, at)
    for asked, said in newest.items():
        if len(said) == 1:
            (channel, purpose, mine, _peer), (status, _at) = next(iter(said.items()))
            given = {(channel, purpose)} if mine and status == "given" else set()
            withdrawn = {(channel, purpose)} if status == "withdrawn" else set()
        else:
            given, withdrawn = _weighed(said)
        draft = drafts[asked]
        draft["consents"] = frozenset(given)
        if withdrawn:
            draft["withdrawn"] = frozenset(pair for pair in withdrawn if pair[1] != "all")
            draft["unsubscribed"] = frozenset(channel for channel, purpose in withdrawn if purpose == "all")


def _weighed(said: dict[Any, tuple[str, datetime]]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    given: set[tuple[str, str]] = set()
    withdrawn: set[tuple[str, str]] = set()
    pairs: dict[tuple[str, str], list[tuple[bool, str, datetime]]] = {}
    for (channel, purpose, mine, _peer), (status, at) in said.items():
        pairs.setdefault((channel, purpose), []).append((mine, status, at))
    for pair, each in pairs.items():
        own = [at for mine, status, at in each if mine and status == "given"]
        against = [at for _, status, at in each if status == "withdrawn"]
        lifted = [at for mine, status, at in each if mine and status == "lifted"]
        if against and (not (own or lifted) or max(against) >= max(own + lifted)):
            withdrawn.add(pair)
        elif own:
            given.add(pair)
    return given, withdrawn


def _many(rows: Iterable[tuple[uuid.UUID, str]], name: str, drafts: dict[uuid.UUID, dict[str, Any]]) -> None:
    values: dict[uuid.UUID, set[str]] = {}
    for asked, value in rows:
        values.setdefault(asked, set()).add(value)
    for asked, words in values.items():
        drafts[asked][name] = frozenset(words)


def _suppressed(people: Sequence[Row], drafts: dict[uuid.UUID, dict[str, Any]]) -> None:
    hashes: dict[str, list[uuid.UUID]] = {}
    for row, key_hash in zip(people, suppression_hashes((row[2], row[3]) for row in people), strict=True):
        hashes.setdefault(key_hash, []).append(row[0])
    found = (
        sql.prepared(_SUPPRESSED, {"keys": list(hashes)})
        if len(people) <= FEW
        else sql.planned(_SUPPRESSED, {"keys": _written(hashes)})
    )
    standing: dict[uuid.UUID, set[str]] = {}
    for key_hash, channel in found:
        for asked in hashes[key_hash]:
            standing.setdefault(asked, set()).add(channel)
    for asked, channels in standing.items():
        drafts[asked]["suppressed"] = frozenset(channels)


def readable(facts: ContactFacts) -> dict[str, object]:
    """Facts as JSON, those left out that say nothing: kept with the decision that was made of them."""
    shown: dict[str, object] = {}
    for key in ContactFacts.__dataclass_fields__:
        value = getattr(facts, key)
        if not value:
            continue
        if key == "touches":
            shown[key] = len(value)
        elif isinstance(value, Collection) and not isinstance(value, str):
            shown[key] = sorted(":".join(v) if isinstance(v, tuple) else v for v in value)
        else:
            shown[key] = value.isoformat() if isinstance(value, datetime) else value
    return shown
