"""The customer's pages in Chromium: all the way through, in every look, whole for who can't see them, and without scripts."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_for_identity, fact_record
from kith.conversations.models import Message
from kith.teams.models import User
from kith.trust.links import link_token
from kith.trust.models import Consent, Decision, Preference, Touch
from kith.trust.services import topic_save
from kith.work.services import promise_make
from tests.support.browser import LOOKS, Screen
from tests.support.cast import cast_make
from tests.web.my.post import Post, jobs_run, post_open

pytestmark = pytest.mark.django_db(transaction=True)
ADA, BOB = "ada@outside.example", "bob@outside.example"
PATIENCE = 20  # seconds for whatever is waited for


@pytest.fixture
def post(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Post:
    """Ada, whom Carl looks after, with an open question, a promise, facts, and offers that were held back; Bob wrote once."""
    cache.clear()
    cast = cast_make()
    found = post_open(monkeypatch, address="desk@us.example")[0]
    asked = cast.mail(cast.everyone, subject="My bell is cracked", text="It fell down")
    cast.mail(cast.everyone, sender=BOB, name="", subject="", text="Hello?")
    identity = Identity.objects.get(external_id=ADA)
    with transaction.atomic():
        contact = contact_for_identity(identity=identity)
    Contact.objects.filter(pk=contact.pk).update(owner=User.objects.get(name="Carl"))
    promise_make(
        cast.viewer(cast.carl), contact_id=contact.pk, what="A new bell", due_at=now() + timedelta(days=3),
        message_id=asked.message_id, scope_id=cast.everyone.pk,
    )  # fmt: skip
    fact_record(
        contact_id=contact.pk, attribute="city", value="Leeds", source="message", quote="I live in Leeds",
        message_id=asked.message_id,
    )  # fmt: skip
    topic_save(name="News", about="What is new in the workshop, four times a year")
    topic_save(name="Repairs")
    for state in ("held", "held", "held", "made"):
        touch = Touch.objects.create(
            identity=identity, kind="campaign", channel="email", purpose="news", state=state,
            planned_for=now(), title="Bells in spring",
        )  # fmt: skip
        if state == "held":
            Decision.objects.create(touch=touch, outcome="hold", rule="paused", sentence="x", values={})
    return found


class Walk:
    """One customer at the pages; `seen` is told the name of each state that they come to."""

    def __init__(self, page: Any, base: str, post: Post, seen: Callable[[str], None]) -> None:
        self.page, self.base, self.post, self.seen = page, base, post, seen

    def link(self) -> None:
        """What the link of a mail opens: stop, topics, pause. No name stands there."""
        page = self.page
        token = link_token(Identity.objects.get(external_id=ADA).pk)
        page.goto(f"{self.base}/my/{token[:-2]}xx/")
        self.seen("link-over")
        page.goto(f"{self.base}/my/{token}/")
        assert "Ada" not in page.locator("body").inner_text()
        self.seen("link")
        page.get_by_role("button", name="Unsubscribe").click()
        assert page.get_by_role("status").inner_text() == "Done: you get no more offers this way."
        assert Consent.objects.get(purpose="all").status == "withdrawn"
        self.seen("unsubscribed")
        page.get_by_label("News").check()
        page.get_by_role("button", name="Save").click()
        assert page.get_by_label("News").is_checked()
        assert Consent.objects.filter(purpose="news", status="given").count() == 1
        page.get_by_label("No offers", exact=True).select_option("90")
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="End the pause").wait_for()
        assert Preference.objects.filter(paused_until__gt=now() + timedelta(days=89)).count() == 1
        self.seen("paused")

    def code(self, address: str) -> None:
        """A code is asked for, comes by mail, is mistyped once, then typed."""
        page = self.page
        page.goto(f"{self.base}/my/")
        self.seen("start")
        page.get_by_label("Your e-mail address").fill(address)
        page.get_by_role("button", name="Mail me a code").click()
        page.wait_for_url("**/my/code/")
        self.seen("code")
        job_do()
        page.get_by_label("Code").fill("0000 0000")
        page.get_by_role("button", name="Open my page").click()
        page.get_by_role("alert").wait_for()
        self.seen("code-wrong")
        page.get_by_label("Code").fill(f"{self.post.code[:4]} {self.post.code[4:]}")
        page.get_by_role("button", name="Open my page").click()
        page.wait_for_url("**/my/visit/")

    def visit(self) -> None:
        """Person, open question, promise, what is known and how; then the name is corrected, and a receipt read."""
        page = self.page
        for words in ("Carl", "My bell is cracked", "A new bell", "I live in Leeds"):
            assert page.get_by_text(words).first.is_visible(), words
        assert page.get_by_text("3 offers were held back:").is_visible()
        page.get_by_text("1 offer reached you").click()
        assert page.get_by_text("Bells in spring").is_visible()
        self.seen("visit")
        page.get_by_label("Call me").fill("Countess")
        page.get_by_role("button", name="Correct my name").click()
        assert page.get_by_role("heading", name="Hello Countess").is_visible()
        assert Contact.objects.get(preferred_name="Countess").owner is not None
        page.get_by_role("link", name="Receipt").first.click()
        self.seen("receipt")
        page.get_by_role("link", name="Back to your page").click()

    def data(self) -> None:
        """The zip is made and taken: a page for people, JSON for programs."""
        page = self.page
        page.get_by_role("button", name="Give me my data").click()
        page.wait_for_url("**/my/visit/data/")
        self.seen("data-waits")
        job_do()
        page.get_by_role("link", name="Look again").click()
        self.seen("data")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == "my-data.zip"
        names = zipfile.ZipFile(download.value.path()).namelist()
        assert "index.html" in names
        assert "messages.json" in names
        page.get_by_role("link", name="Back to your page").click()

    def forget(self) -> None:
        """Asked twice, then gone."""
        page = self.page
        page.get_by_role("link", name="Forget me …").click()
        self.seen("forget")
        page.get_by_label("Type “forget me” to confirm").fill("forget")
        page.get_by_role("button", name="Forget me for good").click()
        page.get_by_role("alert").wait_for()
        self.seen("forget-wrong")
        page.get_by_label("Type “forget me” to confirm").fill("forget me")
        page.get_by_role("button", name="Forget me for good").click()
        page.wait_for_url("**/my/forgotten/**")
        self.seen("forgetting")
        job_do()
        page.get_by_role("link", name="Look again").click()
        assert page.get_by_role("status").inner_text() == "It is done. We know nothing of you any more."
        self.seen("forgotten")
        assert not Identity.objects.filter(external_id=ADA).exists()
        assert not Message.objects.filter(text__contains="It fell down").exists()
        assert Message.objects.filter(text__contains="Hello?").exists()


def window(running: Any, look: tuple[str, int, int], **options: Any) -> Any:
    theme, width, height = look
    context = running.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, accept_downloads=True, **options
    )
    context.set_default_timeout(PATIENCE * 1000)
    return context.new_page()


def job_do() -> None:
    """The live server answers in another thread: wait until it has asked for the job, then do it."""
    end = time.monotonic() + PATIENCE
    while not jobs_run():
        assert time.monotonic() < end, "nothing was asked for"
        time.sleep(0.02)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_customer_goes_all_the_way(
    chromium: Any, live_server: Any, post: Post, look: tuple[str, int, int]
) -> None:
    it = Screen(window(chromium, look), live_server.url)
    it.page.on("console", lambda message: it.complaints.append(message.text))
    found: list[str] = []

    def seen(name: str) -> None:
        if folder := os.environ.get("PICTURES"):
            it.page.screenshot(path=str(Path(folder) / f"{name}-{look[0]}-{look[1]}.png"), full_page=True)
        found.extend(f"{name}: {line}" for line in it.axe())
        if it.page.evaluate("document.documentElement.scrollWidth") > look[1]:
            found.append(f"{name}: wider than the screen")

    walk = Walk(it.page, live_server.url, post, seen)
    walk.link()
    it.go("/subscribe/")
    seen("subscribe")
    walk.code(BOB)
    seen("visit-empty")
    it.page.get_by_role("button", name="Leave").click()
    walk.code(ADA)
    walk.visit()
    walk.data()
    walk.forget()
    assert found == []
    # The browser tells of a page that answers 404 or 422, and that is all.
    assert [line for line in it.complaints if "status of 4" not in line] == []
    it.page.context.close()


def test_no_script_is_needed(chromium: Any, live_server: Any, post: Post) -> None:
    page = window(chromium, LOOKS[0], java_script_enabled=False)
    walk = Walk(page, live_server.url, post, lambda name: None)
    walk.link()
    walk.code(ADA)
    walk.visit()
    walk.data()
    walk.forget()
    page.context.close()


def test_pages_in_german_and_spanish(chromium: Any, live_server: Any, post: Post) -> None:
    for locale, words in (("de-DE", "Abbestellen"), ("es-ES", "Darse de baja")):
        page = window(chromium, LOOKS[0], locale=locale)
        page.goto(f"{live_server.url}/my/{link_token(Identity.objects.get(external_id=ADA).pk)}/")
        assert page.get_by_role("button", name=words).is_visible()
        page.context.close()
