"""Answering: to whom, with what, not twice, and what becomes of it. By HTTP; the same in Chromium in test_flows.py."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kith.base.clock import now
from kith.channels.models import ChatVisitor, Delivery
from kith.contacts.models import Contact, Identity
from kith.conversations.models import ConversationScope, Draft, Message, Presence
from kith.conversations.services import drafts
from kith.core import live
from kith.engagement.models import Macro, SavedReply
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.teams.selectors import viewer_of
from kith.trust.models import Decision, Touch
from kith.trust.services import suppression_add
from kith.work.models import Task
from tests.support import house
from tests.web.inbox.desk import asked, behave, client_of, played, send_due, where

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> User:
    return house.user()


@pytest.fixture
def olu() -> User:
    return house.user("Olu")


@pytest.fixture
def account() -> ChannelAccount:
    return played()


def reply(client: Client, conversation_id: object, text: str = "It is here.", **rest: object) -> str:
    answer = client.post(reverse("reply", args=[conversation_id]), {"text": text, **rest})
    assert answer.status_code in (200, 422)
    return answer.content.decode()


def page(client: Client, conversation_id: object) -> str:
    return client.get(reverse("conversation", args=[conversation_id])).content.decode()


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*?value="([^"]*)"', html)
    assert found is not None
    return found[1]


def people(message: Message) -> set[tuple[str, str]]:
    rows = message.participants.exclude(role="from").values_list("role", "identity__external_id")
    return set(rows)


# --- what becomes of it -----------------------------------------------------------------------------------------------


def test_a_held_answer_says_why_and_goes_all_the_same_for_a_reason(
    mara: User, account: ChannelAccount
) -> None:
    key, message = asked(account)
    client = client_of(mara)
    Identity.objects.filter(pk=message.sender_id).update(bounced_at=now())
    Message.objects.filter(pk=message.pk).update(direction="out", author=mara)  # they never wrote to us
    reply(client, key)
    sent = Message.objects.get(text="It is here.")
    assert sent.state == "held"
    assert "The last message to this address came back." in page(client, key)
    client.post(reverse("message_release", args=[sent.pk]), {"reason": "  "})
    sent.refresh_from_db()
    assert sent.state == "held", "without a reason nothing goes"
    client.post(reverse("message_release", args=[sent.pk]), {"reason": "She called: it works again"})
    sent.refresh_from_db()
    assert sent.state == "queued"
    decision = Decision.objects.get(override_reason="She called: it works again")
    assert (decision.rule, decision.overridden_by, decision.outcome) == ("bounced", mara, "allow")
    assert "She called: it works again" in page(client, key)
    assert not Touch.objects.filter(state="held").exists()


def test_what_is_denied_is_not_released_and_returns_into_the_box(mara: User, account: ChannelAccount) -> None:
    key, _ = asked(account)
    client = client_of(mara)
    suppression_add(network="email", address="ada@x.example")
    reply(client, key)
    sent = Message.objects.get(text="It is here.")
    shown = page(client, key)
    assert "They asked never to be contacted here." in shown
    assert "Send all the same" not in shown
    client.post(reverse("message_release", args=[sent.pk]), {"reason": "I want to"})
    sent.refresh_from_db()
    assert sent.state == "held"
    client.post(reverse("message_unsend", args=[sent.pk]))
    sent.refresh_from_db()
    assert sent.state == "cancelled"
    assert Draft.objects.get(user=mara, conversation=key).body == "It is here."


def test_the_reason_is_told_in_the_language_of_who_reads(mara: User, account: ChannelAccount) -> None:
    key, _ = asked(account)
    suppression_add(network="email", address="ada@x.example")
    reply(client_of(mara), key)
    german = client_of(house.user("Greta", language="de"))
    shown = page(german, key)
    assert "They asked never" not in shown
    assert "niemals" in shown or "nie" in shown
    Decision.objects.update(values=None, sentence="Kept from before")
    assert "Kept from before" in page(german, key), "an old row keeps its sentence"


def test_only_who_wrote_it_or_a_manager_decides_about_a_held_message(
    mara: User, olu: User, account: ChannelAccount
) -> None:
    key, _ = asked(account)
    suppression_add(network="email", address="ada@x.example")
    reply(client_of(mara), key)
    sent = Message.objects.get(text="It is here.")
    other = client_of(olu)
    assert "Who wrote it, or a manager, decides." in page(other, key)
    for name in ("message_unsend", "message_release"):
        other.post(reverse(name, args=[sent.pk]))
        sent.refresh_from_db()
        assert sent.state == "held"
    client_of(house.user("Boss", "manager")).post(reverse("message_unsend", args=[sent.pk]))
    sent.refresh_from_db()
    assert sent.state == "cancelled"


def test_a_refused_answer_tells_the_reason_and_is_tried_again_under_the_same_key(
    mara: User, account: ChannelAccount
) -> None:
    key, _ = asked(account)
    client = client_of(mara)
    behave(account, "is refused")
    reply(client, key)
    send_due()
    sent = Message.objects.get(text="It is here.")
    assert sent.state == "failed"
    assert "The simulated network refuses this message." in page(client, key)
    first = Delivery.objects.get()
    behave(account, "arrives")
    client.post(reverse("message_again", args=[sent.pk]))
    send_due()
    sent.refresh_from_db()
    again = Delivery.objects.get()
    assert (sent.state, again.state) == ("sent", "sent")
    assert again.idempotency_key == first.idempotency_key
    assert again.decision_id != first.decision_id, "the gate was asked anew"


def test_nobody_knows_whether_it_arrived_until_a_person_says_so(mara: User, account: ChannelAccount) -> None:
    key, _ = asked(account)
    client = client_of(mara)
    for text, arrived, state in (("First", "1", "sent"), ("Second", "", "queued")):
        reply(client, key, text)
        sent = Message.objects.get(text=text)
        Delivery.objects.filter(message=sent).update(state="unknown", error="The line broke.")
        Message.objects.filter(pk=sent.pk).update(state="unknown")
        shown = page(client, key)
        assert "The line broke." in shown
        assert "It arrived" in shown
        client.post(reverse("message_settle", args=[sent.pk]), {"arrived": arrived})
        sent.refresh_from_db()
        assert sent.state == state
        Delivery.objects.filter(message=sent).update(state="sent")


def test_what_is_taken_back_stands_in_the_box_with_its_people_and_files(
    mara: User, account: ChannelAccount
) -> None:
    mara.signature = "Mara, Velo Hof"
    mara.save()
    key, _ = asked(account)
    client = client_of(mara)
    client.post(
        reverse("draft_files", args=[key]), {"files": SimpleUploadedFile("bill.txt", b"12", "text/plain")}
    )
    reply(client, key, cc="Bob <bob@x.example>", to="ada@x.example", subject="Re: Your bike")
    sent = Message.objects.get(text__startswith="It is here.")
    assert sent.text == "It is here.\n\n-- \nMara, Velo Hof"
    assert sent.attachments.get().file_name == "bill.txt"
    assert not Draft.objects.exists()
    client.post(reverse("message_unsend", args=[sent.pk]))
    kept = Draft.objects.get(user=mara)
    assert (kept.body, kept.subject) == ("It is here.", "Re: Your bike")
    assert kept.recipients["cc"] == "Bob <bob@x.example>"
    assert [f["file_name"] for f in kept.attachments] == ["bill.txt"]
    shown = page(client, key)
    assert "bill.txt" in shown
    assert field(shown, "cc") == "Bob &lt;bob@x.example&gt;"


# --- not twice --------------------------------------------------------------------------------------------------------


def test_who_was_slower_is_asked_and_sees_what_the_other_wrote(
    mara: User, olu: User, account: ChannelAccount
) -> None:
    key, _ = asked(account)
    slow, fast = client_of(olu), client_of(mara)
    began = field(page(slow, key), "began")
    assert began
    reply(fast, key, "Your bike is ready.", began=began, seen=began)
    shown = reply(slow, key, "We look for it.", began=began, seen=began)
    assert "Mara has answered meanwhile." in shown
    assert "Your bike is ready." in shown
    assert "We look for it." in shown
    assert not Message.objects.filter(text="We look for it.").exists()
    confirm = re.search(r'name="confirm" value="([^"]+)"', shown)
    assert confirm is not None
    reply(slow, key, "We look for it.", began=began, seen=began, confirm=confirm[1])
    assert Message.objects.filter(text="We look for it.").exists()


def test_a_newer_answer_asks_again_though_an_older_one_was_confirmed(
    mara: User, olu: User, account: ChannelAccount
) -> None:
    key, message = asked(account)
    began = str(message.pk)
    reply(client_of(mara), key, "One", began=began)
    first = str(Message.objects.get(text="One").pk)
    reply(client_of(mara), key, "Two", began=began)
    assert "has answered meanwhile" in reply(client_of(olu), key, "Mine", began=began, confirm=first)


def test_what_they_added_asks_only_when_it_is_not_on_the_screen(mara: User, account: ChannelAccount) -> None:
    key, first = asked(account)
    _, second = asked(account, "And my bell?", at=now() + timedelta(seconds=1))
    assert where(second) == key
    client = client_of(mara)
    assert "has written again meanwhile" in reply(client, key, began=str(first.pk), seen=str(first.pk))
    reply(client, key, began=str(first.pk), seen=str(second.pk))
    assert Message.objects.filter(text="It is here.").count() == 1


def test_a_button_that_is_pressed_twice_sends_once(mara: User, account: ChannelAccount) -> None:
    key, _ = asked(account)
    client = client_of(mara)
    once = field(page(client, key), "once")
    for _press in range(2):
        shown = reply(client, key, once=once)
    assert "It was sent already." in shown
    assert Message.objects.filter(text="It is here.").count() == 1
    assert field(shown, "once") != once
    reply(client, key, once=field(shown, "once"))
    assert Message.objects.filter(text="It is here.").count() == 2


def test_while_a_colleague_types_sending_asks(mara: User, olu: User, account: ChannelAccount) -> None:
    key, message = asked(account)
    client_of(olu).post(reverse("presence", args=[key]), {"typing": "1"})
    client = client_of(mara)
    head = client.get(reverse("conversation_head", args=[key])).content.decode()
    assert "Olu is writing" in head
    assert "Olu is writing an answer, too." in reply(client, key, began=str(message.pk))
    assert not Message.objects.filter(text="It is here.").exists()
    client_of(olu).post(reverse("presence", args=[key]), {"gone": "1"})
    assert not Presence.objects.filter(user=olu).exists()
    reply(client, key, began=str(message.pk))
    assert Message.objects.filter(text="It is here.").exists()


# --- to whom ----------------------------------------------------------------------------------------------------------


def mail_to_many(account: ChannelAccount) -> tuple[object, Message]:
    return asked(
        account,
        "For all of you",
        to=[
            {"id": "info@us.example", "handle": "info@us.example", "role": "to"},
            {"id": "bob@x.example", "name": "Bob", "handle": "bob@x.example", "role": "to"},
            {"id": "cleo@x.example", "name": "Cleo, MD", "handle": "cleo@x.example", "role": "cc"},
        ],
    )


def test_an_answer_goes_to_whom_is_named_and_copies_to_the_others(
    mara: User, account: ChannelAccount
) -> None:
    key, _ = asked(account)
    client = client_of(mara)
    assert field(page(client, key), "to") == "Ada Lovelace &lt;ada@x.example&gt;"
    reply(
        client,
        key,
        to="Ada <ada@x.example>, 'Zoë; x' <zoe@x.example>".replace("'", '"').replace("; x", " x"),
        cc="bob@x.example; CLEO@x.example",
        bcc="boss@us.example",
    )
    assert people(Message.objects.get(text="It is here.")) == {
        ("to", "ada@x.example"),
        ("to", "zoe@x.example"),
        ("cc", "bob@x.example"),
        ("cc", "cleo@x.example"),
        ("bcc", "boss@us.example"),
    }
    assert "“nobody” is not an address." in reply(client, key, "Again", to="nobody")


def test_answer_everybody_keeps_us_out(mara: User, account: ChannelAccount) -> None:
    key, message = mail_to_many(account)
    box = client_of(mara).post(
        reverse("box", args=[key]), {"begin": "reply", "all": "1", "message": str(message.pk), "text": "Hi"}
    )
    shown = box.content.decode()
    assert "ada@x.example" in field(shown, "to")
    cc = field(shown, "cc")
    assert "bob@x.example" in cc
    assert "cleo@x.example" in cc
    assert "us.example" not in cc
    assert field(shown, "reply_to") == str(message.pk)
    assert ">Hi</textarea>" in shown


def test_a_message_is_forwarded_with_its_files_and_the_customer_still_waits(
    mara: User, account: ChannelAccount
) -> None:
    key, message = asked(account)
    message.attachments.create(
        file_name="photo.png", content_type="image/png", size=3, digest="ab" * 32, alt_text="A hub"
    )
    client = client_of(mara)
    box = client.post(
        reverse("box", args=[key]), {"begin": "forward", "message": str(message.pk), "mode": "reply"}
    ).content.decode()
    assert "Where is my bike?" in box
    assert "photo.png" in box
    assert field(box, "subject") == "Fwd: My bike"
    via = f"forward:{account.pk}"
    said = {"mode": "forward", "via": via, "reply_to": str(message.pk), "subject": "Fwd: My bike"}
    assert "Say who it is for." in reply(client, key, "Look", **said)
    reply(client, key, "Look", to="part@supplier.example", **said)
    sent = Message.objects.get(text="Look")
    assert people(sent) == {("to", "part@supplier.example")}
    assert sent.attachments.get().alt_text == "A hub"
    assert sent.extra["forward_of"] == str(message.pk)
    assert Touch.objects.get(subject_id=sent.pk).kind == "outreach"
    assert ConversationScope.objects.get(conversation=key).waiting_since is not None
    assert where(sent) == key


def test_a_message_of_another_conversation_can_not_be_answered_from_here(
    mara: User, account: ChannelAccount
) -> None:
    key, _ = asked(account)
    other = house.user("Vera")
    hidden = played(address="vera@us.example", scope=house.team_scope(house.team("Board", other)))
    _, secret = asked(hidden, "The unspeakable", "whistle@x.example")
    client = client_of(mara)
    answer = client.post(reverse("box", args=[key]), {"begin": "forward", "message": str(secret.pk)})
    assert answer.status_code == 404
    drafts.draft_save(viewer_of(mara), conversation_id=key, body="x", reply_to_id=secret.pk)
    assert "unspeakable" not in page(client, key)
    reply(client, key, reply_to=str(secret.pk))
    assert Message.objects.get(text="It is here.").in_reply_to != secret.external_id


# --- with what --------------------------------------------------------------------------------------------------------


def test_files_of_a_draft_stay_and_go_out_with_the_answer(mara: User) -> None:
    account = played("mastodon", "@us@social.example")
    key, _ = asked(account, "Look", "https://s.example/@ada", public=True, subject="")
    client = client_of(mara)
    files = reverse("draft_files", args=[key])
    picture = SimpleUploadedFile("hub.png", b"\x89PNG", "image/png")
    client.post(files, {"files": [picture, SimpleUploadedFile("b.txt", b"b", "text/plain")]})
    first, second = Draft.objects.get().attachments
    client.post(files, {f"alt-{first['key']}": "A hub with a crack"})
    client.post(files, {"remove": second["key"]})
    shown = page(client, key)
    assert "hub.png" in shown
    assert "A hub with a crack" in shown
    assert "b.txt" not in shown
    reply(client, key, warning="Broken metal", audience="unlisted")
    sent = Message.objects.get(direction="out")
    assert (sent.attachments.get().alt_text, sent.content_warning) == ("A hub with a crack", "Broken metal")
    assert sent.extra["audience"] == "unlisted"
    assert not Draft.objects.exists()


def test_a_note_takes_no_files_and_says_so(mara: User, account: ChannelAccount) -> None:
    key, _ = asked(account)
    client = client_of(mara)
    client.post(reverse("draft_files", args=[key]), {"files": SimpleUploadedFile("a.txt", b"a")})
    assert "A note takes no files." in reply(client, key, via="note")


def test_a_saved_reply_is_filled_in_and_found_by_its_words(mara: User, account: ChannelAccount) -> None:
    row = SavedReply.objects.create(name="Thanks", text="{greeting} thank you. {agent}")
    SavedReply.objects.create(name="Sorry", text="We are sorry.")
    key, _ = asked(account)
    client = client_of(mara)
    address = reverse("saved_replies", args=[key])
    found = client.get(address, {"q": "sorry"}).content.decode()
    assert "Sorry" in found
    assert "Thanks" not in found
    words = client.post(address, {"reply": str(row.pk)}).content.decode()
    assert "Hello, thank you. Mara" in words
    row.refresh_from_db()
    assert row.use_count == 1


def test_a_macro_does_its_steps_and_leaves_the_answer_to_a_person(
    mara: User, account: ChannelAccount
) -> None:
    macro = Macro.objects.create(
        name="Close it", steps=[{"do": "reply", "text": "Bye {name}"}, {"do": "tag", "tag": "done"}]
    )
    key, _ = asked(account)
    client = client_of(mara)
    answer = client.post(reverse("macro", args=[key]), {"macro": str(macro.pk)}).content.decode()
    assert 'data-insert-now="Bye' in answer
    assert ">done</span>" in answer
    assert not Message.objects.filter(direction="out").exists()
    undo = answer.rsplit('hx-post="', 1)[1].split('"')[0]
    client.post(undo)
    assert not ConversationScope.objects.get(conversation=key).conversation.tags.exists()


def test_a_visitor_who_has_left_is_answered_by_mail_and_the_box_says_so(mara: User) -> None:
    mailbox = played()
    chat = played("chat", "shop")
    visitor = ChatVisitor.objects.create(channel_account=chat, key_hash="x", last_seen_at=now())
    key, _ = asked(
        chat,
        "Anyone?",
        str(visitor.pk),
        thread=f"visitor:{visitor.pk}",
        subject="",
        claims={"email": "vic@x.example"},
    )
    client = client_of(mara)
    live.here_note(visitor.pk)
    assert "They have left the page" not in page(client, key)
    from django.core.cache import cache

    cache.delete(f"here:{visitor.pk}")
    shown = page(client, key)
    assert "They have left the page" in shown
    assert "vic@x.example" in shown
    reply(client, key, via=f"mail:{mailbox.pk}")
    sent = Message.objects.get(text="It is here.")
    assert (sent.network, people(sent)) == ("email", {("to", "vic@x.example")})
    assert where(sent) == key
    claimed, visiting = (Identity.objects.get(external_id=i) for i in ("vic@x.example", str(visitor.pk)))
    assert claimed.contact_id != visiting.contact_id, "what was typed proves nothing"


def test_a_task_is_made_of_a_message(mara: User, account: ChannelAccount) -> None:
    _, message = asked(account)
    client = client_of(mara)
    address = reverse("message_task", args=[message.pk])
    assert "My bike" in client.get(address).content.decode()
    client.post(address, {"title": "Find the bike", "assignee": str(mara.pk), "due": "2027-01-05T09:00"})
    task = Task.objects.get()
    assert (task.title, task.assignee, task.message_id) == ("Find the bike", mara, message.pk)
    assert task.due_at is not None


def test_a_mail_to_somebody_new_is_kept_and_goes_to_all_who_are_named(
    mara: User, account: ChannelAccount
) -> None:
    client = client_of(mara)
    values = {"account": str(account.pk), "to": "ada@x.example", "cc": "bob@x.example", "subject": "Hello"}
    kept = client.post(reverse("write_draft"), {**values, "text": "Dear Ada"}).content.decode()
    draft = field(kept, "draft")
    assert "Dear Ada" in client.get(reverse("write")).content.decode()
    answer = client.post(reverse("write"), {**values, "text": "Dear Ada, hello", "draft": draft})
    assert answer.headers["HX-Redirect"]
    assert people(Message.objects.get()) == {("to", "ada@x.example"), ("cc", "bob@x.example")}
    assert not Draft.objects.exists()


def write_to(client: Client, account: ChannelAccount, text: str, **values: str) -> str:
    """What the form says then: nothing when it was sent."""
    answer = client.post(reverse("write"), {"account": str(account.pk), "text": text, **values})
    return "" if answer.headers.get("HX-Redirect") else answer.content.decode()


def test_a_handle_is_asked_of_the_network_and_written_to(mara: User) -> None:
    account = played("mastodon", "@us@social.example")
    client = client_of(mara)
    assert "Nobody goes by @nobody@x.example" in write_to(client, account, "Hello", to="@nobody@x.example")
    assert not Message.objects.exists()
    assert write_to(client, account, "Hello Ada", to="@ada@x.example, @bob@x.example") == ""
    sent = Message.objects.get()
    assert people(sent) == {("to", "ada@x.example"), ("to", "bob@x.example")}
    assert sent.visibility == "private"
    assert Contact.objects.count() == 2, "a handle proves nothing about who somebody is: nobody is joined"


def test_where_everything_is_public_it_says_so_and_posts_in_public(mara: User) -> None:
    account = played("bluesky", "@us.example")
    client = client_of(mara)
    assert "@us.example (Bluesky): everybody can read it" in client.get(reverse("write")).content.decode()
    assert write_to(client, account, "Hello Ada", to="@ada.example") == ""
    sent = Message.objects.get()
    assert (sent.visibility, people(sent)) == ("public", {("to", "ada.example")})


def test_nobody_is_written_to_from_an_account_of_another_network(mara: User) -> None:
    _, message = asked(played("mastodon", "@us@social.example"), who="@ada@x.example")
    mailbox = played("email", "office@us.example")
    client = client_of(mara)
    form = client.get(reverse("write"), {"identity": str(message.sender_id)}).content.decode()
    assert ("@us@social.example" in form, "office@us.example" in form) == (True, False)
    said = write_to(client, mailbox, "Hello", identity=str(message.sender_id))
    assert "can&#39;t be reached from there" in said
    assert Message.objects.filter(direction="out").count() == 0
