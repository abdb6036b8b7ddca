# ruff: noqa: S608  (the parts are constants of this file; every value is a parameter)
"""Which messages a rule would take now. One statement, for the preview as for the night: what is shown is what goes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kith.base.clock import now
from kith.core import sql
from kith.networks.selectors import limited_networks
from kith.workspace.models import RetentionRule
from kith.workspace.retention.holds import Held, held

Purpose, Action, Since = RetentionRule.Purpose, RetentionRule.Action, RetentionRule.Since


@dataclass(frozen=True, slots=True)
class Taking:
    """A rule as it is applied. `rule_id` is None for what a network demands: that holds without being switched on, and
    counts from when we received the message."""

    name: str
    days: int
    network: str = ""
    account_id: uuid.UUID | None = None
    purpose: str = Purpose.MESSAGES
    action: str = Action.DELETE
    since: str = Since.MESSAGE
    rule_id: uuid.UUID | None = None
    reason: str = ""

    @classmethod
    def of(cls, rule: RetentionRule) -> Taking:
        return cls(
            rule.name,
            rule.days,
            rule.network,
            rule.channel_account_id,
            rule.purpose,
            rule.action,
            rule.since,
            rule.pk,
        )


def demanded() -> list[Taking]:
    """What networks demand by their manifests: nobody can loosen that, a rule of the house can only be stricter."""
    return [
        Taking(title, days, network=name, since="received", reason=reason)
        for name, title, days, reason in limited_networks()
    ]


# What is on its way, or waits for a person, is nobody's past.
_SETTLED = "m.state NOT IN ('scheduled', 'held', 'queued', 'unknown')"
_TALKS = (
    "SELECT t.conversation_id FROM conversations_messagecopy k JOIN conversations_thread t ON t.id = k.thread_id "
    "WHERE k.message_id = m.id"
)
_PURPOSES = {
    Purpose.MESSAGES: "true",
    Purpose.PRIVATE: "m.visibility <> 'public' AND m.automatic = ''",
    Purpose.AUTOMATIC: "m.automatic <> '' AND m.direction = 'in'",
    Purpose.PUBLIC: "m.visibility = 'public'",
    # In none of its conversations did we answer, and none is with somebody who has a page here.
    Purpose.STRANGERS: f"""m.visibility <> 'public' AND m.direction = 'in' AND NOT EXISTS (
        SELECT 1 FROM ({_TALKS}) w JOIN conversations_conversation c ON c.id = w.conversation_id
        LEFT JOIN contacts_identity i ON i.id = c.identity_id
        WHERE i.contact_id IS NOT NULL OR EXISTS (
            SELECT 1 FROM conversations_thread t2 JOIN conversations_messagecopy k2 ON k2.thread_id = t2.id
            JOIN conversations_message m2 ON m2.id = k2.message_id
            WHERE t2.conversation_id = c.id AND m2.direction = 'out' AND m2.automatic = ''))""",
}
_AGES = {
    "message": "m.at < %(before)s",
    "received": "m.received_at < %(before)s AND m.direction = 'in'",
    "activity": f"""m.at < %(before)s AND NOT EXISTS (
        SELECT 1 FROM ({_TALKS}) w JOIN conversations_thread t2 ON t2.conversation_id = w.conversation_id
        WHERE t2.last_at >= %(before)s)""",
}
_ACTIONS = {
    Action.DELETE: "true",
    Action.FILES: """(EXISTS (SELECT 1 FROM conversations_attachment a WHERE a.message_id = m.id)
        OR EXISTS (SELECT 1 FROM channels_rawitem r WHERE r.id = m.raw_id AND r.size > 0))""",
    Action.RAW: "EXISTS (SELECT 1 FROM channels_rawitem r WHERE r.id = m.raw_id AND r.size > 0)",
}
# A message that another channel of ours saw, too, is kept for that one.
_ACCOUNT = """EXISTS (SELECT 1 FROM conversations_messagecopy k WHERE k.message_id = m.id AND k.channel_account_id = %(account)s)
    AND NOT EXISTS (SELECT 1 FROM conversations_messagecopy k
                    WHERE k.message_id = m.id AND k.channel_account_id <> %(account)s)"""
_NOT_HELD = """NOT EXISTS (SELECT 1 FROM conversations_messagecopy k JOIN conversations_thread t ON t.id = k.thread_id
    WHERE k.message_id = m.id AND (k.channel_account_id = ANY (%(held_accounts)s::uuid[])
                                   OR t.conversation_id = ANY (%(held_talks)s::uuid[])))"""


def condition(
    taking: Taking, on_hold: Held | None = None, *, moment: datetime | None = None
) -> tuple[str, dict[str, Any]]:
    """SQL over `m`, a message, with its parameters: true for what the rule would take at `moment`."""
    on_hold = held() if on_hold is None else on_hold
    parts = [
        _SETTLED,
        _AGES[taking.since],
        _PURPOSES[Purpose(taking.purpose)],
        _ACTIONS[Action(taking.action)],
    ]
    values: dict[str, Any] = {"before": (moment or now()) - timedelta(days=taking.days)}
    if taking.network:
        parts.append("m.network = %(network)s")
        values["network"] = taking.network
    if taking.account_id:
        parts.append(_ACCOUNT)
        values["account"] = taking.account_id
    if on_hold:
        parts.append(_NOT_HELD)
        values |= {"held_accounts": list(on_hold.accounts), "held_talks": list(on_hold.conversations)}
    return "\n  AND ".join(f"({part})" for part in parts), values


def chosen(taking: Taking, among: Sequence[uuid.UUID] | None = None) -> list[uuid.UUID]:
    """Ids of the messages that the rule would take now; of `among` alone, where given."""
    where, values = condition(taking)
    if among is not None:
        where, values = f"m.id = ANY (%(among)s::uuid[]) AND {where}", {**values, "among": list(among)}
    return [
        row[0]
        for row in sql.rows(f"SELECT m.id FROM conversations_message m WHERE {where} ORDER BY m.id", values)
    ]


@dataclass(frozen=True, slots=True)
class Share:
    """What would go of one channel, or of one month: how many messages, from when to when."""

    name: str
    number: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Example:
    """A message that would go, of those that the reader may open."""

    conversation_id: uuid.UUID
    at: datetime
    title: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would take now. `held`: how many more it would, were they not under legal hold."""

    total: int
    all: int
    held: int
    channels: tuple[Share, ...]
    ages: tuple[Share, ...]
    examples: tuple[Example, ...]

    @property
    def percent(self) -> int:
        """Of all messages that there are, rounded up: nothing that goes is shown as nothing."""
        return -(-100 * self.total // self.all) if self.all else 0


_PREVIEW = """
WITH due AS MATERIALIZED (
    SELECT m.id, m.network, m.at,
           (SELECT k.channel_account_id FROM conversations_messagecopy k WHERE k.message_id = m.id
            AND k.channel_account_id IS NOT NULL ORDER BY k.id LIMIT 1) AS account
    FROM conversations_message m WHERE {where}
)
SELECT 'channel', coalesce(a.name, due.network), count(*), min(due.at), max(due.at)
FROM due LEFT JOIN networks_channelaccount a ON a.id = due.account GROUP BY coalesce(a.name, due.network)
UNION ALL
SELECT 'age', to_char(due.at AT TIME ZONE 'UTC', 'YYYY'), count(*), min(due.at), max(due.at) FROM due GROUP BY 2
"""
_EXAMPLES = """
SELECT (SELECT t.conversation_id FROM conversations_messagecopy k JOIN conversations_thread t ON t.id = k.thread_id
        WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s::uuid[]) ORDER BY k.id LIMIT 1),
       m.at, coalesce(nullif(m.subject, ''), left(m.text, 120))
FROM conversations_message m
WHERE {where} AND EXISTS (SELECT 1 FROM conversations_messagecopy k
                          WHERE k.message_id = m.id AND k.scope_id = ANY (%(scopes)s::uuid[]))
ORDER BY m.at LIMIT 10
"""


def all_messages() -> int:
    number: int = sql.rows("SELECT count(*) FROM conversations_message")[0][0]
    return number


def preview(taking: Taking, scope_ids: Sequence[uuid.UUID]) -> Preview:
    """What would go now; its examples are those that somebody of these scopes may open."""
    moment, on_hold = now(), held()
    where, values = condition(taking, on_hold, moment=moment)
    rows = sql.rows(_PREVIEW.format(where=where), values)
    examples = sql.rows(_EXAMPLES.format(where=where), {**values, "scopes": list(scope_ids)})
    shares = {
        kind: tuple(Share(name, number, first, last) for k, name, number, first, last in rows if k == kind)
        for kind in ("channel", "age")
    }
    total, spared = sum(share.number for share in shares["age"]), 0
    if on_hold:
        free, all_values = condition(taking, Held(), moment=moment)
        spared = (
            sql.rows(f"SELECT count(*) FROM conversations_message m WHERE {free}", all_values)[0][0] - total
        )
    return Preview(
        total=total,
        all=all_messages(),
        held=spared,
        channels=tuple(sorted(shares["channel"], key=lambda share: -share.number)),
        ages=tuple(sorted(shares["age"], key=lambda share: share.name)),
        examples=tuple(Example(talk, at, title) for talk, at, title in examples),
    )
