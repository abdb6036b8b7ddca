"""The demo company is one that can be believed in, and looks the same every time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Count

from kith.base.clock import now
from kith.campaigns.models import Mailing
from kith.channels.models import Delivery
from kith.contacts.models import Contact, Identity
from kith.conversations.models import Attachment, Conversation, ConversationScope, Message
from kith.core.blobs import path_of
from kith.core.models import EventDelivery
from kith.engagement.models import SavedView
from kith.networks.models import ChannelAccount
from kith.teams.models import Notification, User
from kith.teams.selectors import viewer_of
from kith.trust.models import Consent, Touch
from kith.web.people.card import contact_card
from kith.workspace.demo import build, is_built

pytestmark = pytest.mark.django_db


def test_the_demo_has_people_messages_and_something_to_do() -> None:
    build(lambda _: None)
    build(lambda _: None)
    assert is_built()
    assert 190 <= Contact.objects.count() <= 230
    assert 1800 <= Message.objects.count() <= 2600
    assert set(Message.objects.values_list("language", flat=True)) >= {"en", "de", "es"}
    assert all(a.settings["simulated"] for a in ChannelAccount.objects.all())
    waiting = ConversationScope.objects.filter(status="open", waiting_since__isnull=False)
    assert 6 <= waiting.count() <= 40
    steve = Identity.objects.get(external_id="steve@markey.example").contact
    assert steve is not None
    assert steve.preferred_name == "Steve"
    assert steve.promises.count() == 3
    margaret = Contact.objects.get(given_name="Margaret")
    assert margaret.touches.filter(kind="campaign").count() == 38
    assert margaret.touches.filter(kind="campaign").values("division").distinct().count() == 5
    assert Consent.objects.filter(status="given").count() > 40
    assert Consent.objects.filter(purpose="all", status="withdrawn").exists()
    rides, seats = Mailing.objects.order_by("created_at")
    assert (rides.state, seats.state) == ("checked", "done")
    rules = {rule: count for _outcome, rule, count, *_ in rides.numbers["rules"]}
    assert {"suppressed", "unsubscribed", "consent_missing"} <= set(rules)
    held_back = Touch.objects.get(mailing_id=seats.pk)
    assert (held_back.state, held_back.decisions.get().rule) == ("held", "gift")
    assert Contact.objects.get(given_name="Stphn").name_confidence < 0.5
    held = Message.objects.get(state=Message.State.HELD)
    assert held.text.startswith("Dear Ms Hollis")
    perhaps = Delivery.objects.get(state=Delivery.State.UNKNOWN)
    assert "connection broke" in perhaps.error
    assert Conversation.objects.filter(status="snoozed").count() == 1
    assert set(ConversationScope.objects.exclude(tray="").values_list("tray", flat=True)) >= {
        "spam",
        "auto_reply",
    }
    mara = User.objects.get(email="mara@velohof.example")
    assert Notification.objects.filter(user=mara, kind="mention").exists()
    assert SavedView.objects.filter(owner=mara).count() == 2
    assert Contact.objects.exclude(avatar="").count() > 100
    for picture in Attachment.objects.filter(content_type="image/png"):
        assert path_of(picture.digest).read_bytes().startswith(b"\x89PNG")
        assert picture.alt_text
    assert Attachment.objects.filter(content_type="image/png").count() == 5
    assert not Message.objects.filter(direction="in", language="").exists()
    assert not EventDelivery.objects.exists(), "the owner is not told of two years of mails"
    told = Message.objects.exclude(text="").values_list("text").annotate(times=Count("pk")).order_by("-times")
    assert told[0][1] <= 12, f"said too often: {told[0][0]}"
    card = contact_card(viewer_of(mara), steve.canonical_id)
    assert (card.promises_kept, card.promises_made) == (1, 2), "what is overdue was not kept so far"
    assert steve.created_at < now() - timedelta(days=600)
    assert Message.objects.latest("at").at > now() - timedelta(minutes=30)
