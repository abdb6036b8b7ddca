"""The night's work of retention: rule after rule, in batches, each a transaction of its own.

What a batch takes is asked again in its transaction, so that a hold placed meanwhile, or an answer that came, is seen. An
interrupted night goes on where it was: what went is not chosen again.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.core import audit
from kith.teams.models import User
from kith.teams.notifications import notify
from kith.workspace.models import RetentionRule, RetentionRun
from kith.workspace.retention import holds
from kith.workspace.retention.choosing import Taking, all_messages, chosen, demanded
from kith.workspace.retention.removal import messages_take

log = logging.getLogger(__name__)
BATCH = 1000
BRAKE_PERCENT = 20  # of all messages, in one night, by all rules together
BRAKE_FROM = 50  # so few are no accident


def retention_run() -> list[RetentionRun]:
    """What networks demand, then every rule that is switched on and not stopped. Returns the runs that took something, or
    were stopped."""
    found = [run for taking in demanded() if (run := _take(taking)) is not None]
    for rule in RetentionRule.objects.exclude(enabled_at=None).filter(stopped_at=None).order_by("pk"):
        run = _take(Taking.of(rule), rule)
        if run is not None:
            found.append(run)
    return found


def _take(taking: Taking, rule: RetentionRule | None = None) -> RetentionRun | None:
    ids = chosen(taking)
    open_runs = RetentionRun.objects.filter(
        rule=rule, network="" if rule else taking.network, state="running"
    )
    run = open_runs.order_by("-pk").first()  # of a night that was interrupted
    if not ids:
        if run is not None:
            _finish(run)
        return run
    if rule is not None and run is None and _too_much(rule, taking, len(ids)):
        return _stop(rule, taking, len(ids))
    run = run or RetentionRun(
        rule=rule, network="" if rule else taking.network, name=taking.name[:120], action=taking.action
    )
    run.total = run.done + len(ids)
    run.save()
    gone = Counter(run.report)
    for start in range(0, len(ids), BATCH):
        with transaction.atomic():
            holds.lock()
            if rule is not None and not _still_on(rule):
                break
            batch = chosen(taking, ids[start : start + BATCH])
            gone += messages_take(batch, taking.action)
            run.done += len(batch)
            run.report = dict(gone)
            run.save(update_fields=["done", "report", "total"])
    _finish(run)
    return run


def _still_on(rule: RetentionRule) -> bool:
    """Whether nobody changed it or switched it off meanwhile; nobody can until this transaction is over."""
    return (
        RetentionRule.objects.select_for_update(of=("self",))
        .filter(pk=rule.pk, enabled_at=rule.enabled_at, stopped_at=None)
        .exists()
    )


def _finish(run: RetentionRun) -> None:
    with transaction.atomic():
        run.state, run.finished_at = "done", now()
        run.save(update_fields=["state", "finished_at"])
        if run.rule_id:
            RetentionRule.objects.filter(pk=run.rule_id).update(may_take=0)
        audit.record("retention_ran", "retention", run.rule_id, rule=run.name, messages=run.done)
    log.info("retention: %s took %s messages", run.name, run.done)


def _too_much(rule: RetentionRule, taking: Taking, due: int) -> bool:
    """Whether this night would take a suddenly large part of everything that nobody has looked at."""
    if taking.action != RetentionRule.Action.DELETE or due < BRAKE_FROM or due <= rule.may_take:
        return False
    tonight = RetentionRun.objects.filter(
        created_at__gt=now() - timedelta(hours=20), action=RetentionRule.Action.DELETE
    ).aggregate(all=Sum("done"))["all"]
    taken = tonight or 0
    return (taken + due) * 100 > BRAKE_PERCENT * (all_messages() + taken)


def _stop(rule: RetentionRule, taking: Taking, due: int) -> RetentionRun:
    """Take nothing, and ask the administrators."""
    everything = all_messages()
    with transaction.atomic():
        RetentionRule.objects.filter(pk=rule.pk).update(
            stopped_at=now(), stopped_due=due, stopped_of=everything
        )
        run = RetentionRun.objects.create(
            rule=rule,
            name=taking.name[:120],
            action=taking.action,
            state="stopped",
            total=due,
            finished_at=now(),
        )
        audit.record("retention_stopped", "retention", rule.pk, rule=rule.name, messages=due)
        bosses = [user.pk for user in User.objects.filter(is_active=True) if user.administers]
        notify(
            bosses,
            kind="alarm",
            title=lambda: _("A retention rule was stopped"),
            body=rule.name,
            path=f"/settings/retention/{rule.pk}/",
            subject_id=rule.pk,
        )
    return run
