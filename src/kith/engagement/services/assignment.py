"""Rules that give new conversations to teams and colleagues: the first that fits."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.models import Tag
from kith.conversations.models import (
    Conversation,
    ConversationLogEntry,
    ConversationScope,
    ConversationTag,
    Message,
    MessageCopy,
)
from kith.conversations.services import conversations_refresh
from kith.core import audit
from kith.engagement.models import AssignmentRule
from kith.teams.models import User
from kith.teams.notifications import notify
from kith.teams.selectors import viewer_of


def fits(conditions: Sequence[dict[str, str]], values: dict[str, str]) -> bool:
    """Whether all conditions hold; case does not count. A rule without conditions fits everything."""
    for condition in conditions:
        have, want = values.get(condition["field"], "").casefold(), condition["value"].casefold()
        held = {
            "contains": want in have,
            "is": have == want,
            "begins": have.startswith(want),
            "lacks": want not in have,
        }
        if not held.get(condition["op"], False):
            return False
    return True


def assignment_rules_apply(kind: str, message_ids: Sequence[uuid.UUID]) -> None:
    """Subscriber: rule on the conversations of new messages that no rule has looked at. Idempotent."""
    copies = (
        MessageCopy.objects.filter(
            message_id__in=message_ids,
            message__direction=Message.Direction.IN,
            message__history=False,
            message__automatic="",
            thread__conversation__ruled_at=None,
        )
        .select_related("message__sender", "thread", "channel_account")
        .order_by("id")
    )
    first: dict[uuid.UUID, MessageCopy] = {}
    for copy in copies:
        first.setdefault(copy.thread.conversation_id, copy)
    if not first:
        return
    rules = list(AssignmentRule.objects.filter(enabled=True).order_by("position", "id"))
    with transaction.atomic():
        rows = Conversation.objects.select_for_update().filter(pk__in=first, ruled_at=None).order_by("pk")
        for row in rows:
            values = _values(first[row.pk])
            rule = next((r for r in rules if fits(r.conditions, values)), None)
            row.ruled_at = now()
            if rule is not None:
                _apply(rule, row)
            row.save(update_fields=["ruled_at", "team", "assignee", "priority"])
        conversations_refresh(first)


def _values(copy: MessageCopy) -> dict[str, str]:
    message, sender, account = copy.message, copy.message.sender, copy.channel_account
    address = sender.external_id if sender else ""
    return {
        "subject": message.subject,
        "text": message.text[:20_000],
        "from": f"{sender.display_name} {sender.external_id}" if sender and sender.display_name else address,
        "to": account.address if account else "",
        "network": message.network,
        "visibility": message.visibility,
        "language": message.language,
    }


def _apply(rule: AssignmentRule, row: Conversation) -> None:
    """What a colleague decided by hand stays."""
    if row.team_id is None or rule.team_id is not None:
        row.team_id = rule.team_id or row.team_id
    if row.assignee_id is None:
        row.assignee_id = _somebody(rule, row.pk)
    if rule.priority is not None:
        row.priority = rule.priority
    if rule.tag:
        tag, _made = Tag.objects.get_or_create(name=rule.tag)
        ConversationTag.objects.get_or_create(conversation=row, tag=tag)
    ConversationLogEntry.objects.create(
        conversation=row,
        kind="ruled",
        details={"rule": rule.name, "team": str(rule.team_id or ""), "to_id": str(row.assignee_id or "")},
    )
    audit.record("conversation_ruled", "conversation", row.pk, rule=rule.name)
    if row.assignee_id is not None:
        _tell(row, row.assignee_id)


def _tell(row: Conversation, user_id: uuid.UUID) -> None:
    shown = (
        ConversationScope.objects.filter(
            conversation=row, scope_id__in=viewer_of(User.objects.get(pk=user_id)).scope_ids
        )
        .order_by("-last_at")
        .first()
    )
    if shown is not None:
        notify(
            [user_id],
            kind="assigned",
            title=lambda: _("A new conversation is yours"),
            body=shown.subject or shown.snippet,
            path=f"/inbox/{row.pk}/",
            subject_id=row.pk,
            scope_id=shown.scope_id,
        )


def _somebody(rule: AssignmentRule, conversation_id: uuid.UUID) -> uuid.UUID | None:
    """The rule's colleague, or the member of its team with the fewest open conversations; never one who can't see it."""
    team = rule.team_id if rule.spread else None
    if rule.assignee_id is None and team is None:
        return None
    people = User.objects.filter(is_active=True, away=False).exclude(role="viewer")
    if rule.assignee_id is not None:
        people = people.filter(pk=rule.assignee_id)
    elif team is not None:
        people = people.filter(membership__team_id=team)
    load = people.annotate(load=Count("conversations", filter=Q(conversations__status="open"))).order_by(
        "load", "name"
    )
    for user in load:
        if ConversationScope.objects.filter(
            conversation_id=conversation_id, scope_id__in=viewer_of(user).scope_ids
        ).exists():
            return user.pk
    return None
