"""Calls the API as a token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.test import Client

from kith.teams.models import User


@dataclass
class Api:
    """Calls the API as one token; answers are (status, JSON, response)."""

    raw: str
    user: User

    def __call__(
        self, method: str, path: str, body: Any = None, *, status: int | None = None, **headers: str
    ) -> Any:
        response: HttpResponse = Client().generic(  # type: ignore[assignment]
            method,
            f"/api/v1{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.raw}", **headers},
        )
        if status is not None:
            assert response.status_code == status, response.content.decode()[:2000]
            return json.loads(response.content) if response.content else None
        return response


def furnish(api: Api) -> dict[str, str]:
    """A person with a mail in a conversation, a company, a channel, a webhook, a mailing: ids by name. For an administrator's token."""
    from kith.campaigns.models import Mailing
    from kith.campaigns.services.check import mailing_check
    from kith.contacts.models import Identity
    from kith.workspace.mailing_lists import list_of_people
    from tests.support import house

    account = house.mailbox("info@us.example")
    conversation = write_in(account, 1)
    person = api("POST", "/people", {"name": "Ada", "tags": ["vip"]}, status=201)["id"]
    identity = Identity.objects.get(external_id="ada@outside.example")
    api("POST", f"/identities/{identity.pk}/link", {"person_id": person}, status=200)
    other = api("POST", "/people", {"name": "Ada B."}, status=201)["id"]
    merge = api("POST", f"/people/{person}/merge", {"other_id": other}, status=201)["id"]
    message = api("GET", f"/conversations/{conversation}/messages", status=200)["items"][0]["id"]
    organization = api("POST", "/organizations", {"name": "Wheel Ltd"}, status=201)["id"]
    hook = {"url": "https://bot.example/kith", "kinds": ["message.received"]}
    webhook = api("POST", "/webhooks", hook, status=201)["id"]
    mailing = Mailing.objects.create(
        title="Spring", purpose="news", account=account, people=list_of_people([UUID(person)])
    )
    mailing_check(mailing=mailing)
    return {
        "mailing": str(mailing.pk),
        "webhook": webhook,
        "account": str(account.pk),
        "conversation": conversation,
        "person": person,
        "identity": str(identity.pk),
        "organization": organization,
        "message": message,
        "merge": merge,
    }


def write_in(
    account: Any,
    number: int,
    *,
    sender: str = "ada@outside.example",
    text: str = "Is it ready?",
    subject_of: int | None = None,
) -> str:
    """Somebody writes to one of our mailboxes, perhaps after mail `subject_of`; the id of the conversation."""
    from kith.base.clock import now
    from kith.contacts.types import ObservedIdentity
    from kith.conversations.services import messages_record
    from kith.conversations.types import IncomingMessage, IncomingParticipant, Place

    place = Place(account.network, account.scope_id, channel_account_id=account.pk)
    (recorded,) = messages_record(
        place,
        [
            IncomingMessage(
                external_id=f"<{number}@outside.example>",
                at=now(),
                participants=(
                    IncomingParticipant(ObservedIdentity(account.network, sender, handle=sender), "from"),
                    IncomingParticipant(
                        ObservedIdentity(account.network, account.external_id, kind="us"), "to"
                    ),
                ),
                text=text,
                subject=f"Bicycle {number}",
                subject_key=f"bicycle {number}",
                own_key=f"mid:<{number}@outside.example>",
                thread_keys=(f"mid:<{subject_of}@outside.example>",) if subject_of else (),
            )
        ],
    )
    return str(recorded.conversation_id)
