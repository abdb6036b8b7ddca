"""One house, three real networks: connected through the screens, heard, joined into one person, answered, and arrived.

Kith runs as `kith up` starts it, in Chromium sits its owner, and outside are Postfix and Dovecot, a Bluesky network of its
own (directory, data server, AppView) and snac2, which speaks Mastodon's API and ActivityPub. Nothing is played.
"""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.channels.test_real_mail import inbox, mail, post
from tests.support.atproto_network import Network, Person, atproto_network
from tests.support.browser import browser
from tests.support.kithprocess import Kith, kith, wait_for
from tests.support.mailservers import (
    DOMAIN,
    PASSWORD,
    Dovecot,
    Postfix,
    dovecot_server,
    postfix_server,
)
from tests.support.names import names
from tests.support.snac import ADDRESS, Snac
from tests.support.snac import running as snac_running

__all__ = ["atproto_network", "dovecot_server", "postfix_server"]

pytestmark = [pytest.mark.realserver, pytest.mark.browser, pytest.mark.torture, pytest.mark.long]

SHOP, ADA = f"info@{DOMAIN}", f"ada@{DOMAIN}"
SECONDS = 90.0  # for one thing to happen; networks without a stream are asked every 15 seconds
ASKED = {
    "mail": "The bell of my new bicycle does not ring.",
    "bluesky": "does your shop repair bells on Saturdays?",
    "mastodon": "my bell is silent, can you help?",
}
ANSWERED = {
    "mail": "Try turning the lid to the left.",
    "bluesky": "Yes, from nine to one.",
    "mastodon": "Of course, bring it along.",
}


@dataclass
class House:
    """The running house, its owner's page, and who is outside."""

    kith: Kith
    page: Any
    dovecot: Dovecot
    postfix: Postfix
    network: Network
    snac: Snac
    seconds: dict[str, float] = field(default_factory=dict)

    def go(self, path: str) -> None:
        self.page.goto(self.kith.url + path)

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - begun


@pytest.fixture
def house(dovecot_server: Dovecot, postfix_server: Postfix, atproto_network: Network) -> Iterator[House]:
    records = {
        ("mail.test", "A"): ["127.0.0.1"],
        (f"_imaps._tcp.{DOMAIN}", "SRV"): [f"0 1 {dovecot_server.imaps} mail.test."],
        (f"_submission._tcp.{DOMAIN}", "SRV"): [f"0 1 {postfix_server.smtp} mail.test."],
    }
    with snac_running("shop", "ada") as snac, names(records) as environ, browser() as chromium:
        environ |= {
            "KITH_ENV": "production",
            "KITH_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
            "SSL_CERT_FILE": str(dovecot_server.certificate),
        }
        with kith(env=environ) as process:
            begun = time.monotonic()
            process.up()
            context = chromium.new_context(viewport={"width": 1680, "height": 1000})
            context.set_default_timeout(30_000)
            made = House(process, context.new_page(), dovecot_server, postfix_server, atproto_network, snac)
            made.seconds["the house is up"] = time.monotonic() - begun
            try:
                yield made
                # What there is to see when something did not happen; pytest shows it for a test that failed.
                print(process.log.read_text()[-3000:])
                print(made.page.url, made.page.inner_text("body")[:3000])
            finally:
                context.close()


def begin(house: House) -> None:
    """The first start, in the browser."""
    page = house.page
    house.go("/setup/")
    page.get_by_label("Name of the company").fill("Velo Hof")
    page.get_by_label("Your name").fill("Mara")
    page.get_by_label("Your e-mail address").fill("mara@velohof.example")
    page.get_by_label("Password").fill("velo hof has bells")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/inbox/**")


def connected(house: House, network: str) -> None:
    """The page of the new channel, which works."""
    house.page.wait_for_url(re.compile(r"/settings/channels/[0-9a-f-]{36}/"), timeout=60_000)
    house.page.get_by_text("Working", exact=True).wait_for()


def connect_mail(house: House) -> None:
    """The servers are found from the address; the password is all that has to be typed."""
    page = house.page
    house.go("/settings/channels/new/email/")
    page.locator("#id_address").fill(SHOP)
    page.locator("#id_password").press_sequentially(PASSWORD)  # leaving the address looks for servers
    page.get_by_text(f"Filled in from the service records of {DOMAIN}.").wait_for()
    assert page.locator("#id_host").input_value() == "mail.test"
    assert page.locator("#id_port").input_value() == str(house.dovecot.imaps)
    assert page.locator("#id_smtp_security").input_value() == "starttls"
    assert page.locator("#id_password").input_value() == PASSWORD, "what was typed meanwhile stays"
    page.get_by_role("button", name="Test the connection").click()
    page.get_by_text(f"It works: you are {SHOP} there.").wait_for()
    page.locator("summary", has_text="Advanced").click()
    page.get_by_label("Gesendet").wait_for()  # the folders that there are, to choose from
    page.get_by_role("button", name="Connect", exact=True).click()
    connected(house, "email")


def connect_bluesky(house: House, us: Person) -> None:
    page = house.page
    said = us.client.com.atproto.server.create_app_password({"name": f"kith-{uuid.uuid4().hex[:6]}"})
    house.go("/settings/channels/new/bluesky/")
    page.locator("#id_handle").fill(us.handle)
    page.locator("#id_app_password").fill("wrong-wrong-wrong-wron")
    page.locator("summary", has_text="Advanced").click()
    page.locator("#id_service").fill(house.network.pds)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.locator("#field-app_password .text-error").wait_for()  # it says which field is wrong
    page.locator("#id_app_password").fill(said.password)
    page.get_by_role("button", name="Connect", exact=True).click()
    connected(house, "bluesky")


def connect_mastodon(house: House) -> None:
    """Registered at the server by itself; the owner signs in on the server's own page and comes back."""
    page = house.page
    house.go("/settings/channels/new/mastodon/")
    page.locator("#id_server").fill(ADDRESS)
    page.get_by_role("button", name="Sign in there").click()
    page.wait_for_url(f"{ADDRESS}/oauth/**")
    page.locator("[name=login]").fill("shop")
    page.locator("[name=passwd]").fill(house.snac.passwords["shop"])
    page.locator("[type=submit]").click()
    connected(house, "mastodon")


def arrives(house: House, text: str, what: str) -> None:
    """It shows in the open inbox without a reload."""
    with house.timed(f"{what}: from sending to the screen"):
        house.page.locator("[data-row]", has_text=text).wait_for(timeout=SECONDS * 1000)


def opened(house: House, text: str) -> None:
    house.go("/inbox/")
    house.page.locator("[data-row]", has_text=text).locator("[data-open]").click()
    house.page.locator(".prose-message", has_text=text).first.wait_for()


def join(house: House) -> None:
    """Ada writes as three identities; they become one person."""
    page = house.page
    house.go("/inbox/")
    with page.expect_response("**/toured/"):
        page.get_by_role("button", name="Skip", exact=True).click()  # the tour, which meets who is new
    found = []
    for text in (ASKED["mail"], ASKED["bluesky"], ASKED["mastodon"]):
        opened(house, text)
        page.get_by_role("button", name="Make a person of them").click()
        page.wait_for_url(re.compile(r"/people/[0-9a-f-]{36}/"))
        found.append(page.url.rstrip("/").rpartition("/")[2])
    for other in found[1:]:
        house.go(f"/people/{found[0]}/merge/")
        page.get_by_role("searchbox").last.fill("ada")
        page.locator(f'#merge-found a[href*="{other}"]').click()
        page.get_by_role("button", name="They are one person: merge").click()
        page.wait_for_url(re.compile(rf"/people/({found[0]}|{other})/$"))
    house.go(f"/people/{found[0]}/")
    for text in ASKED.values():
        page.get_by_text(text).first.wait_for()


def answer(house: House, channel: str) -> None:
    """Open it in the inbox, type, send."""
    page = house.page
    opened(house, ASKED[channel])
    page.locator("#reply-text").fill(ANSWERED[channel])
    page.locator("#reply-text").press("Control+Enter")
    page.locator(".bubble-ours", has_text=ANSWERED[channel]).wait_for()


def arrived(house: House, channel: str, there: Callable[[], Any]) -> Any:
    with house.timed(f'{channel}: from "send" until it is there (with the seconds for undo)'):
        return wait_for(there, SECONDS, lambda: f"{channel}: the answer did not arrive")


def snac_token(snac: Snac, user: str) -> str:
    """Ada's own program, which has nothing to do with Kith."""
    back = "http://127.0.0.1:9/back"
    with httpx.Client(base_url=ADDRESS, headers={"Connection": "close"}) as client:
        app = client.post(
            "/api/v1/apps", data={"client_name": "Phone", "redirect_uris": back, "scopes": "read write"}
        ).json()
        query = (
            f"response_type=code&client_id={app['client_id']}&redirect_uri={back}&scope=read+write&state=s"
        )
        code = snac.log_in(f"{ADDRESS}/oauth/authorize?{query}", user)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "scope": "read write",
        }
        return str(client.post("/oauth/token", data=fields).json()["access_token"])


def test_three_real_networks_one_person_answered_on_each(house: House) -> None:
    us = house.network.person("velohof", display_name="Velo Hof")
    ada = house.network.person("ada", display_name="Ada Lovelace")
    token = snac_token(house.snac, "ada")
    ada_there = httpx.Client(
        base_url=ADDRESS, headers={"Authorization": f"Bearer {token}", "Connection": "close"}
    )

    begin(house)
    with house.timed("three channels connected in the browser"):
        connect_mail(house)
        connect_bluesky(house, us)
        connect_mastodon(house)

    # --- the same person writes on all three
    house.go("/inbox/")
    first = mail(ADA, SHOP, ASKED["mail"])
    post(house.postfix, first, ADA, SHOP)
    arrives(house, "The bell does not ring", "mail")
    mention = f"@{us.handle} {ASKED['bluesky']}"
    facet = {
        "index": {"byteStart": 0, "byteEnd": len(us.handle) + 1},
        "features": [{"$type": "app.bsky.richtext.facet#mention", "did": us.did}],
    }
    asked = ada.client.send_post(mention, facets=[facet])
    arrives(house, ASKED["bluesky"], "bluesky")
    said = ada_there.post(
        "/api/v1/statuses", data={"status": f"@shop@localhost {ASKED['mastodon']}", "visibility": "public"}
    ).json()
    arrives(house, ASKED["mastodon"], "mastodon")

    join(house)

    # --- answered from the browser on each channel, and arrived
    answer(house, "mail")

    def in_mailbox() -> Any:
        return [m for m in inbox(house.dovecot, ADA) if ANSWERED["mail"] in m.get_content()]

    (reply,) = arrived(house, "mail", in_mailbox)
    assert reply["In-Reply-To"] == first["Message-ID"]
    assert "Mara" in reply["From"]
    assert SHOP in reply["From"]

    answer(house, "bluesky")

    def in_thread() -> Any:
        found = ada.client.get_post_thread(asked.uri).thread
        return [r.post for r in found.replies or [] if ANSWERED["bluesky"] in r.post.record.text]

    (reply,) = arrived(house, "bluesky", in_thread)
    assert reply.author.did == us.did

    answer(house, "mastodon")

    def in_notifications() -> Any:
        listed = ada_there.get("/api/v1/notifications", params={"limit": "40"}).json()
        return [n for n in listed if ANSWERED["mastodon"] in ((n.get("status") or {}).get("content") or "")]

    (told,) = arrived(house, "mastodon", in_notifications)
    assert told["account"]["acct"].startswith("shop")
    assert told["status"]["in_reply_to_id"] == said["id"]

    for what, seconds in house.seconds.items():
        print(f"{what}: {seconds:.1f} s")
