"""The chat window in Chromium, on a page of another origin, against a whole Kith: web, live, worker, listeners."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kithprocess import Kith, kith, wait_for
from tests.support.shared import shared_data
from tests.web.chat.support import chromium, site

pytestmark = [pytest.mark.browser]

SETUP = """
from datetime import UTC, datetime
from kith.core import company
from kith.networks.models import ChannelAccount
from kith.teams.models import Scope, User
from kith.teams.services import api_token_create
from kith.teams.types import API_PERMISSIONS
company.set_value("name", "Wheels")
user = User.objects.create_user("mara@us.example", name="Mara", password="long enough 1", role="admin")
scope = Scope.objects.filter(kind="everyone").first() or Scope.objects.create(kind="everyone", name="Everyone")
account = ChannelAccount.objects.create(
    network="chat", name="Shop chat", display_name="Wheels", scope=scope, history_until=datetime(2000, 1, 1, tzinfo=UTC),
    external_id="SITE", settings={"site": "SITE", "greeting": "Hello <b>there</b>"},
)
print(account.pk, api_token_create(user=user, name="t", permissions=API_PERMISSIONS)[1])
"""


class House:
    def __init__(self, process: Kith, origin: str, account: str, token: str, browser: Any) -> None:
        self.kith, self.origin, self.account, self.token, self.browser = (
            process,
            origin,
            account,
            token,
            browser,
        )

    def api(self, method: str, path: str, body: Any = None) -> Any:
        import httpx

        answer = httpx.request(
            method,
            f"{self.kith.url}/api/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def page(self, **options: Any) -> Any:
        """A page of the shop with the window on it; whatever a payload would do is noted in `page.ran`."""
        page = self.browser.new_context(**options).new_page()
        page.ran = []
        page.on("dialog", lambda dialog: (page.ran.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: page.ran.append(str(error)))
        page.goto(f"{self.origin}/")
        page.get_by_role("button", name=re.compile("^(Open chat|Chat öffnen|Abrir)")).wait_for()
        return page

    def conversation_with(self, text: str) -> dict[str, Any]:
        def look() -> Any:
            found = self.api("GET", "/conversations")["items"]
            return next((c for c in found if text in c["snippet"]), None)

        found: dict[str, Any] = wait_for(look, 20)
        return found


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    pages: dict[str, str] = {}
    with (
        site(pages) as origin,
        kith(ready=True, env={"KITH_ENV": "production"}) as process,
        chromium() as browser,
    ):
        process.up()
        account, token = process.python(SETUP.replace("SITE", origin)).split()
        script = f'<script src="{process.url}/chat/{account}.js" async></script>'
        pages["/"] = f"<!doctype html><html lang=en><title>Shop</title><h1>Bicycles</h1>{script}"
        pages["/de"] = pages["/"].replace("lang=en", "lang=de")
        pages["/frame"] = f'<!doctype html><iframe src="{process.url}/form/{account}/"></iframe>'
        yield House(process, origin, account, token, browser)


def open_chat(page: Any) -> None:
    page.get_by_role("button", name="Open chat").first.click()


def say(page: Any, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


def test_live_both_ways_from_another_origin(house: House) -> None:
    page = house.page()
    open_chat(page)
    assert page.get_by_label("Your message").evaluate("node => node.getRootNode().activeElement === node")
    say(page, "Do you repair old bicycles?")
    page.locator(".said.mine", has_text="Do you repair").wait_for()
    conversation = house.conversation_with("Do you repair")
    assert conversation["person_id"] is None, "what a visitor types proves nothing"
    page.get_by_role("button", name="Close chat").first.click()
    house.api("POST", f"/conversations/{conversation['id']}/reply", {"text": "Yes, since 1911."})
    # the window hears of it: the badge counts one
    page.get_by_role("button", name="Open chat, 1 new messages").wait_for(timeout=25_000)
    open_chat_again = page.get_by_role("button", name=re.compile("Open chat"))
    open_chat_again.click()
    page.locator(".said:not(.mine)", has_text="Yes, since 1911.").wait_for()
    said = page.locator(".said").all_inner_texts()
    assert len([s for s in said if "Do you repair" in s]) == 1
    page.reload()
    open_chat(page)
    page.locator(".said", has_text="Yes, since 1911.").wait_for()
    assert page.context.cookies() == []
    assert page.ran == []
    page.context.close()


def test_the_stream_brings_it_within_seconds_and_polling_where_there_is_none(house: House) -> None:
    for blocked in (False, True):
        page = house.page()
        if blocked:
            page.route("**/live/**", lambda route: route.abort())
        word = f"Polling {blocked}"
        open_chat(page)
        say(page, word)
        conversation = house.conversation_with(word)
        house.api("POST", f"/conversations/{conversation['id']}/reply", {"text": f"Heard {word}"})
        page.locator(".said", has_text=f"Heard {word}").wait_for(timeout=30_000)
        page.context.close()


def test_offline_asks_for_an_address_and_believes_nothing(house: House) -> None:
    page = house.page()
    open_chat(page)
    page.get_by_text("Nobody is here right now").wait_for()
    page.get_by_label("Your e-mail address").fill("not an address")
    say(page, "Please call me")
    page.get_by_role("alert").get_by_text("does not look like").wait_for()
    page.get_by_label("Your e-mail address").fill("Boss@us.example")
    page.get_by_label("Your name (optional)").fill("The Boss")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("We can also answer by mail to boss@us.example", exact=False).wait_for()
    conversation = house.conversation_with("Please call me")
    assert conversation["person_id"] is None
    messages = house.api("GET", f"/conversations/{conversation['id']}/messages")["items"]
    identity = house.api("GET", f"/identities/{messages[0]['sender_id']}")
    assert (identity["network"], identity["display_name"], identity["person_id"]) == (
        "chat",
        "The Boss",
        None,
    )
    page.context.close()


def test_files_go_in_and_come_back(house: House, tmp_path: Path) -> None:
    page = house.page()
    open_chat(page)
    picture = tmp_path / "<img src=x onerror=alert(1)>.svg"
    picture.write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    page.locator("input[type=file]").set_input_files(picture)
    big = tmp_path / "big.bin"
    big.write_bytes(b"x" * (6 * 1024 * 1024))
    page.locator("input[type=file]").set_input_files(big)
    page.get_by_role("alert").get_by_text("At most 3 files of 5 MB").wait_for()
    say(page, "A picture")
    link = page.locator(".said.mine button.link", has_text=".svg")
    link.wait_for()
    with page.expect_download(timeout=20_000) as got:
        wait_for(lambda: link.count() and link.first.click(timeout=1000) is None, 20)
    assert got.value.path().read_bytes() == picture.read_bytes()
    assert page.ran == []
    page.context.close()


def test_payloads_in_names_messages_and_answers_do_not_run(house: House) -> None:
    payloads = [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        '"><svg onload=alert(1)>',
        'https://x.example/"onmouseover=alert(1)//',
        "</textarea><iframe srcdoc='<script>parent.alert(1)</script>'>",
    ]
    page = house.page()
    open_chat(page)
    page.get_by_label("Your name (optional)").fill(payloads[0])
    for text in _chunks(payloads + _corpus(), 3900):
        say(page, text)
        page.wait_for_timeout(60)
    conversation = house.conversation_with("")
    answers = list(_chunks(payloads + _corpus(), 3900))[:4]
    for text in answers:
        house.api("POST", f"/conversations/{conversation['id']}/reply", {"text": text})
    page.locator(".said:not(.mine)", has_text="onerror").nth(len(answers) - 2).wait_for(timeout=40_000)
    assert page.locator(".said img, .said script, .said iframe, .said svg, .said [onerror]").count() == 0
    for link in page.locator(".said a").all():
        assert re.match(r"https?://", link.get_attribute("href"))
        assert {a["name"] for a in link.evaluate("n => [...n.attributes].map(a => ({name: a.name}))")} == {
            "href",
            "rel",
            "target",
        }
    assert page.ran == []
    page.context.close()


def _chunks(lines: list[str], most: int) -> list[str]:
    found, current = [], ""
    for line in lines:
        if len(current) + len(line) + 1 > most:
            found.append(current)
            current = ""
        current += line[:most] + "\n"
    return [*found, current]


def _corpus() -> list[str]:
    found = json.loads((shared_data("security") / "xss" / "payloads.json").read_text(encoding="utf-8"))
    return [str(one["payload"]) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_is_accessible_in_both_themes_and_on_a_phone(house: House, scheme: str, width: int) -> None:
    page = house.page(
        color_scheme=scheme,
        viewport={"width": width, "height": 740},
        bypass_csp=True,
        reduced_motion="reduce",
    )
    open_chat(page)
    page.get_by_text("Nobody is here right now").wait_for()
    axe = Path(__file__).resolve().parents[3] / "frontend/node_modules/axe-core/axe.min.js"
    if not axe.exists():
        pytest.skip("axe-core is not there; run `make frontend`")
    page.evaluate(axe.read_text())
    result = page.evaluate(
        "axe.run('[data-kith-chat]', {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"
    )
    assert result["violations"] == [], json.dumps(result["violations"], indent=1)[:3000]
    assert result["passes"]
    box = page.locator("#panel").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()
    page.context.close()


def test_it_weighs_a_few_kilobytes(house: House) -> None:
    import httpx

    answer = httpx.get(
        f"{house.kith.url}/chat/{house.account}.js", headers={"Accept-Encoding": "gzip"}, trust_env=False
    )
    sent, whole = int(answer.headers["content-length"]), len(answer.content)
    print(f"the chat window: {sent / 1000:.1f} kB on the wire, {whole / 1000:.1f} kB unpacked")
    assert answer.headers["content-encoding"] == "gzip"
    assert sent < 7_000
    assert whole < 16_000


def test_it_speaks_the_language_of_the_page(house: House) -> None:
    page = house.page()
    page.goto(f"{house.origin}/de")
    page.get_by_role("button", name="Chat öffnen").click()
    page.get_by_label("Ihre Nachricht").wait_for()
    page.context.close()


def test_a_site_that_is_not_named_can_not_use_it(house: House) -> None:
    with site(
        {"/": f'<!doctype html><script src="{house.kith.url}/chat/{house.account}.js"></script>'}
    ) as other:
        page = house.browser.new_context().new_page()
        page.goto(other)
        page.get_by_role("button", name="Open chat").click()
        say(page, "Hello from elsewhere")
        page.get_by_text("No connection").wait_for()
        page.context.close()
    assert not [c for c in house.api("GET", "/conversations")["items"] if "elsewhere" in c["snippet"]]


def test_the_form_in_a_frame(house: House) -> None:
    page = house.browser.new_context().new_page()
    page.goto(f"{house.origin}/frame")
    form = page.frame_locator("iframe")
    form.get_by_label("Your name").fill("Ada")
    form.get_by_label("Your e-mail address").fill("ada@outside.example")
    form.get_by_label("Your message").fill("A question from the form")
    page.wait_for_timeout(3100)
    form.get_by_role("button", name="Send").click()
    form.get_by_role("status").get_by_text("Thank you").wait_for()
    assert house.conversation_with("from the form")["person_id"] is None
    page.context.close()
