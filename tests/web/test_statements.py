"""How many statements each page of lists takes: recorded here, and the same for ten rows and for sixty."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_for_identity, fact_record
from kith.conversations.models import Conversation, Message, MessageCopy, Post
from kith.conversations.services import conversations_refresh
from kith.conversations.types import IncomingAttachment
from kith.core import audit
from kith.engagement.models import SavedView
from kith.listening.models import Mention, Monitor
from kith.teams.models import Team, User
from kith.teams.notifications import notify
from kith.work.models import Promise, Task
from tests.support.cast import Cast, cast_make

pytestmark = pytest.mark.django_db

# The session, the user with what they may see, and what stands around every screen are in each of them: three.
STATEMENTS = {
    "/inbox/": 5,
    "/inbox/mine/": 4,
    "/inbox/unassigned/": 4,
    "/inbox/waiting/": 4,
    "/inbox/for_me/": 4,
    "/inbox/snoozed/": 4,
    "/inbox/closed/": 4,
    "/inbox/all/": 4,
    "/inbox/held/": 4,
    "/inbox/unsent/": 5,
    "/inbox/team-{team}/": 5,
    "/inbox/saved-{saved}/": 5,
    "/inbox/?language=en&waiting=1h&tag=x": 5,
    "/nav/": 3,
    "/search/": 4,
    "/search/?q=zebra": 15,
    "/search/?q=zebra&kind=notes": 7,
    "/search/?q=zebra&kind=files": 8,
    "/search/?q=person5&kind=people": 10,
    "/notifications/": 4,
    "/notifications/bell/": 3,
    "/today/": 8,
    "/people/": 7,
    "/people/{person}/": 11,
    "/people/{person}/attention/": 12,
    "/people/{person}/consent/": 12,
    "/attention/": 8,
    "/settings/": 3,
    "/settings/audit/": 13,
    "/settings/audit/?action=area:people": 11,
    "/inbox/{conversation}/": 13,
    "/listening/": 10,
    "/listening/mentions/": 11,
    "/listening/coverage/": 9,
}
DRAFT_KEPT = (
    15  # who asks, the conversation, the draft, the gate's facts about whom it is for, and what it uses
)
# What htmx loads into a page that is open.
FRAGMENTS = {
    "/inbox/{conversation}/": 11,
    "/inbox/{conversation}/head/": 4,
    "/inbox/{conversation}/messages/": 6,
    "/inbox/all/?part=list": 3,
    "/people/": 5,
    "/palette/?q=zebra": 11,
}


def fill(cast: Cast, number: int) -> None:
    """So many rows in every list."""
    first = cast.number
    for n in range(number):
        recorded = cast.mail(
            cast.everyone,
            sender=f"person{first + n}@x.example",
            name=f"Person {first + n}",
            text="zebra",
            language="en",
            at=now() - timedelta(hours=2, minutes=n),
            attachments=(IncomingAttachment("zebra.pdf", "application/pdf"),),
        )
        contact = contact_for_identity(
            identity=Identity.objects.get(external_id=f"person{first + n}@x.example")
        )
        place = {
            0: {"assignee": cast.olga},
            1: {"status": "closed"},
            2: {"status": "snoozed"},
            3: {"tray_decided": "spam"},
        }
        for state in range(4):
            other = cast.mail(
                cast.everyone, sender=f"person{first + n}-{state}@y.example", at=now() - timedelta(hours=3)
            )
            Conversation.objects.filter(pk=other.conversation_id).update(**place[state], team=cast.sales)
            conversations_refresh([other.conversation_id])
        notify([cast.olga.pk], kind="mention", title=lambda: "Look", subject_id=recorded.conversation_id)
        notify([cast.olga.pk], kind="task", title=lambda: "Do", subject_id=uuid.uuid4())
        Task.objects.create(title="Call", assignee=cast.olga, due_at=now(), contact=contact)
        Promise.objects.create(what="Send", who=cast.olga, due_at=now(), contact=contact)
        copy = MessageCopy.objects.get(message_id=recorded.message_id)
        held = Message.objects.create(
            network="email", external_id=f"held{first + n}", content_hash="x", direction="out", state="held",
            at=now(), received_at=now(), author=cast.olga,
        )  # fmt: skip
        heard, _made = Monitor.objects.get_or_create(
            name="zebras", defaults={"query": "zebra", "scope": cast.everyone, "version": 1}
        )
        post = Post.objects.create(
            network="email", external_id=f"post{first + n}", text="zebra", published_at=now()
        )
        Mention.objects.create(
            monitor=heard, post=post, spans=[[0, 5]], published_at=post.published_at, network="email"
        )
        audit.record("contact_deleted", "contact", contact.pk)
        audit.record("message_sent", "message", recorded.message_id)
        MessageCopy.objects.create(message=held, thread=copy.thread, scope=copy.scope, at=now())


def statements(user: User, address: str, *, fragment: bool = False) -> tuple[int, list[str]]:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    with CaptureQueriesContext(connection) as caught:
        answer = client.get(address, follow=True, headers={"HX-Request": "true"} if fragment else {})
    assert answer.status_code == 200, address
    # What a test's own transaction adds is no statement of the page.
    own = [q["sql"] for q in caught.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    return len(own), own


def test_each_page_takes_as_many_statements_as_recorded_at_ten_rows_and_at_sixty() -> None:
    cast = cast_make()
    saved = SavedView.objects.create(name="German", owner=cast.olga, query="in:all is:open language:en")
    places = {"team": Team.objects.get(name="Sales").pk, "saved": saved.pk}
    wrong: list[str] = []
    for rows in (10, 60):
        fill(cast, rows - (10 if rows == 60 else 0))
        places["person"] = Contact.objects.filter(tasks__isnull=False, canonical_id=F("id")).first().pk  # type: ignore[union-attr]
        told = Identity.objects.get(external_id="person0@x.example")
        places["conversation"] = Conversation.objects.get(identity=told).pk
        with connection.cursor() as db:
            db.execute("ANALYZE")
        for fragment, recorded in ((False, STATEMENTS), (True, FRAGMENTS)):
            for address, wanted in recorded.items():
                # What is kept in memory is there after the first time.
                statements(cast.olga, address.format(**places), fragment=fragment)
                number, _texts = statements(cast.olga, address.format(**places), fragment=fragment)
                if number != wanted:
                    said = "by htmx" if fragment else "whole"
                    wrong.append(f"{address}, {said}: {number} at {rows} rows, recorded {wanted}")
    assert not wrong, "\n".join(wrong)


def test_what_is_typed_is_kept_and_judged_in_one_request_with_as_many_statements_at_ten_facts_and_at_sixty() -> (
    None
):
    cast = cast_make()
    recorded = cast.mail(cast.everyone, sender="ada@x.example", name="Ada")
    contact = contact_for_identity(identity=Identity.objects.get(external_id="ada@x.example"))
    client = Client(headers={"HX-Request": "true"})
    client.force_login(cast.olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    taken = []
    for start, end in ((0, 10), (10, 60)):
        for n in range(start, end):
            fact_record(contact_id=contact.pk, attribute="interest", value=f"zebra{n}", source="public_post")
        values = {"text": "Hi Ada, the zebra3 and the zebra44 are here."}
        client.post(f"/inbox/{recorded.conversation_id}/draft/", values)
        with CaptureQueriesContext(connection) as caught:
            answer = client.post(f"/inbox/{recorded.conversation_id}/draft/", values)
        assert answer.status_code == 200
        taken.append(
            len([q for q in caught.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])
        )
    assert taken == [DRAFT_KEPT, DRAFT_KEPT]
