"""Drafts: kept as they are typed, one for each user, conversation and mode."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.ids import new_id
from kith.base.text import clean, clean_value
from kith.conversations.models import Draft
from kith.conversations.selectors.visible import conversation_scopes
from kith.core.asking import Ask
from kith.core.objects import objects_ask
from kith.networks.models import ChannelAccount
from kith.teams.errors import NotAllowed
from kith.teams.types import Viewer

LONGEST = 500_000
MODES = ("reply", "note", "forward", "new")


def drafts_ask(viewer: Viewer, conversation_id: uuid.UUID) -> Ask:
    """The viewer's drafts in a conversation, to be asked together with other lists."""
    given = {"me": viewer.user_id, "conversation": conversation_id}
    return objects_ask(Draft, "r.user_id = %(me)s AND r.conversation_id = %(conversation)s", given)


@transaction.atomic
def draft_save(
    viewer: Viewer,
    *,
    conversation_id: uuid.UUID | None = None,
    draft_id: uuid.UUID | None = None,
    mode: str = "reply",
    body: str = "",
    subject: str = "",
    recipients: Mapping[str, Any] | None = None,
    channel_account_id: uuid.UUID | None = None,
    reply_to_id: uuid.UUID | None = None,
    attachments: Sequence[Mapping[str, Any]] | None = (),
) -> Draft:
    """Keep what is being written. Without a conversation, `draft_id` None begins a new one. `attachments` None leaves the
    draft's files as they are.

    Raises NotAllowed for a conversation or channel account that the viewer can't use.
    """
    if not viewer.may_write or mode not in MODES:
        raise NotAllowed(_("You may not write here."))
    if conversation_id is not None and not conversation_scopes(viewer, conversation_id):
        raise NotAllowed(_("You may not write here."))
    if channel_account_id is not None and not (
        ChannelAccount.objects.filter(pk=channel_account_id, scope_id__in=viewer.scope_ids).exists()
    ):
        raise NotAllowed(_("You may not write from this channel."))
    values: dict[str, Any] = {
        "body": clean(body)[:LONGEST],
        "subject": clean(subject)[:500],
        "recipients": clean_value(dict(recipients or {})),
        "channel_account_id": channel_account_id,
        "reply_to_id": reply_to_id,
    }
    if attachments is not None:
        values["attachments"] = clean_value([dict(a) for a in attachments])
    if conversation_id is not None:
        row, _made = Draft.objects.update_or_create(
            user_id=viewer.user_id, conversation_id=conversation_id, mode=mode, defaults=values
        )
        return row
    known = None
    if draft_id is not None:
        known = Draft.objects.filter(pk=draft_id, user_id=viewer.user_id, conversation=None).first()
    if known is None:
        return Draft.objects.create(user_id=viewer.user_id, mode=mode, **values)
    for name, value in values.items():
        setattr(known, name, value)
    known.save()
    return known


def draft_get(
    viewer: Viewer,
    *,
    conversation_id: uuid.UUID | None = None,
    mode: str = "reply",
    draft_id: uuid.UUID | None = None,
) -> Draft | None:
    """One's own draft, by conversation and mode, or by id."""
    rows = Draft.objects.filter(user_id=viewer.user_id)
    if draft_id is not None:
        return rows.filter(pk=draft_id).first()
    if conversation_id is None or not conversation_scopes(viewer, conversation_id):
        return None
    return rows.filter(conversation_id=conversation_id, mode=mode).first()


def draft_delete(
    viewer: Viewer,
    *,
    conversation_id: uuid.UUID | None = None,
    mode: str = "reply",
    draft_id: uuid.UUID | None = None,
) -> None:
    """Forget a draft: it was sent, or is not wanted. Without either key nothing goes."""
    rows = Draft.objects.filter(user_id=viewer.user_id)
    if draft_id is not None:
        rows.filter(pk=draft_id).delete()
    elif conversation_id is not None:
        rows.filter(conversation_id=conversation_id, mode=mode).delete()


@transaction.atomic
def draft_files_change(
    viewer: Viewer,
    *,
    conversation_id: uuid.UUID,
    mode: str = "reply",
    add: Sequence[Mapping[str, Any]] = (),
    remove: str = "",
    alt_texts: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Change the files of one's own draft, which is made if there is none; each has a `key` of its own. Returns them all."""
    if not viewer.may_write or mode not in MODES or not conversation_scopes(viewer, conversation_id):
        raise NotAllowed(_("You may not write here."))
    row, _made = Draft.objects.select_for_update().get_or_create(
        user_id=viewer.user_id, conversation_id=conversation_id, mode=mode
    )
    files = [dict(f) for f in row.attachments if f.get("key") != remove]
    for item in files:
        if alt_texts and (words := alt_texts.get(str(item.get("key")))) is not None:
            item["alt_text"] = clean(words)[:1500]
    files += [{"key": new_id().hex, **clean_value(dict(f))} for f in add]
    row.attachments = files
    row.save(update_fields=["attachments", "changed_at"])
    return files


def drafts_of(viewer: Viewer) -> list[Draft]:
    """One's own drafts that say something, newest first."""
    rows = Draft.objects.filter(user_id=viewer.user_id).exclude(body="", subject="").order_by("-changed_at")
    return list(rows.select_related("conversation", "channel_account")[:200])
