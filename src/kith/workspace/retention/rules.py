"""Retention rules are made, looked at, and only then switched on."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kith.base.clock import now
from kith.core import audit
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.workspace.models import RetentionRule
from kith.workspace.retention.choosing import Preview, demanded

SEEN_FOR = timedelta(hours=1)
SHORTEST, LONGEST = 1, 36_500
_SALT = "kith.retention.seen"


class RetentionError(Exception):
    """Why a rule can't be saved or switched on, in the reader's language; `field` is the one to blame."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def rule_save(
    *,
    user: User,
    name: str,
    days: int,
    network: str = "",
    channel_account: ChannelAccount | None = None,
    purpose: str = RetentionRule.Purpose.MESSAGES,
    action: str = RetentionRule.Action.DELETE,
    since: str = RetentionRule.Since.ACTIVITY,
    rule: RetentionRule | None = None,
) -> RetentionRule:
    """Make or change a rule. It takes nothing before somebody has seen what would go, and switched it on: a change that
    alters what it takes switches it off."""
    name = " ".join(name.split())
    if not name:
        raise RetentionError(_("Give it a name."), field="name")
    if not SHORTEST <= days <= LONGEST:
        raise RetentionError(_("From 1 to 36500 days."), field="days")
    if channel_account is not None:
        network = ""
    own = channel_account.network if channel_account else network
    for limit in demanded():
        if action == RetentionRule.Action.DELETE and limit.network == own and days > limit.days:
            raise RetentionError(
                ngettext(
                    "%(network)s allows %(num)d day at most. A rule can be stricter, not looser.",
                    "%(network)s allows %(num)d days at most. A rule can be stricter, not looser.",
                    limit.days,
                )
                % {"network": limit.name, "num": limit.days},
                field="days",
            )
    with transaction.atomic():
        if rule is not None:
            rule = RetentionRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
        row = rule or RetentionRule()
        before = _definition(row) if rule else None
        row.name, row.days, row.network, row.channel_account = name[:120], days, network, channel_account
        row.purpose, row.action, row.since = purpose, action, since
        if before != _definition(row):
            row.enabled_at = row.enabled_by = row.stopped_at = None
            row.may_take = 0
        row.save()
        audit.record("retention_rule_saved", "retention", row.pk, rule=row.name)
    return row


def _definition(rule: RetentionRule) -> list[object]:
    account = str(rule.channel_account_id or "")
    return [str(rule.pk), rule.network, account, rule.purpose, rule.action, rule.since, rule.days]


def seen_token(rule: RetentionRule, shown: Preview) -> str:
    """What the page that shows a preview carries, as the proof that it was shown."""
    return signing.dumps([_definition(rule), shown.total], salt=_SALT)


def rule_enable(*, rule_id: uuid.UUID, user: User, seen: str) -> RetentionRule:
    """Switch on, or let go on after it was stopped. Raises RetentionError unless the preview of exactly this rule was seen
    within the hour: as much as that showed may go in one night, and a tenth more."""
    with transaction.atomic():
        row = RetentionRule.objects.select_for_update(of=("self",)).get(pk=rule_id)
        try:
            definition, total = signing.loads(seen, salt=_SALT, max_age=SEEN_FOR)
        except signing.BadSignature as error:
            raise RetentionError(_("Look at what would go first; what you saw is too old.")) from error
        if definition != _definition(row):
            raise RetentionError(_("The rule has changed since. Look at what would go now."))
        row.enabled_at, row.enabled_by, row.stopped_at = now(), user, None
        row.may_take = total + total // 10
        row.save()
        audit.record("retention_rule_enabled", "retention", row.pk, rule=row.name, messages=total)
    return row


def rule_disable(*, rule_id: uuid.UUID) -> None:
    with transaction.atomic():
        row = RetentionRule.objects.select_for_update(of=("self",)).get(pk=rule_id)
        row.enabled_at = row.enabled_by = row.stopped_at = None
        row.may_take = 0
        row.save()
        audit.record("retention_rule_disabled", "retention", row.pk, rule=row.name)


def rule_delete(*, rule_id: uuid.UUID) -> None:
    """The rule goes; what it took stays in the log."""
    with transaction.atomic():
        row = RetentionRule.objects.filter(pk=rule_id).first()
        if row is not None:
            audit.record("retention_rule_deleted", "retention", row.pk, rule=row.name)
            row.delete()
