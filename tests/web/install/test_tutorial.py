"""The first ten minutes, walked as they are written: each step does what its sentence says, in the demo.

A sentence that is changed in the tutorial is changed here, too, and with it what is done.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from kith.channels.models import Delivery
from kith.conversations.models import Message
from kith.teams.models import User
from tests.support.browser import Screen, screen
from tests.web.my.post import jobs_run

expect.set_options(timeout=30_000)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorial" / "first-ten-minutes.md"


class Walk:
    """The tutorial's steps in order; `says` fails when a step does not say this (any more)."""

    def __init__(self) -> None:
        text = re.sub(r"\s+", " ", TUTORIAL.read_text(encoding="utf-8"))
        self.steps = [step.strip() for step in re.split(r" \d+\. ", text)[1:]]
        self.said: dict[int, str] = {}

    def says(self, step: int, *sentences: str) -> None:
        for sentence in sentences:
            assert sentence in self.steps[step - 1], f"step {step} does not say: {sentence}"
        self.said[step] = self.said.get(step, "") + " ".join(sentences)


def _open(it: Screen, name: str) -> None:
    it.go("/inbox/?in=all")
    it.page.locator("#list a[data-open]", has_text=name).first.click()
    expect(it.page.locator("#person")).to_contain_text(name.split()[-1])


def test_the_first_ten_minutes_are_as_they_are_written(chromium: Any, live_server: Any, mara: User) -> None:
    walk = Walk()
    assert len(walk.steps) == 9

    walk.says(1, "sign in as `mara@velohof.example` with `velo hof demo`.")
    walk.says(1, "The tour of a minute shows where things are; *Skip* leaves it,")
    walk.says(1, "and the menu behind your name has it again.")
    context = chromium.new_context(viewport={"width": 1680, "height": 1000})
    page = context.new_page()
    page.goto(live_server.url)
    expect(page.locator("#demo-keys")).to_contain_text("velo hof demo")
    page.fill("input[name=login]", "mara@velohof.example")
    page.fill("input[name=password]", "velo hof demo")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("#tour")).to_be_visible()
    page.locator("#tour").get_by_role("button", name="Skip").click()
    expect(page.locator("#tour")).not_to_be_visible()
    page.locator("#nav details[data-menu] > summary").click()
    expect(page.get_by_role("link", name="The tour of a minute")).to_be_visible()
    context.close()

    with screen(chromium, live_server.url, mara) as it:
        page = it.page
        walk.says(2, "The inbox shows who waits. Open *Steve Markey*: he wrote by mail and in public;")
        walk.says(2, "his panel on the right holds both, with what we promised him.")
        it.go("/inbox/")
        page.locator("#list a[data-open]", has_text="Steve Markey").click()
        panel = page.locator("#person")
        expect(panel).to_contain_text("steve@markey.example")
        expect(panel).to_contain_text("smarkey.example")
        expect(panel).to_contain_text("Call when the hub has arrived")
        expect(panel).to_contain_text("1 of 2")

        walk.says(
            3, "Type an answer. The line beside the button says what the gate thinks before you press it."
        )
        walk.says(3, "A public answer is orange, and its button says *Post publicly*.")
        page.locator(".via[data-visibility=public]").first.click()
        expect(page.locator("#composer")).to_have_attribute("data-visibility", "public")
        expect(page.locator("[data-send]")).to_contain_text("Post publicly")
        expect(page.locator("#verdict")).not_to_be_empty()
        page.fill("#reply-text", "Your hub is here since this morning, Steve.")

        walk.says(4, "Press it, and take it back within ten seconds if you like.")
        page.locator("[data-send]").click()
        expect(page.locator(".bubble", has_text="Your hub is here since this morning")).to_be_visible()
        page.locator("#toasts [data-undo], [data-take-back]").first.click()
        expect(page.locator("#reply-text")).to_have_value("Your hub is here since this morning, Steve.")
        sent = Message.objects.filter(text__startswith="Your hub is here", state="sent")
        assert not sent.exists()

        walk.says(5, "`j` and `k` walk through the list, `e` closes, `s` snoozes, `a` assigns,")
        walk.says(5, "`?` shows all keys, `Ctrl K` jumps anywhere.")
        it.go("/inbox/")
        rows = page.locator("#list [data-row]")
        expect(rows.first).to_be_visible()
        page.keyboard.press("j")
        first = page.locator('#list a[data-open][aria-current="true"]')
        expect(first).to_have_count(1)
        expect(page.locator("[data-conversation]")).to_be_visible()
        page.keyboard.press("?")
        keys = page.locator("dialog[open]")
        for words in ("j", "k", "e", "s", "a"):
            expect(keys.locator("kbd", has_text=re.compile(f"^{words}$")).first).to_be_attached()
        page.keyboard.press("Escape")
        expect(keys).to_have_count(0)
        page.keyboard.press("Control+k")
        expect(page.locator("dialog[open] input").first).to_be_focused()
        page.keyboard.press("Escape")

        walk.says(6, "Open *Margaret Hollis*: an invitation to her was held back, and says why.")
        _open(it, "Margaret Hollis")
        expect(page.locator("main, #conversation").first).to_contain_text("They asked never to be contacted")
        walk.says(6, "Open *Paul Ferrand*: his answer was perhaps sent,")
        walk.says(6, "and Kith asks you rather than send it twice.")
        _open(it, "Paul Ferrand")
        expect(page.locator(".bubble", has_text="Monsieur Ferrand").first).to_be_visible()
        assert Delivery.objects.filter(state="unknown").count() == 1
        expect(
            page.get_by_role("button", name=re.compile("It did not|not arrive|Send again|Send it")).first
        ).to_be_visible()

        walk.says(7, "*Settings, Channels, Try without connecting* is the simulator: play a customer,")
        walk.says(7, "and the message arrives in the inbox while you watch.")
        it.go("/settings/channels/")
        page.get_by_role("link", name=re.compile("Try without connecting")).first.click()
        page.fill("[name=name]", "Wren Ashby")
        page.fill("[name=text]", "Do you repair pogo sticks?")
        page.get_by_role("button", name="Say it").click()
        expect(page.locator("body")).to_contain_text("It has arrived")
        it.go("/inbox/")
        expect(page.locator("#list")).to_contain_text("Wren Ashby")

        walk.says(8, "On the same page, *Open the customer's page*, type `steve@markey.example`,")
        walk.says(8, "and reload the simulator: there stands the code that Kith mails.")
        it.go("/simulator/")
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Open the customer's page").click()
        own = opened.value
        own.fill("input[type=email]", "steve@markey.example")
        own.keyboard.press("Enter")
        own.locator("input[name=code]").wait_for()
        jobs_run()
        page.reload()
        code = re.search(r"\b\d{8}\b", page.locator("main").inner_text())
        assert code, "no code in the simulator"
        walk.says(8, "Now you see what Steve sees of himself.")
        own.fill("input[name=code]", code[0])
        own.keyboard.press("Enter")
        expect(own.locator("h1")).to_have_text("Hello Steve")
        walk.says(8, "*Open the form for topics* shows double opt-in the same way.")
        expect(page.get_by_role("link", name="Open the form for topics")).to_be_visible()
        assert it.complaints == []

    walk.says(
        9, "Stop with Ctrl-C. Start again: everything is still there."
    )  # tests/cli/test_up.py does that
    assert set(walk.said) == set(range(1, 10))
