"""Run within a real house: connect channels, wait for what people said there, and for its deletion to be followed."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

WAIT = 290.0  # seconds


def connect(network: str, values: dict[str, str]) -> str:
    """The channel account's id, connected as a person would connect it."""
    from kith.channels import gateway
    from kith.networks.models import ChannelAccount, ChannelHealth
    from kith.networks.selectors import manifest_of
    from kith.networks.services import values_split
    from tests.support import house

    manifest = manifest_of(network)
    assert manifest is not None
    settings, secrets = values_split(manifest, values)
    own = gateway.check(network, settings, secrets)
    account = ChannelAccount.objects.create(
        network=network, name=network, address=own.handle, external_id=own.external_id, realm=own.realm,
        display_name=own.display_name, details=dict(own.details), settings=settings, secrets=secrets,
        history_until=house.LONG_AGO, scope=house.everyone(),
    )  # fmt: skip
    ChannelHealth.objects.create(channel_account=account)
    return str(account.pk)


def tables_with(word: str) -> list[str]:
    from kith.core import sql

    tables = sql.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    return [
        table
        for (table,) in tables
        if sql.rows(
            f'SELECT 1 FROM "{table}" t WHERE t::text ILIKE %s OR t::text ILIKE %s LIMIT 1',
            [f"%{word}%", f"%{word.encode().hex()}%"],
        )
    ]


def _until(check: Any, what: str) -> Any:
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {WAIT:g} s")


def plant(word: str) -> dict[str, Any]:
    """When a message with this word has come: know something from it, quote it in a draft, and hold an offer that rests on it."""
    from django.db import transaction

    from kith.conversations.models import Message, SearchDocument

    message = _until(lambda: Message.objects.filter(text__contains=word).first(), f"the arrival of {word}")
    _until(lambda: SearchDocument.objects.filter(message=message).exists(), "its search document")
    with transaction.atomic():
        return _planted(message, word)


def _planted(message: Any, word: str) -> dict[str, Any]:
    from kith.campaigns.models import Mailing
    from kith.contacts.services import contact_for_identity, fact_record
    from kith.conversations.models import Draft
    from kith.networks.models import ChannelAccount
    from kith.teams.models import Notification, User
    from kith.trust.facts_used import used_fact
    from kith.trust.models import Decision, Touch
    from tests.support import house

    user = User.objects.filter(email="mara@us.example").first() or house.user()
    person = message.participants.get(role="from").identity
    contact = contact_for_identity(identity=person)
    fact = fact_record(
        contact_id=contact.pk, attribute="wants", value=f"a {word}", source="public_post", quote=message.text,
        message_id=message.pk,
    )  # fmt: skip
    talk = message.copies.get().thread.conversation_id
    quote = "\n".join(f"> {line}".rstrip() for line in message.text.splitlines())
    Draft.objects.create(user=user, conversation_id=talk, body=f"{quote}\n\nCome in.", reply_to_id=message.pk)
    Notification.objects.create(
        user=user, kind="message", title="They wrote", body=message.text[:80], subject_id=talk
    )
    account = ChannelAccount.objects.get(network=message.network)
    mailing = Mailing.objects.create(title=message.network, purpose="news", account=account)
    touch = Touch.objects.create(
        identity=person, kind="campaign", channel="direct", purpose="news", state="held", mailing_id=mailing.pk,
        based_on=[used_fact(fact).kept()], planned_for=house.ago(days=-30), contact=contact,
    )  # fmt: skip
    Decision.objects.create(touch=touch, outcome="hold", rule="surprise", sentence="It waits.")
    return {"message": str(message.pk), "touch": str(touch.pk), "tables": tables_with(word)}


def watch(words: dict[str, str]) -> dict[str, dict[str, float]]:
    """Of each {word: its held touch}: when no table had it any more, and when the gate had denied what rested on it."""
    from kith.trust.models import Touch

    gone: dict[str, dict[str, float]] = {word: {} for word in words}

    def look() -> bool:
        for word, touch in words.items():
            if "words" not in gone[word] and not tables_with(word):
                gone[word]["words"] = time.time()
            if "denied" not in gone[word] and Touch.objects.get(pk=touch).state == "denied":
                gone[word]["denied"] = time.time()
        return all(len(found) == 2 for found in gone.values())

    try:
        _until(look, "the deletion of all")
    except AssertionError as error:
        left = {word: tables_with(word) for word, found in gone.items() if "words" not in found}
        raise AssertionError(f"{error}: {gone}, {left}") from None
    return gone


def main(what: str, *arguments: Any) -> None:
    from django.db import connection

    sys.stdout.write(
        "\n" + json.dumps({"connect": connect, "plant": plant, "watch": watch}[what](*arguments))
    )
    connection.close()
