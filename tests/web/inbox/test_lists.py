"""Lists of conversations: their views and filters, what was held back or set aside, and saved views."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from kith.base.clock import now
from kith.channels.models import Delivery
from kith.contacts.models import Tag
from kith.conversations.models import Conversation, ConversationTag, Message, MessageCopy
from kith.conversations.services import conversations_refresh
from kith.engagement.models import SavedView
from kith.teams.models import User
from kith.trust.models import Decision, Touch
from kith.workspace.inbox import inbox_counts
from kith.workspace.inbox_view import InboxView, view_parse, view_text
from kith.workspace.unsent import unsent_page
from tests.support.cast import NOON, Cast, client_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def shown(user: User, address: str, **query: str) -> list[str]:
    """Ids of the conversations of a list."""
    text = client_of(user).get(address, query).content.decode()
    return re.findall(r'id="row-([0-9a-f-]{36})"', text)


def answer(cast: Cast, conversation: Any, state: str, *, at: Any = NOON) -> Message:
    """An answer of ours in a conversation, in some state, as the outbox leaves it."""
    copy = MessageCopy.objects.filter(thread__conversation_id=conversation).earliest("id")
    message = Message.objects.create(
        network="email",
        external_id=f"<{state}-{Message.objects.count()}@us.example>",
        content_hash="x",
        direction="out",
        state=state,
        at=at,
        received_at=at,
        author=cast.carl,
        text="Our answer",
    )
    MessageCopy.objects.create(message=message, thread=copy.thread, scope=copy.scope, at=at)
    conversations_refresh([conversation])
    return message


def decided(message: Message, outcome: str, sentence: str) -> Decision:
    touch = Touch.objects.create(
        kind="reply", channel="mail", state="held", planned_for=now(), subject_id=message.pk
    )
    return Decision.objects.create(touch=touch, outcome=outcome, rule="plain", sentence=sentence)


def test_held_back_shows_what_did_not_go_out_with_its_reason(cast: Cast) -> None:
    keys = [cast.mail(cast.everyone, sender=f"p{n}@x.example").conversation_id for n in range(4)]
    held = answer(cast, keys[0], "held", at=NOON + timedelta(hours=1))
    decided(held, "hold", "She has an open complaint.")
    failed = answer(cast, keys[1], "failed", at=NOON + timedelta(hours=2))
    decision = decided(failed, "allow", "")
    Delivery.objects.create(
        message=failed,
        channel_account=cast.accounts["info"],
        decision=decision,
        idempotency_key=decision.pk,
        state="failed",
        not_before=NOON,
        error="550 no such user",
    )
    answer(cast, keys[2], "unknown", at=NOON + timedelta(hours=3))
    answer(cast, keys[3], "failed", at=NOON + timedelta(hours=1))
    answer(cast, keys[3], "sent", at=NOON + timedelta(hours=2))  # said again, and it went out
    text = client_of(cast.ines).get("/inbox/unsent/").content.decode()
    for said in (
        "She has an open complaint.",
        "550 no such user",
        "perhaps sent",
        "held back",
        "not delivered",
    ):
        assert said in text
    assert shown(cast.ines, "/inbox/unsent/") == [str(k) for k in (keys[2], keys[1], keys[0])]
    assert f"m={held.pk}" in html.unescape(text)
    assert inbox_counts(cast.viewer(cast.ines)).unsent == 3
    pages, cursor = [], None
    for _ in range(3):
        page = unsent_page(cast.viewer(cast.ines), cursor=cursor, limit=1)
        pages += [row.conversation_id for row in page.page.rows]
        cursor = page.page.next_cursor
    assert pages == [keys[2], keys[1], keys[0]]


def test_held_back_is_for_those_who_see_the_conversation(cast: Cast) -> None:
    key = cast.mail(cast.private).conversation_id
    answer(cast, key, "held")
    assert shown(cast.carl, "/inbox/unsent/") == [str(key)]
    for user in (cast.olga, cast.ines):
        assert shown(user, "/inbox/unsent/") == []
        assert inbox_counts(cast.viewer(user)).unsent == 0


def test_what_is_set_aside_says_why_and_is_released(cast: Cast) -> None:
    key = cast.mail(cast.everyone, automatic="list", sender="news@x.example").conversation_id
    client = client_of(cast.ines)
    assert "a newsletter or a mailing list" in client.get("/inbox/held/").content.decode()
    client.post(reverse("inbox_bulk"), {"do": "release", "id": str(key)})
    assert shown(cast.ines, "/inbox/held/") == []
    assert shown(cast.ines, "/inbox/") == [str(key)]


def test_every_view_has_its_address_and_teaches_when_it_is_empty(cast: Cast) -> None:
    client = client_of(cast.olga)
    seen = set()
    for key in (
        "mine", "unassigned", "waiting", "for_me", "snoozed", "unsent", "held", "closed", "all", f"team-{cast.sales.pk}",
    ):  # fmt: skip
        text = client.get(f"/inbox/{key}/").content.decode()
        title = re.search(r'<h2 class="text-base font-semibold">([^<]*)</h2>', text)
        assert title is not None, key
        seen.add(title[1])
    assert len(seen) == 10


def test_filters_narrow_a_list_and_show_as_chips(cast: Cast) -> None:
    german = cast.mail(cast.everyone, sender="g@x.example", language="de-AT", at=now() - timedelta(days=2))
    fresh = cast.mail(cast.everyone, sender="f@x.example", language="en", at=now())
    ConversationTag.objects.create(
        conversation_id=german.conversation_id, tag=Tag.objects.create(name="bad brakes")
    )
    Conversation.objects.filter(pk=fresh.conversation_id).update(assignee=cast.ines, priority=2)
    conversations_refresh([german.conversation_id, fresh.conversation_id])
    old, new = [str(german.conversation_id)], [str(fresh.conversation_id)]
    for query, wanted in (
        ({"language": "de"}, old),
        ({"language": "fr"}, []),
        ({"waiting": "1d"}, old),
        ({"waiting": "3d"}, []),
        ({"tag": "bad brakes"}, old),
        ({"assignee": "none"}, old),
        ({"assignee": "me"}, new),
        ({"assignee": str(cast.ines.pk)}, new),
        ({"priority": "urgent"}, new),
        ({"channel": "email"}, new + old),
        ({"channel": "sms"}, []),
        ({"visibility": "public"}, []),
        ({"unread": "1", "language": "en"}, new),
        ({"waiting": "nonsense", "priority": "x"}, new + old),
    ):
        assert shown(cast.ines, "/inbox/", **query) == wanted, query
    text = client_of(cast.ines).get("/inbox/", {"language": "de", "waiting": "1d"}).content.decode()
    assert "Deutsch" in text
    assert "Waits over 1 day" in text
    assert '<a href="/inbox/?waiting=1d" class="chip' in text
    panel = client_of(cast.ines).get(reverse("filters"), {"language": "de"}, headers=HTMX).content.decode()
    assert '<option value="de" selected>' in panel
    assert "bad brakes" in panel


def test_an_opened_conversation_keeps_the_list_with_its_filters(cast: Cast) -> None:
    key = cast.mail(cast.everyone, language="de", at=now()).conversation_id
    cast.mail(cast.everyone, sender="other@x.example", language="en", at=now())
    text = client_of(cast.ines).get("/inbox/", {"language": "de"}).content.decode()
    link = re.search(r'href="(/inbox/[0-9a-f-]{36}/[^"]*)"', text)
    assert link is not None
    page = client_of(cast.ines).get(html.unescape(link[1])).content.decode()
    assert re.findall(r'id="row-([0-9a-f-]{36})"', page) == [str(key)]
    assert "data-back" in page


def test_a_view_is_saved_renamed_shared_ordered_deleted_and_brought_back(cast: Cast) -> None:
    carl, olga = client_of(cast.carl), client_of(cast.olga)
    cast.mail(cast.everyone, language="de", at=now())
    german = cast.mail(cast.everyone, sender="g@x.example", language="de", at=now()).conversation_id
    cast.mail(cast.everyone, sender="e@x.example", language="en", at=now())
    made = carl.post(reverse("view_save"), {"name": "German", "language": "de", "in": "", "status": ""})
    where = made.headers["HX-Redirect"]
    row = SavedView.objects.get(name="German")
    assert view_parse(row.query, me=cast.carl.pk) == InboxView("all", statuses=("open",), language="de")
    assert str(german) in shown(cast.carl, where)
    assert len(shown(cast.carl, where)) == 2
    assert olga.get(where).status_code == 404
    carl.post(reverse("view_save"), {"id": str(row.pk), "name": "Deutsch", "team": str(cast.sales.pk)})
    assert olga.get(where).status_code == 200
    assert "Deutsch" in olga.get("/inbox/").content.decode()
    assert client_of(cast.ines).get(where).status_code == 404
    carl.post(reverse("view_save"), {"name": "Late", "waiting": "1d", "in": "mine"})
    late = SavedView.objects.get(name="Late")
    carl.post(reverse("view_move", args=[late.pk]), {"by": "-1"})
    rows = carl.get(reverse("views"), headers=HTMX).content.decode()
    assert rows.index("Late") < rows.index("Deutsch")
    gone = carl.post(reverse("view_delete", args=[late.pk])).content.decode()
    assert not SavedView.objects.filter(pk=late.pk).exists()
    undo = html.unescape(gone.split('hx-post="/inbox/views/restore/')[1].split('"')[0])
    assert olga.post("/inbox/views/restore/" + undo).status_code == 404
    carl.post("/inbox/views/restore/" + undo)
    back = SavedView.objects.get(pk=late.pk)
    assert (back.name, back.query, back.owner_id) == ("Late", late.query, cast.carl.pk)


def test_nobody_changes_the_views_of_others(cast: Cast) -> None:
    client_of(cast.carl).post(reverse("view_save"), {"name": "Carl's", "in": "mine"})
    row = SavedView.objects.get()
    ines = client_of(cast.ines)
    for name in ("view_move", "view_delete"):
        assert ines.post(reverse(name, args=[row.pk])).status_code == 404
    assert ines.post(reverse("view_save"), {"id": str(row.pk), "name": "x"}).status_code == 404
    told = ines.post(reverse("view_save"), {"name": "x", "in": "mine", "team": str(cast.sales.pk)})
    assert "You are not in this team." in told.content.decode()
    assert "needed" in ines.post(reverse("view_save"), {"name": " ", "in": "mine"}).content.decode()
    assert SavedView.objects.get().name == "Carl's"


def test_new_filters_survive_the_way_to_text_and_back() -> None:
    me = User(name="x").id
    for view in (
        InboxView("all", language="de", waiting=timedelta(hours=4)),
        InboxView("mine", waiting=timedelta(days=3), unread=True),
        InboxView("waiting", unassigned=True),
        InboxView("unsent"),
    ):
        assert view_parse(view_text(view), me=me) == view
