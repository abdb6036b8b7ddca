"""Foreign HTML in Chromium: whatever a stranger writes, nothing of it runs, and each of the three layers is enough."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from tests.safety.browser import ORIGIN, once_more, watched
from tests.support.cast import NOON, Cast, cast_make
from tests.support.reader import Reader
from tests.support.shared import shared_data
from tests.support.telling import Tell
from tests.web.people import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.torture, pytest.mark.django_db]
IN_A_PAGE = 120

MORE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    '<a href="javascript:alert(1)" id=go>x</a>',
    '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
    '<iframe src="javascript:alert(1)"></iframe>',
    '<meta http-equiv="refresh" content="0;url=javascript:alert(1)">',
    '<base href="https://evil.example/"><script src="x.js"></script>',
    '<form action="javascript:alert(1)"><button id=go>x</button></form>',
    '<link rel=stylesheet href="https://evil.example/x.css">',
    "<style>@import 'https://evil.example/x.css'</style>",
    '<img src="https://evil.example/beacon.gif">',
    '<object data="data:text/html,<script>alert(1)</script>"></object>',
    '<embed src="data:image/svg+xml,<svg xmlns=http://www.w3.org/2000/svg onload=alert(1)>">',
    '<div style="background:url(https://evil.example/bg.png)">x</div>',
    "</title></style></textarea></script><script>alert(1)</script>",
    "'\"><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    '<div x-data="{}" x-init="alert(1)" hx-get="https://evil.example/" hx-trigger="load" data-hx-on:load="alert(1)">x</div>',
    '<hx-partial hx-target="body"><script>alert(1)</script></hx-partial>',
]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    cache.clear()


def payloads(config: pytest.Config, part: int = 0) -> list[str]:
    """All of the corpus in `make torture`; otherwise one in twenty-two, another for each `part`; our own always."""
    found = json.loads((shared_data("security/xss") / "payloads.json").read_text("utf-8"))
    texts = list(dict.fromkeys(str(item["payload"]).replace("\0", "") for item in found))
    assert len(texts) > 1000
    return [*MORE, *(texts if config.getoption("--torture") == "full" else texts[part::22])]


def _chunks(texts: list[str], size: int) -> list[list[str]]:
    return [texts[at : at + size] for at in range(0, len(texts), size)]


def _mails(cast: Cast, count: int, **rest: Any) -> list[uuid.UUID]:
    return [
        cast.mail(cast.everyone, sender=f"p{n}@outside.example", name=f"P{n}", **rest).message_id
        for n in range(count)
    ]


def _host_of_frames(paths: list[str], *, sandbox: str | None) -> tuple[int, dict[str, str], bytes]:
    held = f' sandbox="{sandbox}"' if sandbox is not None else ""
    frames = "".join(f'<iframe{held} src="{path}"></iframe>' for path in paths)
    return 200, {"Content-Type": "text/html"}, f"<!doctype html><title>frames</title>{frames}".encode()


def _click(frame: Any) -> bool:
    """Whether what waits for a click got one. A frame that goes elsewhere meanwhile has nothing to click; without a limit,
    Playwright asks it for ever."""
    from playwright.sync_api import Error as PlaywrightError

    try:
        frame.wait_for_selector("#go", state="attached", timeout=1500).click(timeout=2000, no_wait_after=True)
    except PlaywrightError:
        return False
    return True


LAYERS = ["all", "without nh3", "policy alone", "sandbox alone", "none"]


@pytest.mark.parametrize("layers", LAYERS)
def test_the_html_of_a_message_runs_nothing(
    layers: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tell: Tell,
    figures: Callable[[dict[str, object]], None],
) -> None:
    """Every payload as the body of a mail, in frames; the last case shows that this test would see them run."""
    from kith.conversations.models import Message
    from kith.web import foreign
    from kith.web.inbox import content

    texts = payloads(request.config, LAYERS.index(layers))
    if layers == "none":
        texts = texts[:200]
    cast = cast_make()
    ids = _mails(cast, IN_A_PAGE, html="<p>x</p>")
    client, _ = signed_in("Olga2", "owner")
    if layers != "all":
        monkeypatch.setattr(foreign, "clean_html", lambda html, **_: html)
    if layers in ("sandbox alone", "none"):
        monkeypatch.setattr(
            content, "FRAME_POLICY", "default-src *; script-src * 'unsafe-inline' 'unsafe-eval'"
        )
    sandbox = None if layers in ("policy alone", "none") else foreign.FRAME_SANDBOX
    with watched(client) as browser:
        for number, chunk in enumerate(_chunks(texts, IN_A_PAGE)):
            rows = [Message(pk=key, html=text) for key, text in zip(ids, chunk, strict=False)]
            browser.do(Message.objects.bulk_update, rows, ["html"])
            paths = [f"/messages/{key}/html/?n={number}" for key, _ in zip(ids, chunk, strict=False)]
            browser.answers["/host"] = _host_of_frames(paths, sandbox=sandbox)
            browser.visit("/host")
            if number % 5 == 4:
                tell(f"{layers}: {(number + 1) * IN_A_PAGE} of {len(texts)} payloads, {len(browser.ran)} ran")
            if number == 0:  # ours stand first; what waits for a click gets one
                clicked = sum(_click(frame) for frame in browser.page.frames[1 : len(MORE) + 1])
        browser.page.wait_for_timeout(300)
        assert browser.failed == []
        figures({layers: len(texts), "ran": len(browser.ran), "stopped by the policy": len(browser.blocked)})
        shown = [one for one in browser.statuses if one.startswith("200") and "/html/" in one]
        assert len(shown) >= len(texts), browser.statuses[:3]
        if layers == "none":
            assert clicked
            assert len(browser.ran) * 8 >= len(texts)  # the others need a click, or an older browser
            return
        assert browser.ran == []
        if layers == "all":
            assert browser.left == []


def test_the_html_of_a_message_runs_nothing_in_a_tab_of_its_own(request: pytest.FixtureRequest) -> None:
    """Opened without our frame, its own policy's sandbox holds it."""
    from kith.conversations.models import Message
    from kith.web import foreign

    key = _mails(cast_make(), 1, html="<p>x</p>")[0]
    client, _ = signed_in("Olga2", "owner")
    with pytest.MonkeyPatch.context() as patch, watched(client) as browser:
        patch.setattr(foreign, "clean_html", lambda html, **_: html)
        for text in MORE:
            browser.do(Message.objects.filter(pk=key).update, html=text)
            browser.visit(f"/messages/{key}/html/")
        assert browser.page.evaluate("self.origin") == "null"
        assert browser.ran == []


def test_what_is_cleaned_keeps_no_way_to_run() -> None:
    """The sanitiser alone, without a browser: nothing that could run is left in what it lets through."""
    from html.parser import HTMLParser

    from kith.web import foreign

    wrong: list[str] = []

    class Look(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                begin = (value or "").strip("".join(map(chr, range(33)))).lower()  # as browsers strip
                if name.startswith("on") or name in ("srcdoc", "formaction", "background"):
                    wrong.append(f"{tag} {name}")
                if name in ("href", "src") and begin.startswith(("javascript:", "vbscript:", "data:")):
                    wrong.append(f"{tag} {value}")
            if tag not in foreign._TAGS:
                wrong.append(tag)

    texts = json.loads((shared_data("security/xss") / "payloads.json").read_text("utf-8"))
    for text in [*MORE, *(str(item["payload"]) for item in texts)]:
        Look().feed(foreign.clean_html(text))
    assert wrong == []


SLOTS = 50


class World:
    """Rows of every kind that shows what strangers or colleagues wrote, and the screens that show them."""

    # Not what anybody types: names of kinds, keys, hashes, addresses of files.
    SKIPPED = frozenset(
        [
            "network",
            "role",
            "kind",
            "color",
            "language",
            "time_zone",
            "theme",
            "country",
            "password",
            "digest",
            "avatar",
            "photo",
            "photo_type",
            "visibility",
            "external_id",
            "realm",
            "sort_key",
            "search_text",
            "status",
            "tray",
            "last_direction",
            "token_hash",
            "key_hash",
            "secret",
            "email",
            "content_hash",
            "verified",
            "uid",
            "folder",
            "automatic",
            "attribute",
            "about",
            "sensitivity",
            "cjk",
            "key",
            "subject_key",
            "in_reply_to",
            "address",
            "actor",
            "rule",
            "hint",
            "subscriber",
            "claimed_by",
            "position",
            "stream",
            "mode",
            "action",
            "subject_kind",
            "word",
            "channel",
            "purpose",
            "tray_decided",
            "intake_label",
            "html",
            "content_type",
            "content_id",
            "basis",
            "state",
            "outcome",
            "path",
        ]
    )

    def __init__(self) -> None:
        from kith.campaigns.models import Mailing, Recipient
        from kith.channels.models import RawItem, WebhookSubscription
        from kith.contacts.models import Contact, Fact, Identity, Organization, Tag
        from kith.contacts.services import contact_create, contact_for_identity
        from kith.conversations.models import Attachment, Message, Post
        from kith.engagement.models import AssignmentRule, Macro, SavedReply, SavedView
        from kith.listening.models import Mention, Monitor
        from kith.networks.models import ChannelHealth
        from kith.teams.models import Notification, SystemMail
        from kith.trust.models import Decision, Topic, Touch
        from kith.understanding.models import Entity
        from kith.understanding.services import messages_annotate
        from kith.work.models import Note, Promise, Task
        from kith.workspace.models import Import

        cast = cast_make()
        self.client, self.user = signed_in("Olga2", "owner")
        self.account = cast.accounts["info"].pk
        ChannelHealth.objects.create(channel_account_id=self.account, last_error="x")
        RawItem.objects.create(
            channel_account_id=self.account, external_id="x", digest="0" * 64, size=1, state="set_aside", error="x"
        )  # fmt: skip
        self.source = RawItem.objects.latest("id")
        self.ids = _mails(cast, SLOTS, html="<p>x</p>")
        root = cast.mail(cast.everyone, sender="same@outside.example", own_key="mid:<root@x>")
        self.together = [root] + [
            cast.mail(
                cast.everyone,
                sender="same@outside.example",
                thread_keys=("mid:<root@x>",),
                subject_key="root",
            )
            for _ in range(SLOTS - 1)
        ]
        Attachment.objects.bulk_create(
            Attachment(
                message_id=r.message_id, file_name="x", content_type="text/html", size=1, digest="0" * 64
            )
            for r in self.together
        )
        self.conversation = root.conversation_id
        self.message = root.message_id
        Message.objects.filter(pk=self.message).update(raw_id=self.source.pk)
        identity = Identity.objects.get(external_id="same@outside.example")
        self.contact = contact_for_identity(identity=identity, user=self.user)
        for n in range(SLOTS):
            mailing = Mailing.objects.create(
                title="t", purpose="news", account_id=self.account, subject="s", text="x", author=self.user
            )
            Recipient.objects.create(
                mailing=mailing, contact=self.contact, name="x", outcome="hold", rule="x"
            )
            held = Touch.objects.create(
                identity=identity, kind="campaign", channel="email", state="held", title="t", planned_for=NOON,
                mailing_id=mailing.pk, user=self.user,
            )  # fmt: skip
            Decision.objects.create(touch=held, outcome="hold", rule="x", sentence="x")
            contact_create(name=f"C{n}", user=self.user)
            Organization.objects.create(name=f"O{n}")
            SavedView.objects.create(name=f"v{n}", owner=self.user, query="status=open")
            Tag.objects.create(name=f"tag{n}")
            Topic.objects.create(key=f"topic{n}", name=f"topic{n}")
            SavedReply.objects.create(name=f"r{n}", text="x")
            Macro.objects.create(name=f"m{n}", steps=[{"do": "note", "text": "x"}])
            AssignmentRule.objects.create(name=f"a{n}", conditions=[], position=n)
            Notification.objects.create(user=self.user, kind="assigned", title="t", body="b", path="/")
            SystemMail.objects.create(to=["x@x.example"], subject="s", text="t", error="e")
            Note.objects.create(contact=self.contact, text="x", author=self.user, happened_at=NOON)
            Task.objects.create(contact=self.contact, title="x", assignee=self.user)
            Promise.objects.create(contact=self.contact, what="x", who=self.user)
            Import.objects.create(
                kind="csv", source="x", state="found", problems=[[1, "x"]], error="x", started_by=self.user
            )
            WebhookSubscription.objects.create(
                url="https://outside.example/", last_error="x", created_by=self.user
            )
            Fact.objects.create(
                contact=self.contact,
                attribute="interest",
                value="x",
                quote="x",
                source="told_us",
                observed_at=NOON,
                recorded_by=self.user,
            )
            heard = Monitor.objects.create(
                name=f"h{n}", query="x", scope=cast.everyone, owner=self.user, version=n + 1
            )
            post = Post.objects.create(
                network="email",
                external_id=f"p{n}",
                text="x",
                author_name="x",
                author_handle="x",
                published_at=NOON,
            )
            Mention.objects.create(
                monitor=heard, post=post, spans=[[0, 3]], published_at=NOON, network="email"
            )
        messages_annotate(self.ids, annotator=Reader(model="x"))
        Entity.objects.bulk_create(
            Entity(kind="product", name=f"e{n}", spellings=["x"]) for n in range(SLOTS)
        )
        self.mailing, self.monitor = mailing.pk, heard.pk
        self.kinds = {
            model: list(
                model._default_manager.exclude(pk=self.contact.pk)
                .order_by("pk")
                .values_list("pk", flat=True)[:SLOTS]
            )
            for model in (Contact, Organization, Fact, Import, WebhookSubscription)
        }
        mails = Message.objects.filter(pk__in=self.ids).values_list("pk", "copies__thread__conversation_id")
        self.mails = list(mails.order_by("pk"))

    def write(self, texts: list[str]) -> int:
        """Put payload n into every text of row n of every kind (cut to its length); returns how many texts."""
        head = "\r\n".join(f"X-Head-{number}: {text}" for number, text in enumerate(texts))
        self.source.body = f"{head}\r\n\r\nBody".encode("utf-8", "replace")
        self.source.save()
        from django.apps import apps

        written = 0
        for model in apps.get_models():
            if not model.__module__.startswith("kith.") or model.__name__ in (
                "CompanyValue",
                "EventDelivery",
            ):
                continue
            fields = [
                field
                for field in model._meta.concrete_fields
                if field.get_internal_type() in ("CharField", "TextField", "URLField")
                and not field.choices
                and field.name not in self.SKIPPED
            ]
            if not fields:
                continue
            for number, row in enumerate(model._default_manager.order_by("pk")[:200]):
                text = texts[number % len(texts)]
                values = {
                    f.name: (f"{number} {text}" if f.unique else text)[: f.max_length or 5000] for f in fields
                }
                if model.__name__ == "Fact":
                    values["value"] = text
                if model.__name__ == "Import":
                    values |= {"problems": [[1, text]], "examples": [[text, text]], "found": {text: text}}
                if model.__name__ == "Annotation":
                    values |= {"direction": "in", "aspects": [{"aspect": text, "sentiment": text}]}
                    values["entities"] = [{"id": text, "kind": text, "name": text, "text": text}]
                if model.__name__ == "Entity":
                    values |= {"name": f"{number} {text}"[:80], "spellings": [text]}
                if model.__name__ == "Macro":
                    values["steps"] = [{"do": "note", "text": text}]
                model._default_manager.filter(pk=row.pk).update(**values)
                written += len(values)
        return written

    def lists(self) -> list[str]:
        """Screens that show a whole chunk of payloads at once."""
        return [
            *("/inbox/", "/inbox/all/", f"/inbox/{self.conversation}/", f"/messages/{self.message}/source/"),
            *("/people/", f"/people/{self.contact.pk}/", "/today/", "/inbox/write/", "/simulator/"),
            *("/settings/replies/", "/settings/macros/", "/settings/tags/", "/settings/rules/"),
            *(
                "/settings/mails/",
                "/settings/audit/",
                "/settings/gate/",
                "/settings/topics/",
                "/settings/people/",
                "/settings/teams/",
            ),
            *("/settings/channels/", "/settings/fields/", "/settings/company/", "/settings/profile/"),
            *(f"/settings/channels/{self.account}/", "/settings/notifications/", "/settings/webhooks/"),
            *(
                "/settings/retention/",
                "/notifications/",
                "/notifications/bell/",
                "/push/news/",
                "/organizations/",
                "/imports/",
            ),
            *(
                "/settings/understanding/",
                "/settings/understanding/messages/",
                "/settings/understanding/check/",
            ),
            *("/settings/understanding/said/", "/settings/understanding/names/"),
            *("/inbox/filters/", "/inbox/views/", "/inbox/bulk/menus/"),
            *("/mailings/", f"/mailings/{self.mailing}/", f"/mailings/{self.mailing}/people/", "/held/"),
            *("/listening/", "/listening/mentions/", f"/listening/{self.monitor}/", "/listening/coverage/"),
        ]

    def singles(self, number: int, text: str) -> list[str]:
        """Screens that show one thing, for the thing of this number, and what was searched for."""
        from urllib.parse import quote

        contacts, organizations, facts, imports, webhooks = self.kinds.values()
        contact, organization = contacts[number], organizations[number]
        message, conversation = self.mails[number]
        parts = (
            "edit",
            "fact",
            "role",
            "link",
            "merge",
            "new/note",
            "data",
            "never",
            "lift",
            "by-hand",
            "attention",
            "consent",
        )
        return [
            f"/inbox/{conversation}/",
            *(f"/inbox/{conversation}/{part}/" for part in ("join", "move", "replies")),
            *(f"/messages/{message}/{part}/" for part in ("menu", "task", "labels")),
            f"/people/{contact}/",
            *(f"/people/{contact}/{part}/" for part in parts),
            f"/people/{self.contact.pk}/merge/{contact}/",
            *(f"/facts/{facts[number]}/{part}" for part in ("", "how/")),
            f"/organizations/{organization}/",
            *(f"/organizations/{organization}/{part}/" for part in ("person", "edit")),
            *(f"/imports/{imports[number]}/", f"/settings/webhooks/{webhooks[number]}/"),
            *(f"/{place}/?q={quote(text[:60])}" for place in ("inbox", "people", "search", "palette")),
            f"/inbox/write/who/?q={quote(text[:60])}",
        ]

    def joined(self, paths: list[str]) -> tuple[int, dict[str, str], bytes]:
        """Many screens, as htmx fetches them, one below the other, dialogs open, without our own scripts."""
        found, text = None, "<!doctype html><title>Parts</title>"
        for path in paths:
            found = self.client.get(path, HTTP_HOST="localhost:8000", HTTP_HX_REQUEST="true")
            assert found.status_code == 200, path
            part = re.sub(r"<script[^>]* src=[^>]*></script>|<link [^>]*>", "", found.content.decode())
            text += f"<hr data-part>{part.replace('<dialog', '<dialog open')}"
        assert found is not None
        policy = found.headers["Content-Security-Policy"]
        return (
            200,
            {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy},
            text.encode(),
        )

    def screens(self) -> list[str]:
        return [*self.lists(), *self.singles(1, "x")]


# Switched off, the policy of the pages hides no mistake of a template. With it, the long version takes each eighth payload:
# what does not run without it does not run with it either.
POLICIES = {
    "with the policy": slice(0, None, 8),
    "escaping alone, even": slice(0, None, 2),
    "escaping alone, odd": slice(1, None, 2),
}


# One transaction for so many pages and writes gets slower and slower.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "policy", [pytest.param(name, marks=pytest.mark.long if "odd" in name else ()) for name in POLICIES]
)
def test_no_screen_runs_what_strangers_wrote(
    policy: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
    tell: Tell,
    figures: Callable[[dict[str, object]], None],
) -> None:
    """Names, subjects, texts, file names, posts, bios, notes, replies, notices, hits, print: every payload in each.

    What shows many things at once shows all payloads. What shows one thing shows every fiftieth as a page with our own
    scripts and, in the long version and with the policy switched off, all of them as what htmx fetches, many in one document.
    """
    if policy != "with the policy":  # the pages' policy is switched off: templates must hold by themselves
        from kith.config import middleware

        loose = "default-src * data: blob:; script-src * 'unsafe-inline' 'unsafe-eval'; style-src * 'unsafe-inline'"
        monkeypatch.setattr(middleware, "POLICY", loose)
    texts = payloads(request.config)
    texts = texts[POLICIES[policy]] if full else texts[list(POLICIES).index(policy) :: 6]
    with transaction.atomic():
        world, chunks = World(), _chunks(texts, SLOTS)
        world.write(chunks[0])
    assert [path for path in world.screens() if not _is_there(world, path)] == []

    def visit() -> None:
        counted, asked = {policy: len(texts), "pages": 0, "parts": 0, "ran": 0}, set[str]()
        with watched(world.client) as browser:
            for number, chunk in enumerate(chunks):
                browser.do(transaction.atomic(world.write), chunk)
                one = number % len(chunk)
                for path in [*world.lists(), *world.singles(one, chunk[one])]:
                    asked.add(path)
                    browser.visit(path)
                    counted["pages"] += 1
                    if path.startswith(f"/inbox/{world.conversation}"):
                        browser.page.emulate_media(media="print")
                        if full:  # the sheets themselves; what a sample needs is the page as it is printed
                            browser.page.pdf()
                        browser.page.wait_for_timeout(50)
                        browser.page.emulate_media(media="screen")
                if full and policy != "with the policy":
                    parts = [part for n, text in enumerate(chunk) for part in world.singles(n, text)]
                    for some in _chunks(parts, IN_A_PAGE):
                        browser.answers["/parts"] = browser.do(world.joined, some)
                        browser.visit("/parts")
                        there = browser.page.evaluate("document.querySelectorAll('hr[data-part]').length")
                        assert there == len(some), "what was written took a part of the page with it"
                    counted["parts"] += len(parts)
                counted["ran"] = len(browser.ran)
                if number % 3 == 0:
                    tell(
                        f"{policy}: {(number + 1) * SLOTS} of {len(texts)} payloads on {counted['pages']} pages and in "
                        f"{counted['parts']} parts, {len(browser.ran)} ran"
                    )
            figures(counted)
            assert browser.ran == []
            assert browser.failed == []
            assert [one for one in browser.left if "popup" in one] == []
            wrong = [one for one in browser.statuses if one[0] != "2" and one.split()[1] in asked]
            assert wrong == []
        assert counted["pages"] == len(chunks) * len(world.screens())

    once_more(visit)


def test_a_link_from_a_network_is_an_address_of_the_web_or_none() -> None:
    """`Message.url`, a profile's address: javascript: and data: never become links."""
    from kith.conversations.models import Message

    cast = cast_make()
    recorded = cast.mail(cast.everyone)
    client, _ = signed_in("Olga2", "owner")
    for bad in (
        "javascript:alert(1)",
        " JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
    ):
        Message.objects.filter(pk=recorded.message_id).update(url=bad)
        page = client.get(f"/inbox/{recorded.conversation_id}/")
        assert page.status_code == 200
        assert f'href="{bad}' not in page.content.decode().replace("&#39;", "'").replace("&lt;", "<").replace(
            "&gt;", ">"
        )
    Message.objects.filter(pk=recorded.message_id).update(url="https://social.example/@ada/1")
    assert (
        'href="https://social.example/@ada/1"'
        in client.get(f"/inbox/{recorded.conversation_id}/").content.decode()
    )


assert ORIGIN


# Screens that no payload is driven through in Chromium, and why. Everything else that answers a GET is in `World.screens`.
NO_SINKS = {
    "parts of screens that are, or lead to them": (
        "home nav conversation_head messages presence draft person_by_hand_verdict write_people inbox_view bulk_all view_save notification "
        "person_download people_bulk_all mailing_table settings:channel_steps"
    ),
    "bytes, with a policy of their own (above, and test_attachments.py)": (
        "message_frame message_html message_text message_raw attachment attachment_preview remote_image avatar "
        "note_photo push:key"
    ),
    "words of our own alone": (
        "styleguide theme settings:start settings:backups settings:invite settings:team_new settings:division_new "
        "settings:channel_choose settings:channel_connect settings:replies_new settings:macros_new settings:rules_new "
        "pressure settings:tags_new settings:understanding_name_new settings:fields_new settings:webhook_new settings:topic_new settings:gate_rules settings:retention_new settings:hold_new monitor_new account:tokens account:security people_erased"
    ),
    "allauth's own, escaped by Django; they show one's own names": (
        "account_reauthenticate account_change_password account_set_password mfa_index mfa_reauthenticate "
        "mfa_activate_totp mfa_deactivate_totp mfa_view_recovery_codes mfa_generate_recovery_codes "
        "mfa_download_recovery_codes mfa_list_webauthn mfa_add_webauthn mfa_reauthenticate_webauthn "
        "mfa_remove_webauthn mfa_edit_webauthn socialaccount_connections"
    ),
    "forms of what the lists beside them show, by the same macros (tests/web/settings)": (
        "settings:person settings:leave settings:team settings:division settings:channel_edit "
        "settings:channel_reconnect settings:channel_audience settings:channel_callback settings:replies_edit "
        "settings:macros_edit settings:rules_edit settings:tags_edit settings:fields_edit settings:topic settings:understanding_name "
        "settings:retention_rule"
    ),
}


def test_every_screen_is_a_sink_or_says_why_not() -> None:
    from django.urls import resolve

    from tests.architecture.routes import all_routes

    world = World()
    world.write(["x"])
    shown = {resolve(path.split("?")[0]).view_name for path in world.screens() if _is_there(world, path)}
    excused = {name for names in NO_SINKS.values() for name in names.split()}
    unlisted = []
    for route in all_routes():
        if route.pattern.startswith("api/v1/") or getattr(route.view, "permission", "public") == "public":
            continue
        if route.name not in shown | excused and world.client.get(route.address()).status_code != 405:
            unlisted.append(route.name)
    assert unlisted == []
    assert len(shown) > 15


def _is_there(world: World, path: str) -> bool:
    return int(world.client.get(path, HTTP_HOST="localhost:8000").status_code) != 404
