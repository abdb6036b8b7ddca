"""What colleagues keep for answering: saved replies, macros, assignment rules."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kith.contacts.library import LibraryError
from kith.core import audit
from kith.engagement.models import AssignmentRule, Macro, SavedReply
from kith.teams.models import Team, User

STEPS = ("reply", "note", "tag", "team", "assign", "priority", "close")
CONDITION_FIELDS: dict[str, Any] = {
    "subject": gettext_lazy("Subject"),
    "text": gettext_lazy("Text"),
    "from": gettext_lazy("Sender"),
    "to": gettext_lazy("Our address"),
    "network": gettext_lazy("Network"),
    "language": gettext_lazy("Language"),
}
CONDITION_OPS: dict[str, Any] = {
    "contains": gettext_lazy("contains"),
    "is": gettext_lazy("is"),
    "begins": gettext_lazy("begins with"),
    "lacks": gettext_lazy("does not contain"),
}


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise LibraryError(_("A name of at most 120 characters is needed."), field="name")
    return name


@transaction.atomic
def saved_reply_save(
    *,
    name: str,
    text: str,
    user: User,
    shortcut: str = "",
    team: Team | None = None,
    language: str = "",
    reply: SavedReply | None = None,
) -> SavedReply:
    """Make or change a saved reply; `team` None: everyone has it."""
    if not text.strip():
        raise LibraryError(_("A text is needed."), field="text")
    if shortcut and SavedReply.objects.filter(shortcut=shortcut, team=team).exclude(
        pk__in=[reply.pk] if reply else []
    ):
        raise LibraryError(_("This shortcut is taken."), field="shortcut")
    reply = reply or SavedReply(created_by=user)
    reply.name, reply.text, reply.shortcut, reply.team, reply.language = (
        _named(name),
        text,
        shortcut,
        team,
        language,
    )
    reply.save()
    audit.record("saved_reply_saved", "saved_reply", reply.id, name=reply.name)
    return reply


@transaction.atomic
def saved_reply_delete(*, reply: SavedReply) -> None:
    audit.record("saved_reply_deleted", "saved_reply", reply.id, name=reply.name)
    reply.delete()


@transaction.atomic
def macro_save(
    *,
    name: str,
    steps: list[dict[str, Any]],
    user: User,
    team: Team | None = None,
    macro: Macro | None = None,
) -> Macro:
    """Make or change a macro; see `Macro.steps`."""
    if not steps:
        raise LibraryError(_("Choose at least one step."))
    if any(step.get("do") not in STEPS for step in steps):
        raise LibraryError(_("There is no such step."))
    macro = macro or Macro(created_by=user)
    macro.name, macro.steps, macro.team = _named(name), steps, team
    macro.save()
    audit.record("macro_saved", "macro", macro.id, name=macro.name)
    return macro


@transaction.atomic
def macro_delete(*, macro: Macro) -> None:
    audit.record("macro_deleted", "macro", macro.id, name=macro.name)
    macro.delete()


@transaction.atomic
def rule_save(
    *,
    name: str,
    conditions: list[dict[str, str]],
    team: Team | None,
    assignee: User | None,
    spread: bool = False,
    priority: int | None = None,
    tag: str = "",
    enabled: bool = True,
    rule: AssignmentRule | None = None,
) -> AssignmentRule:
    """Make or change a rule; a new one stands last."""
    for condition in conditions:
        if condition.get("field") not in CONDITION_FIELDS or condition.get("op") not in CONDITION_OPS:
            raise LibraryError(_("There is no such condition."))
    if not conditions:
        raise LibraryError(_("Give at least one condition."))
    if team is None and assignee is None and priority is None and not tag:
        raise LibraryError(_("Say what the rule does."))
    if spread and team is None:
        raise LibraryError(_("Choose the team whose members take turns."), field="spread")
    if rule is None:
        last = AssignmentRule.objects.order_by("-position").values_list("position", flat=True).first()
        rule = AssignmentRule(position=0 if last is None else last + 1)
    rule.name, rule.conditions, rule.team, rule.assignee = _named(name), conditions, team, assignee
    rule.spread, rule.priority, rule.tag, rule.enabled = spread, priority, tag[:60], enabled
    rule.save()
    audit.record("rule_saved", "assignment_rule", rule.id, name=rule.name)
    return rule


@transaction.atomic
def rule_delete(*, rule: AssignmentRule) -> None:
    audit.record("rule_deleted", "assignment_rule", rule.id, name=rule.name)
    rule.delete()


@transaction.atomic
def rule_move(*, rule: AssignmentRule, by: int) -> None:
    """Earlier (-1) or later (1); the first that fits wins."""
    rows = list(AssignmentRule.objects.select_for_update().order_by("position", "id"))
    at = next(i for i, row in enumerate(rows) if row.pk == rule.pk)
    to = max(0, min(len(rows) - 1, at + by))
    rows.insert(to, rows.pop(at))
    for position, row in enumerate(rows):
        if row.position != position:
            AssignmentRule.objects.filter(pk=row.pk).update(position=position)
