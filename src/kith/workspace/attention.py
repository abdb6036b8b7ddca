"""The calendar of a person's attention: what reached them, from whom, what was held and why, what is planned; and what we
gave them against what we asked of them."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.selectors import Family
from kith.core import sql
from kith.teams.types import Viewer
from kith.trust import sentences
from kith.trust.pressure import OFFERS, CapLine, caps_of

MOST = 500
WEEKS_BACK, WEEKS_AHEAD = 52, 4
ASKING = frozenset({"survey", "surveys", "renewal", "renewals", "review", "reviews", "referral", "referrals"})
# What a colleague does not see is told as that there was something, and when (as in the timeline).
_SEEN = """(t.subject_id IS NULL OR EXISTS (SELECT 1 FROM conversations_messagecopy k
    WHERE k.message_id = t.subject_id AND k.scope_id = ANY (%(scopes)s)) OR EXISTS (SELECT 1 FROM work_note n
    WHERE n.id = t.subject_id AND (n.scope_id IS NULL OR n.scope_id = ANY (%(scopes)s)))
    OR NOT EXISTS (SELECT 1 FROM conversations_message m WHERE m.id = t.subject_id)
       AND NOT EXISTS (SELECT 1 FROM work_note n WHERE n.id = t.subject_id))"""
_TOUCHES = f"""
SELECT t.id, coalesce(t.made_at, t.planned_for), t.state, t.kind, t.channel, t.purpose, t.title, coalesce(u.name, ''),
       coalesce(d.name, ''), t.actor, {_SEEN}, x.rule, x.values, x.sentence, x.until,
       (SELECT h.conversation_id FROM conversations_messagecopy k JOIN conversations_thread h ON h.id = k.thread_id
        WHERE k.message_id = t.subject_id AND k.scope_id = ANY (%(scopes)s) LIMIT 1), t.subject_id, coalesce(p.name, '')
FROM trust_touch t LEFT JOIN teams_user u ON u.id = t.user_id LEFT JOIN teams_division d ON d.id = t.division_id
LEFT JOIN trust_topic p ON p.key = t.purpose
LEFT JOIN LATERAL (SELECT c.rule, c.values, c.sentence, c.until FROM trust_decision c
                   WHERE c.touch_id = t.id ORDER BY c.id DESC LIMIT 1) x ON t.state IN ('held', 'denied')
WHERE t.identity_id = ANY (%(identities)s) AND t.planned_for > %(since)s
  AND t.state IN ('allowed', 'made', 'held', 'denied')
ORDER BY 2 DESC, 1 DESC LIMIT {MOST}
"""  # noqa: S608
# What was sent before there was a ledger, or from elsewhere (the sent folder of a mailbox).
_LETTERS = f"""
SELECT * FROM (SELECT DISTINCT ON (p.at, m.id) m.id, p.at, m.network, m.visibility, coalesce(u.name, ''), coalesce(d.name, ''),
       CASE WHEN m.subject <> '' THEN m.subject ELSE left(m.text, 120) END, t.conversation_id
FROM conversations_participant p JOIN conversations_message m ON m.id = p.message_id AND m.direction = 'out'
     AND m.state IN ('sent', 'delivered', 'read', 'received') AND m.automatic = ''
JOIN conversations_messagecopy k ON k.message_id = m.id AND k.scope_id = ANY (%(scopes)s)
JOIN conversations_thread t ON t.id = k.thread_id LEFT JOIN teams_user u ON u.id = m.author_id
LEFT JOIN networks_channelaccount a ON a.id = k.channel_account_id LEFT JOIN teams_team e ON e.id = a.team_id
LEFT JOIN teams_division d ON d.id = e.division_id
WHERE p.identity_id = ANY (%(identities)s) AND p.at > %(since)s AND p.at <= %(now)s AND p.role <> 'from'
  AND NOT EXISTS (SELECT 1 FROM trust_touch x WHERE x.subject_id = m.id)
ORDER BY p.at DESC, m.id DESC) found LIMIT {MOST}
"""  # noqa: S608
_PLANNED = """
SELECT m.id, m.at, coalesce(u.name, ''), CASE WHEN m.subject <> '' THEN m.subject ELSE left(m.text, 120) END,
       t.conversation_id, m.extra ->> 'purpose'
FROM conversations_participant p JOIN conversations_message m ON m.id = p.message_id AND m.state = 'scheduled'
JOIN conversations_messagecopy k ON k.message_id = m.id AND k.scope_id = ANY (%(scopes)s)
JOIN conversations_thread t ON t.id = k.thread_id LEFT JOIN teams_user u ON u.id = m.author_id
WHERE p.identity_id = ANY (%(identities)s) AND p.at >= %(now)s AND p.role <> 'from' ORDER BY m.at LIMIT 50
"""
_KEPT = """
SELECT r.id, r.kept_at, r.what, coalesce(u.name, '') FROM work_promise r LEFT JOIN teams_user u ON u.id = r.who_id
WHERE r.contact_id = ANY (%(contacts)s) AND r.kept_at > %(since)s
  AND (r.scope_id IS NULL OR r.scope_id = ANY (%(scopes)s)) ORDER BY r.kept_at DESC LIMIT 100
"""
_DONE = """
SELECT k.id, k.done_at, k.title, coalesce(u.name, '') FROM work_task k LEFT JOIN teams_user u ON u.id = k.done_by_id
WHERE k.contact_id = ANY (%(contacts)s) AND k.done_at > %(since)s
  AND (k.scope_id IS NULL OR k.scope_id = ANY (%(scopes)s)) ORDER BY k.done_at DESC LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class AttentionRow:
    """One contact of ours. `state`: made, planned, held or denied; `sells`: it took a place under the caps; `why`: the
    gate's sentence for what did not go."""

    id: uuid.UUID
    at: datetime
    state: str
    kind: str
    channel: str
    purpose: str
    topic: str
    title: str
    who: str
    division: str
    seen: bool
    sells: bool
    why: str = ""
    until: datetime | None = None
    conversation_id: uuid.UUID | None = None
    message_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Week:
    """A week of the calendar (its Monday): what reached them (or is planned), and how much of that sold."""

    monday: date
    count: int
    selling: int
    ahead: bool


@dataclass(frozen=True, slots=True)
class Given:
    """One line of the balance: what it was, when, by whom; with where it can be read."""

    at: datetime
    what: str
    sort: str
    who: str
    conversation_id: uuid.UUID | None = None
    message_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    rows: tuple[AttentionRow, ...]
    weeks: tuple[Week, ...]
    caps: tuple[CapLine, ...]
    divisions: tuple[tuple[str, int], ...]
    gave: tuple[Given, ...]
    asked: tuple[Given, ...]
    more: bool


def attention_of(viewer: Viewer, family: Family) -> Attention:
    """The last year and what is planned, over all identities of a person; what the viewer may not see has no words."""
    moment = now()
    since = moment - timedelta(days=366)
    given = {
        "identities": list(family.identities),
        "contacts": list(family.aliases),
        "scopes": list(viewer.scope_ids),
        "since": since,
        "now": moment,
    }
    rows = [_row(values, moment) for values in sql.rows(_TOUCHES, given)]
    planned = [
        AttentionRow(key, at, "planned", "", "", purpose or "service", "", title, who, "", True, bool(purpose),
                     conversation_id=where, message_id=key)
        for key, at, who, title, where, purpose in sql.rows(_PLANNED, given)
    ]  # fmt: skip
    letters = [
        AttentionRow(key, at, "made", "reply", "public" if visibility == "public" else "", "service", "", title, who, division,
                     True, False, conversation_id=where, message_id=key)
        for key, at, _network, visibility, who, division, title, where in sql.rows(_LETTERS, given)
    ]  # fmt: skip
    told = tuple(sorted([*planned, *rows, *letters], key=lambda row: (row.at, row.id), reverse=True))
    reached = [row for row in told if row.state in ("made", "planned")]
    gave = [_answer(row) for row in reached if row.state == "made" and _gives(row)]
    gave += [Given(at, what, _("Promise kept"), who) for _key, at, what, who in sql.rows(_KEPT, given)]
    gave += [Given(at, what, _("Done for them"), who) for _key, at, what, who in sql.rows(_DONE, given)]
    asked = [_answer(row) for row in reached if row.state == "made" and (row.sells or row.purpose in ASKING)]
    divisions = Counter(row.division or _("no division") for row in reached if row.sells)
    return Attention(
        rows=told,
        weeks=_weeks(reached, moment),
        caps=caps_of(family.identities),
        divisions=tuple(divisions.most_common(8)),
        gave=tuple(sorted(gave, key=lambda one: one.at, reverse=True)),
        asked=tuple(asked),
        more=len(rows) >= MOST,
    )


def _row(values: tuple[Any, ...], moment: datetime) -> AttentionRow:
    (key, at, state, kind, channel, purpose, title, who, division, actor, seen, rule, filled, words, until, where,
     message, topic) = values  # fmt: skip
    state = "planned" if state == "allowed" and at > moment else "made" if state == "allowed" else state
    return AttentionRow(
        id=key,
        at=at,
        state=str(state),
        kind=str(kind),
        channel=str(channel),
        purpose=str(purpose),
        topic=str(topic),
        title=str(title) if seen else "",
        who=str(who) or (_("Kith, by itself") if actor == "automation" else ""),
        division=str(division),
        seen=bool(seen),
        sells=kind in OFFERS,
        why=sentences.of(str(rule), json.loads(filled) if isinstance(filled, str) else filled, str(words))
        if rule and seen
        else "",
        until=until,
        conversation_id=where,
        message_id=message if where else None,
    )


def _gives(row: AttentionRow) -> bool:
    """An answer, help or thanks by a person: what they did not ask for and gains us nothing sells nothing."""
    return row.kind in ("reply", "transactional") and row.purpose not in ASKING


def _answer(row: AttentionRow) -> Given:
    sorts = {
        "reply": _("Answer"),
        "transactional": _("Help or notice"),
        "campaign": _("Offer to many"),
        "sequence": _("Offer in a row"),
        "outreach": _("Offer"),
    }
    sort = _("Survey or request") if row.purpose in ASKING else sorts.get(row.kind, _("Message"))
    what = row.title or row.topic or (_("Not for your eyes") if not row.seen else "")
    return Given(row.at, what, sort, row.who or row.division, row.conversation_id, row.message_id)


def _weeks(rows: list[AttentionRow], moment: datetime) -> tuple[Week, ...]:
    first = (moment - timedelta(days=moment.weekday())).date() - timedelta(weeks=WEEKS_BACK - 1)
    counts: Counter[date] = Counter()
    selling: Counter[date] = Counter()
    for row in rows:
        monday = (row.at - timedelta(days=row.at.weekday())).date()
        counts[monday] += 1
        selling[monday] += row.sells
    mondays = [first + timedelta(weeks=n) for n in range(WEEKS_BACK + WEEKS_AHEAD)]
    return tuple(Week(day, counts[day], selling[day], day > moment.date()) for day in mondays)
