"""Saved replies: texts with placeholders, filled in for the person who is answered."""

from __future__ import annotations

import re
import uuid

from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from kith.contacts.models import Contact
from kith.contacts.names import Greeting, greeting, greeting_name
from kith.conversations.models import Conversation
from kith.conversations.selectors import conversation_scopes
from kith.core import company
from kith.engagement.models import SavedReply
from kith.engagement.selectors import saved_replies
from kith.teams.errors import NotAllowed
from kith.teams.models import User
from kith.teams.types import Viewer

PLACEHOLDERS = ("greeting", "formal_greeting", "name", "agent", "company")
# A salutation that asks for a name: without one it is none ("Dear,"), so that a greeting without a name takes its place.
_SALUTATION = re.compile(
    r"(?im)^[ \t]*(?:dear|liebe[rs]?|liebe[/*:_]r|lieber?/liebe|sehr geehrte[rs]?|estimad[oa]|estimad[oa][/()]\w*\)?|querid[oa]|"
    r"hi|hello|hey|hallo|moin|servus|guten (?:tag|morgen|abend)|good (?:day|morning|afternoon|evening)|hola|buenos d[ií]as|"
    r"buenas (?:tardes|noches))(?:[ \t]+(?:herr|frau|mr\.?|mrs\.?|ms\.?|sr\.?|sra\.?|señora?))?,?[ \t]+\{name\}[ \t]*(?P<end>[,:;!.]?)"
)
_BARE = re.compile(r"(?i)^[ \t]*(?:dear|liebe|sehr geehrte|estimad|querid)")
_FIRST = re.compile(r"(?m)(?:^|(?<=[.!?¡¿] ))[ \t]*\{name\}[,:;!]?[ \t]*(\w?)")
_PLACE = re.compile(r"\{(\w+)\}")


def _person(viewer: Viewer, conversation_id: uuid.UUID | None) -> Contact | None:
    if conversation_id is None:
        return None
    if not conversation_scopes(viewer, conversation_id):
        raise NotAllowed(_("You may not see this conversation."))
    found = (
        Conversation.objects.filter(pk=conversation_id).select_related("identity__contact__canonical").first()
    )
    if found is None or found.identity is None or found.identity.contact is None:
        return None
    return found.identity.contact.canonical


def name_to_greet(contact: Contact | None) -> str:
    """How a person wants to be called; else a given name that surely is one; else ""."""
    if contact is None:
        return ""
    return greeting_name(
        preferred=contact.preferred_name, given=contact.given_name, confidence=contact.name_confidence
    )


def text_resolve(viewer: Viewer, text: str, *, conversation_id: uuid.UUID | None, language: str = "") -> str:
    """Fill in placeholders. Without a sure name, {greeting} greets without one, and {name} goes with what belongs to it."""
    contact = _person(viewer, conversation_id)
    spoken = (language or (contact.language if contact else "") or translation.get_language() or "en")[:2]
    plain, formal = (_greeting(contact, spoken, formal=formal) for formal in (False, True))
    values = {
        "greeting": plain.text,
        "formal_greeting": formal.text,
        "agent": User.objects.filter(pk=viewer.user_id).values_list("name", flat=True).first() or "",
        "company": company.name(),
    }
    name = plain.name_used or ""
    if not name:
        text = without_name(text, nameless=plain.text)
    values["name"] = name
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


def _greeting(contact: Contact | None, language: str, *, formal: bool) -> Greeting:
    return greeting(
        preferred=contact.preferred_name if contact else "",
        given=contact.given_name if contact else "",
        confidence=contact.name_confidence if contact else 0.0,
        country=contact.country if contact else "",
        language=language,
        formal=formal,
    )


def without_name(text: str, *, nameless: str) -> str:
    """A text in which {name} stood for a name that we don't have: "Dear {name}," becomes `nameless`, "Hi {name}!" "Hi!"."""

    def salutation(match: re.Match[str]) -> str:
        if _BARE.match(match[0]):
            return nameless
        kept = match[0][: match[0].index("{name}")].rstrip(" \t,")
        kept = re.sub(r"(?i)[ \t]+(herr|frau|mr\.?|mrs\.?|ms\.?|sr\.?|sra\.?|señora?)$", "", kept)
        return kept + match["end"]

    text = _SALUTATION.sub(salutation, text)
    text = _FIRST.sub(lambda match: match[1].upper(), text)
    return re.sub(r",?[ \t]*\{name\}", "", text)


@transaction.atomic
def saved_reply_text(viewer: Viewer, reply_id: uuid.UUID, *, conversation_id: uuid.UUID | None) -> str:
    """A saved reply, filled in for the person of a conversation. Counts its use."""
    row = next((r for r in saved_replies(viewer) if r.pk == reply_id), None)
    if row is None:
        raise NotAllowed(_("You may not use this."))
    SavedReply.objects.filter(pk=row.pk).update(use_count=F("use_count") + 1)
    return text_resolve(viewer, row.text, conversation_id=conversation_id, language=row.language)
