"""Private notes to colleagues, in a conversation; @Name calls somebody."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.base.ids import new_id
from kith.base.text import clean
from kith.conversations.models import Conversation, Message, MessageCopy, Participant
from kith.conversations.selectors.visible import threads_visible
from kith.conversations.services.actions.common import ActionError
from kith.conversations.services.refresh import conversations_refresh, search_documents_write
from kith.core import audit, events
from kith.teams.errors import NotAllowed
from kith.teams.models import User
from kith.teams.notifications import notify
from kith.teams.types import Viewer

NETWORK = "internal"
LONGEST = 50_000


def mentioned(text: str, users: Iterable[User]) -> list[uuid.UUID]:
    """Ids of the users whom a text calls: "@Full Name", "@Given" when only one is called so, or "@address"."""
    people = list(users)
    given: dict[str, list[User]] = {}
    for user in people:
        given.setdefault(user.name.split(" ")[0].casefold(), []).append(user)
    found: dict[uuid.UUID, None] = {}
    for match in re.finditer(r"(?<![\w@.])@(?=\w)", text):
        rest = text[match.end() : match.end() + 320].casefold()
        fits = [
            (len(name), user)
            for user in people
            for name in (user.name.casefold(), user.email.casefold())
            if rest.startswith(name) and not re.match(r"\w", rest[len(name) :])
        ]
        first = re.match(r"\w+", rest)
        if not fits and first and len(given.get(first.group(), ())) == 1:
            fits = [(0, given[first.group()][0])]
        if fits:
            found[max(fits, key=lambda f: f[0])[1].pk] = None
    return list(found)


@transaction.atomic
def note_add(
    viewer: Viewer,
    conversation_id: uuid.UUID,
    *,
    text: str,
    thread_id: uuid.UUID | None = None,
    mentions: Sequence[uuid.UUID] | None = None,
) -> uuid.UUID:
    """Write a note that only colleagues read, and tell those whom it calls. Returns the message's id.

    It stands in a thread (the newest visible one by default), so it is seen by those who see the thread's scope.
    """
    threads = threads_visible(viewer, conversation_id)
    thread = next((t for t in threads if thread_id is None or t.id == thread_id), None)
    if not viewer.may_write or thread is None:
        raise NotAllowed(_("You may not change this conversation."))
    words = clean(text).strip()
    if not words:
        raise ActionError(_("There is nothing in this note yet."))
    if len(words) > LONGEST:
        raise ActionError(_("This note is too long."))
    users = list(User.objects.filter(is_active=True))
    called = list(mentions) if mentions is not None else mentioned(words, users)
    key, moment = new_id(), now()
    Message.objects.create(
        id=key,
        network=NETWORK,
        external_id=f"note:{key}",
        content_hash="",
        direction=Message.Direction.NOTE,
        at=moment,
        received_at=moment,
        author_id=viewer.user_id,
        text=words,
        visibility="private",
        mentions=called,
    )
    MessageCopy.objects.create(message_id=key, thread=thread, scope_id=thread.scope_id, at=moment)
    about = thread.identity_id or (
        Conversation.objects.filter(pk=conversation_id).values_list("identity_id", flat=True).first()
    )
    if about is not None:  # so that it stands in the person's timeline
        Participant.objects.create(message_id=key, identity_id=about, role="about", at=moment)
    search_documents_write([key])
    conversations_refresh([conversation_id])
    audit.record("note_written", "conversation", conversation_id)
    events.record("note_written", [key])
    actor = next((u.name for u in users if u.pk == viewer.user_id), "")
    notify(
        [u for u in called if u != viewer.user_id],
        kind="mention",
        title=lambda: _("%(name)s calls you in a note") % {"name": actor},
        body=words,
        path=f"/inbox/{conversation_id}/?around={key}",
        subject_id=conversation_id,
        scope_id=thread.scope_id,
    )
    return key
