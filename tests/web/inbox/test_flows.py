"""Answering in Chromium: each way through the box and the menus, as a person goes it, clean for axe in both themes."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from kith.base.clock import now
from kith.channels.models import Delivery
from kith.contacts.models import Identity
from kith.conversations.models import Draft, Message, Participant, Seen
from kith.conversations.services import attention
from kith.core import blobs
from kith.engagement.models import Macro, SavedReply
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.teams.selectors import viewer_of
from kith.trust.models import Decision
from kith.trust.services import suppression_add
from kith.work.models import Task
from tests.support import house
from tests.support.browser import Screen, screen
from tests.web.inbox.desk import asked, behave, client_of, played, send_due, where

expect.set_options(timeout=20_000)  # machines that test are busy
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LONG = "a-very-long-name-of-a-mailbox-that-nobody-would-type.for-the-workshop@us.example"


@pytest.fixture
def mara(live_server: Any) -> User:
    return house.user()


@pytest.fixture
def account(live_server: Any) -> ChannelAccount:
    return played()


@pytest.fixture
def it(chromium: Any, live_server: Any, mara: User) -> Iterator[Screen]:
    with screen(chromium, live_server.url, mara) as made:
        yield made
        # A question that the button asks is an answer of 422, of which the browser complains.
        assert [line for line in made.complaints if "422" not in line] == []


def box(it: Screen) -> Any:
    return it.page.locator("#reply-text")


def send(it: Screen, text: str) -> None:
    box(it).fill(text)
    box(it).press("Control+Enter")


def pick(it: Screen, message: Message, entry: str) -> None:
    """Open a message's menu and press an entry."""
    item = it.page.locator(f"#m-{message.pk}")
    item.hover()
    item.locator(".message-menu > summary").click()
    item.get_by_role("button", name=entry, exact=True).click()


def head(it: Screen, entry: str) -> None:
    it.page.locator("#more > summary").click()
    it.page.locator("#more").get_by_role("button", name=entry).click()


def test_an_answer_counts_down_and_is_taken_back_into_the_box(it: Screen, account: ChannelAccount) -> None:
    key, _ = asked(account)
    it.go(f"/inbox/{key}/")
    send(it, "It is here.")
    line = it.page.locator("[data-stream] [data-until]")
    expect(line).to_contain_text("Goes out in")
    expect(line.locator("[data-countdown]")).to_have_text(re.compile(r"^\d+ sec$"))
    line.get_by_role("button", name="Take back").click()
    expect(box(it)).to_have_value("It is here.")
    assert Message.objects.get(text="It is here.").state == "cancelled"


def test_a_held_answer_goes_all_the_same_for_a_reason(
    it: Screen, account: ChannelAccount, mara: User
) -> None:
    key, message = asked(account)
    Message.objects.filter(pk=message.pk).update(direction="out", author=mara)
    Identity.objects.filter(pk=message.sender_id).update(bounced_at=now())
    it.go(f"/inbox/{key}/")
    expect(it.page.locator("#verdict")).to_contain_text("The last message to this address came back.")
    send(it, "It is here.")
    card = it.page.locator("[data-outgoing=held]")
    expect(card).to_contain_text("Held back. The last message to this address came back.")
    assert it.axe() == []
    card.get_by_role("button", name="Send all the same").click()
    card.locator("input[name=reason]").fill("She called: it works")
    card.locator("input[name=reason]").press("Enter")
    expect(it.page.locator("[data-stream]")).to_contain_text(
        "Sent all the same by Mara: She called: it works"
    )
    assert Decision.objects.filter(override_reason="She called: it works").count() == 1


def test_what_is_refused_is_tried_again_or_edited(it: Screen, account: ChannelAccount) -> None:
    key, _ = asked(account)
    behave(account, "is refused")
    client_of(User.objects.get()).post(f"/inbox/{key}/reply/", {"text": "It is here."})
    send_due()
    it.go(f"/inbox/{key}/")
    card = it.page.locator("[data-outgoing=failed]")
    expect(card).to_contain_text("Not delivered. The simulated network refuses this message.")
    assert it.axe() == []
    card.get_by_role("button", name="Try again").click()
    expect(card).to_have_count(0)
    send_due()
    it.page.reload()
    card.get_by_role("button", name="Back into the box").click()
    expect(box(it)).to_have_value("It is here.")


def test_of_an_uncertain_one_a_person_says_what_became_of_it(it: Screen, account: ChannelAccount) -> None:
    key, _ = asked(account)
    client_of(User.objects.get()).post(f"/inbox/{key}/reply/", {"text": "It is here."})
    Delivery.objects.update(state="unknown", error="The line broke.")
    Message.objects.filter(direction="out").update(state="unknown")
    it.go(f"/inbox/{key}/")
    card = it.page.locator("[data-outgoing=unknown]")
    expect(card).to_contain_text("Perhaps sent.")
    assert it.axe() == []
    card.get_by_role("button", name="It arrived").click()
    expect(card).to_have_count(0)
    assert Message.objects.get(direction="out").state == "sent"


def test_who_was_slower_sees_what_the_other_wrote_and_may_send_all_the_same(
    it: Screen, account: ChannelAccount
) -> None:
    key, _ = asked(account)
    olu = client_of(house.user("Olu"))
    it.go(f"/inbox/{key}/")
    box(it).fill("We look for it.")
    expect(it.page.locator("#composer [x-text=kept]")).to_have_text("Draft kept")
    olu.post(f"/inbox/{key}/reply/", {"text": "Your bike is ready.", "confirm": "typing"})
    box(it).press("Control+Enter")
    clash = it.page.locator("[data-clash]")
    expect(clash).to_contain_text("Olu has answered meanwhile.")
    expect(clash).to_contain_text("Your bike is ready.")
    expect(box(it)).to_have_value("We look for it.")
    assert it.axe() == []
    clash.get_by_role("button", name="Send mine all the same").click()
    expect(it.page.locator("[data-stream]")).to_contain_text("We look for it.")
    assert Message.objects.filter(text="We look for it.").count() == 1


def test_who_types_is_seen_at_once_and_not_any_more_when_they_turn_away(
    it: Screen, account: ChannelAccount, chromium: Any, live_server: Any
) -> None:
    key, _ = asked(account)
    olu = house.user("Olu")
    it.go(f"/inbox/{key}/")
    with screen(chromium, live_server.url, olu) as hers:
        hers.go(f"/inbox/{key}/")
        box(hers).press_sequentially("Ah")
        expect(hers.page.locator("#composer [x-text=kept]")).to_have_text("Draft kept")
        _until(
            lambda: any(
                p.typing for p in attention.presence_of(viewer_of(User.objects.get(name="Mara")), key)
            )
        )
        it.page.evaluate("htmx.trigger('#talk-head', 'kith:refresh')")
        expect(it.page.locator("#talk-head")).to_contain_text("Olu is writing")
        expect(it.page.locator("#others")).to_contain_text("Olu is writing an answer, too.")
        hers.go("/today/")
    _until(lambda: not attention.presence_of(viewer_of(User.objects.get(name="Mara")), key))
    it.page.evaluate("htmx.trigger('#talk-head', 'kith:refresh')")
    expect(it.page.locator("#others")).to_be_empty()


def _until(true: Any) -> None:
    from time import monotonic, sleep

    end = monotonic() + 20
    while not true():
        assert monotonic() < end
        sleep(0.05)


def test_everybody_is_answered_and_a_message_passed_on_with_its_files(
    it: Screen, account: ChannelAccount, tmp_path: Path
) -> None:
    others = [
        {"id": "bob@x.example", "name": "Bob", "handle": "bob@x.example"},
        {"id": "info@us.example", "handle": "info@us.example"},
    ]
    key, message = asked(account, to=others)
    digest, size = blobs.put(PICTURE)
    message.attachments.create(file_name="photo.png", content_type="image/png", size=size, digest=digest)
    it.go(f"/inbox/{key}/")
    pick(it, message, "Answer everybody")
    expect(it.page.locator("#composer [data-answered]")).to_contain_text("Answers Ada Lovelace:")
    expect(it.page.locator("input[name=cc]")).to_have_value("Bob <bob@x.example>")
    expect(box(it)).to_be_focused()
    assert it.axe() == []
    it.page.locator("input[name=bcc]").fill("boss@us.example")
    send(it, "To you all")
    expect(it.page.locator(".bubble-ours", has_text="To you all")).to_be_visible()
    sent = Message.objects.get(text="To you all")
    roles = set(sent.participants.exclude(role="from").values_list("role", "identity__external_id"))
    assert roles == {("to", "ada@x.example"), ("cc", "bob@x.example"), ("bcc", "boss@us.example")}
    pick(it, message, "Forward")
    to = it.page.locator("input[name=to]")
    expect(to).to_be_focused()
    expect(it.page.locator("#draft-files")).to_contain_text("photo.png")
    assert it.axe() == []
    to.fill("part@supplier.example")
    box(it).press("Control+Enter")
    _until(lambda: Message.objects.filter(subject="Fwd: My bike").exists())
    expect(it.page.locator("#composer")).to_have_attribute("data-mode", "reply")
    passed = Message.objects.get(subject="Fwd: My bike")
    assert "Where is my bike?" in passed.text
    assert passed.attachments.count() == 1


def test_files_of_a_draft_are_there_again_after_a_reload(
    it: Screen, account: ChannelAccount, tmp_path: Path
) -> None:
    key, _ = asked(account)
    (tmp_path / "bill.txt").write_text("12 EUR")
    it.go(f"/inbox/{key}/")
    box(it).fill("The bill")
    it.page.locator("#composer input[type=file]").set_input_files(tmp_path / "bill.txt")
    expect(it.page.locator("#draft-files")).to_contain_text("bill.txt")
    expect(it.page.locator("#composer [x-text=kept]")).to_have_text("Draft kept")
    it.page.reload()
    expect(it.page.locator("#draft-files")).to_contain_text("bill.txt")
    expect(box(it)).to_have_value("The bill")
    assert it.axe() == []
    it.page.get_by_role("button", name="Remove bill.txt").click()
    expect(it.page.locator("#draft-files")).not_to_contain_text("bill.txt")
    it.page.locator("#composer input[type=file]").set_input_files(tmp_path / "bill.txt")
    expect(it.page.locator("#draft-files")).to_contain_text("bill.txt")
    box(it).press("Control+Enter")
    expect(it.page.locator(".bubble-ours")).to_contain_text("bill.txt")
    sent = Message.objects.get(direction="out")
    assert [a.size for a in sent.attachments.all()] == [6]


def test_a_post_has_its_warning_its_audience_and_words_for_its_picture(
    it: Screen, live_server: Any, tmp_path: Path
) -> None:
    key, _ = asked(
        played("mastodon", "@us@s.example"), "Look", "https://s.example/@ada", public=True, subject=""
    )
    (tmp_path / "hub.png").write_bytes(PICTURE)
    it.go(f"/inbox/{key}/")
    assert it.page.locator("[data-send]").inner_text().strip() == "Post publicly"
    it.page.locator("#composer input[type=file]").set_input_files(tmp_path / "hub.png")
    alt = it.page.get_by_label("What hub.png shows, for those who can't see it")
    alt.fill("A hub with a crack")
    with it.page.expect_response(re.compile("/draft/files/")):
        alt.press("Tab")
    it.page.get_by_label("Content warning").fill("Broken metal")
    it.page.locator("select[name=audience]").select_option("unlisted")
    assert it.axe() == []
    send(it, "Ouch.")
    expect(it.page.locator(".bubble-ours")).to_contain_text("Broken metal")
    sent = Message.objects.get(direction="out")
    assert (sent.content_warning, sent.extra["audience"]) == ("Broken metal", "unlisted")
    assert sent.attachments.get().alt_text == "A hub with a crack"


def test_a_saved_reply_is_found_and_a_macro_fills_the_box(it: Screen, account: ChannelAccount) -> None:
    SavedReply.objects.create(name="Thanks", text="{greeting} thank you.")
    SavedReply.objects.create(name="Sorry", text="We are sorry.")
    Macro.objects.create(
        name="Say bye", steps=[{"do": "reply", "text": "Bye."}, {"do": "tag", "tag": "done"}]
    )
    key, _ = asked(account)
    it.go(f"/inbox/{key}/")
    it.page.keyboard.press("i")
    search = it.page.get_by_role("searchbox", name="Find a saved reply")
    expect(search).to_be_focused()
    expect(it.page.locator("#reply-rows")).to_contain_text("Thanks")
    assert it.axe() == []
    search.fill("sorry")
    expect(it.page.locator("#reply-rows")).not_to_contain_text("Thanks")
    search.fill("thank")
    it.page.locator("#reply-rows button", has_text="Thanks").click()
    expect(box(it)).to_have_value("Hello, thank you.")
    head(it, "Say bye")
    expect(box(it)).to_have_value("Hello, thank you.Bye.")
    expect(it.page.locator("#toasts")).to_contain_text("Macro done")


def test_a_conversation_is_split_moved_and_joined_each_with_its_undo(
    it: Screen, account: ChannelAccount
) -> None:
    key, first = asked(account, thread="one", at=now() - timedelta(minutes=9))
    _, second = asked(account, "And a tandem", thread="one", at=now() - timedelta(minutes=5))
    other, _ = asked(account, "Hello", "bob@x.example", sender_name="Bob", subject="Bell")
    it.go(f"/inbox/{key}/")
    pick(it, second, "Split off from here")
    expect(it.page.locator(f"#m-{second.pk}")).to_have_count(0)
    apart = where(second)
    assert apart != key
    it.page.locator("#toasts [data-undo]").last.click()
    expect(it.page.locator(f"#m-{second.pk}")).to_be_visible()
    assert where(second) == key
    pick(it, second, "Move to another conversation")
    dialog = it.page.locator("#choose")
    expect(dialog).to_be_visible()
    dialog.get_by_role("searchbox").fill("Bell")
    expect(dialog.locator("#choose-rows")).to_contain_text("Bob · Bell")
    assert it.axe() == []
    dialog.locator("#choose-rows button").first.click()
    expect(it.page.locator(f"#m-{second.pk}")).to_have_count(0)
    expect(dialog).to_have_count(0)
    assert where(second) == other
    it.page.locator("#toasts [data-undo]").last.click()
    expect(it.page.locator(f"#m-{second.pk}")).to_be_visible()
    it.page.keyboard.press("Shift+M")
    expect(dialog).to_be_visible()
    dialog.get_by_role("searchbox").fill("Bell")
    dialog.locator("#choose-rows button", has_text="Bell").click()
    expect(it.page.locator("[data-stream]")).to_contain_text("Hello")
    it.page.locator("#toasts [data-undo]").last.click()
    expect(it.page.locator("[data-stream]")).not_to_contain_text("Hello")
    assert where(first) == where(second) == key


def test_spam_block_and_unread_by_key_menu_and_palette(it: Screen, account: ChannelAccount) -> None:
    key, message = asked(account)
    it.go(f"/inbox/{key}/")
    it.page.keyboard.press("!")
    expect(it.page.locator("#toasts")).to_contain_text("Set aside as spam")
    it.page.locator("#toasts [data-undo]").last.click()
    expect(it.page.locator("#toasts")).to_contain_text("Taken back")
    head(it, "Block Ada Lovelace")
    expect(it.page.locator("#more [data-command=unblock]")).to_have_count(1)
    assert Identity.objects.get(pk=message.sender_id).blocked_at is not None
    it.page.locator("#toasts [data-undo]").last.click()
    expect(it.page.locator("#more [data-command=block]")).to_have_count(1)
    assert Identity.objects.get(pk=message.sender_id).blocked_at is None
    it.page.keyboard.press("Control+k")
    it.page.locator("#palette input[name=q]").fill("unread again")
    it.page.locator("#palette [role=option]", has_text="Unread again").first.click()
    expect(it.page.locator("#conversation")).to_contain_text("Nothing is open")
    assert not Seen.objects.exists()
    expect(it.page.locator(f"#row-{key}")).to_contain_text("unread")


def test_a_task_is_made_and_the_source_shown_from_the_menu_of_a_message(
    it: Screen, account: ChannelAccount
) -> None:
    key, message = asked(account)
    it.go(f"/inbox/{key}/")
    pick(it, message, "Make a task of it")
    dialog = it.page.locator("#make-task")
    expect(dialog.get_by_label("What is to be done")).to_have_value("My bike")
    assert it.axe() == []
    dialog.get_by_role("button", name="Make the task").click()
    expect(it.page.locator("#toasts")).to_contain_text("Task made")
    expect(dialog).to_have_count(0)
    assert Task.objects.get().title == "My bike"
    pick(it, message, "Quote it")
    expect(box(it)).to_have_value("> Where is my bike?\n\n")
    pick(it, message, "As it came")
    expect(it.page.locator("#source pre")).to_contain_text("Where is my bike?")
    assert it.axe() == []


def test_a_sender_who_is_not_proven_is_doubted_in_words(it: Screen, account: ChannelAccount) -> None:
    key, message = asked(account)
    Participant.objects.filter(message=message, role="from").update(verified="failed")
    Message.objects.filter(pk=message.pk).update(authentication={"dmarc": "fail"})
    it.go(f"/inbox/{key}/")
    it.page.locator("[data-doubt=forged] > summary").click()
    expect(it.page.locator("[data-doubt=forged]")).to_contain_text(
        "The domain vouches for the address (DMARC): no"
    )
    assert it.axe() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_full_conversation_is_clean_in_both_themes_and_fits_a_phone(
    chromium: Any, live_server: Any, mara: User, theme: str
) -> None:
    account = played(address=LONG)
    key, message = asked(account)
    played("email", "second-" + LONG)
    _every_state(key, message, mara, account)
    for width, height in ((1680, 1000), (390, 844)):
        with screen(chromium, live_server.url, mara, width=width, height=height, theme=theme) as it:
            it.go(f"/inbox/{key}/")
            it.page.locator("#composer [data-mail-fields] > summary").click()
            assert it.axe() == []
            assert it.page.evaluate("document.documentElement.scrollWidth") <= width
            wide = "[...document.querySelectorAll('#composer, #composer *')].filter((e) => !e.closest('.overflow-x-auto') && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 90))"
            assert it.page.evaluate(wide) == []
            it.page.locator("#more > summary").click()
            assert it.axe() == []
            assert it.complaints == []


def _every_state(key: uuid.UUID, message: Message, mara: User, account: ChannelAccount) -> None:
    """A conversation in which something of ours is in each state there is."""
    client = client_of(mara)
    for state in ("queued", "failed", "unknown", "sent"):
        client.post(f"/inbox/{key}/reply/", {"text": f"It is {state}"})
        sent = Message.objects.get(text=f"It is {state}")
        Delivery.objects.filter(message=sent).update(
            state=state, error="The network's own words." if state != "sent" else ""
        )
        Message.objects.filter(pk=sent.pk).update(state=state)
    client.post(
        f"/inbox/{key}/reply/", {"text": "Planned", "send_at": (now() + timedelta(days=1)).isoformat()}
    )
    suppression_add(network=account.network, address="ada@x.example")
    client.post(f"/inbox/{key}/reply/", {"text": "Denied"})
    client.post(f"/inbox/{key}/draft/", {"text": "Half a draft", "via": ""})
    assert Draft.objects.count() == 1


def test_a_conversation_opens_at_its_end_and_a_link_at_its_message(
    it: Screen, account: ChannelAccount
) -> None:
    key, first = asked(account, "The first\n" * 12, thread="one", at=now() - timedelta(minutes=90))
    for number in range(8):
        _, last = asked(
            account, f"Word {number}\n" * 8, thread="one", at=now() - timedelta(minutes=80 - number)
        )
    it.go(f"/inbox/{key}/")
    expect(it.page.locator(f"#m-{last.pk}")).to_be_in_viewport(ratio=0.9)
    box(it).fill("A line\n" * 12)
    expect(it.page.locator(f"#m-{last.pk}")).to_be_in_viewport(ratio=0.9)
    it.go(f"/inbox/{key}/?m={first.pk}#m-{first.pk}")
    expect(it.page.locator(f"#m-{first.pk}")).to_be_in_viewport()
    expect(it.page.locator(f"#m-{first.pk}")).to_have_class(re.compile("found"))


def test_escape_closes_a_menu_before_it_leaves_the_conversation(
    chromium: Any, live_server: Any, mara: User
) -> None:
    key, _ = asked(played())
    with screen(chromium, live_server.url, mara, width=390, height=844) as it:
        it.go(f"/inbox/{key}/")
        it.page.locator("#more > summary").click()
        it.page.keyboard.press("Escape")
        expect(it.page.locator("#more")).not_to_have_attribute("open", "")
        expect(it.page.locator("#subject")).to_be_visible()
        it.page.keyboard.press("Escape")
        expect(it.page.locator("#subject")).to_be_hidden()
