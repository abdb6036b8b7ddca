"""Who answers an offer with "unsubscribe", or its like and nothing else, is unsubscribed, as if they had used the link.

Only a sender who is proven, only where the offer went to that very address, and only where the whole message is such a word:
"stop" to a colleague means something else. The message arrives as any other, and the conversation says what was done.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction

from kith.contacts.models import Identity
from kith.conversations.models import Conversation, ConversationLogEntry, Message, Participant
from kith.conversations.services import conversations_refresh
from kith.core import events
from kith.trust.models import Consent, Touch
from kith.trust.pressure import OFFERS
from kith.trust.services import Proof, unsubscribe
from kith.trust.services.consents import identity_lock
from kith.trust.wishes import channel_of_identity, selling_recipient

LONGEST = 80  # characters that anybody needs to say it
SAID = frozenset(
    " ".join(word.split())
    for word in """
    unsubscribe|unsubscribe me|please unsubscribe|please unsubscribe me|unsubscribe please|stop|stop please|please stop|stop it
    remove|remove me|please remove me|take me off your list|take me off the list|opt out|optout|no more emails|no more mails
    abmelden|bitte abmelden|abmeldung|abbestellen|bitte abbestellen|austragen|bitte austragen|bitte streichen|stopp|bitte stopp
    keine werbung|keine werbung mehr|keine mails mehr|keine e mails mehr|newsletter abbestellen|newsletter abmelden
    baja|dar de baja|darme de baja|dame de baja|deme de baja|quiero darme de baja|cancelar suscripcion|cancelar suscripción
    no más correos|no mas correos|basta
    désabonner|desabonner|me désabonner|se désabonner|désinscription|désinscrire|me désinscrire|arrêter
    disiscrivi|disiscrivimi|cancellami|annulla iscrizione|cancelar inscrição|remover|afmelden|uitschrijven
    """.replace("\n", "|").split("|")
) - {""}
PREFIXES = ("re:", "aw:", "rv:", "sv:", "antw:")


def says_stop(subject: str, own_words: str) -> bool:
    """Whether this is all that a message says; the words alone, or none of them below such a subject.

    >>> says_stop("Re: New bells", " Unsubscribe! "), says_stop("ABMELDEN", ""), says_stop("", "Stop by on Monday")
    (True, True, False)
    """
    own, head = _plain(own_words), _plain(_without_prefix(subject))
    return own in SAID or (not own and head in SAID)


def _without_prefix(subject: str) -> str:
    subject = subject.strip()[:LONGEST]
    while subject.casefold().startswith(PREFIXES):
        subject = subject.partition(":")[2].strip()
    return subject


def _plain(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST:
        return text
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text.casefold()).split())


def on_message_recorded(kind: str, ids: Sequence[uuid.UUID]) -> None:
    """Idempotent: a message unsubscribes once, also where its sender has subscribed anew since."""
    rows = (
        Message.objects.filter(pk__in=ids, direction=Message.Direction.IN, automatic="", history=False)
        .filter(visibility="private", sender__kind="person")
        .select_related("sender")
    )
    for message in rows:
        ends = [at for at in (message.quote_at, message.signature_at) if at is not None]
        own = message.text[: min(ends)] if ends else message.text
        sender = message.sender
        if (
            sender
            and says_stop(message.subject, own)
            and _proven(message, sender)
            and _to_an_offer(message, sender)
        ):
            _stop(message, sender, own.strip() or message.subject)


def _proven(message: Message, sender: Identity) -> bool:
    said = Participant.objects.filter(message=message, identity=sender, role="from")
    return said.exclude(verified__in=["none", "failed"]).exists()


def _to_an_offer(message: Message, sender: Identity) -> bool:
    """An answer to an offer that went to its sender alone; or a mail of its own, of that subject, from who got offers."""
    if message.in_reply_to:
        offers = Message.objects.filter(
            network=message.network, external_id=message.in_reply_to, direction=Message.Direction.OUT
        )
        return any(selling_recipient(offer.pk) == (True, sender.pk) for offer in offers)
    made = Touch.objects.filter(identity=sender, kind__in=OFFERS, state=Touch.State.MADE)
    return says_stop(message.subject, "") and made.exists()


@transaction.atomic
def _stop(message: Message, sender: Identity, words: str) -> None:
    identity_lock(sender.pk)
    done = ConversationLogEntry.objects.filter(kind="unsubscribed", details__message=str(message.pk))
    if done.exists() or Consent.objects.filter(identity=sender, proof__place=str(message.pk)).exists():
        return
    proof = Proof(
        "answer",
        words[:LONGEST],
        language=message.language,
        place=str(message.pk),
        address=sender.handle or sender.external_id,
    )
    unsubscribe(identity_id=sender.pk, channel=channel_of_identity(sender), proof=proof)
    talks = list(
        Conversation.objects.filter(threads__copies__message=message).values_list("pk", flat=True).distinct()
    )
    ConversationLogEntry.objects.bulk_create(
        ConversationLogEntry(conversation_id=pk, kind="unsubscribed", details={"message": str(message.pk)})
        for pk in talks
    )
    conversations_refresh(talks)


def subscribe() -> None:
    events.subscribe("channels.stopping", ["message_recorded"], on_message_recorded)
