"""The company's settings, screen by screen."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from kith.channels import gateway, webhooks_out
from kith.channels.models import RawItem, WebhookDelivery, WebhookSubscription
from kith.connectors.contract import OwnIdentity
from kith.contacts.models import CustomField, Tag
from kith.conversations.models import Message
from kith.core import company
from kith.core.models import AuditEvent
from kith.engagement.models import AssignmentRule, Macro, SavedReply
from kith.networks.models import ChannelAccount
from kith.teams.models import SystemMail, Team, User
from kith.web.settings.page import SECTIONS
from tests.support import house
from tests.web.people import assert_clean, person, signed_in

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + "c2VjcmV0" * 6


@pytest.fixture
def owner() -> tuple[Client, User]:
    return signed_in("Olga", "owner")


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_every_section_opens_and_needs_nothing_inline(owner: tuple[Client, User], language: str) -> None:
    client, user = owner
    user.language = language
    user.save()
    for section in SECTIONS:
        text = assert_clean(client.get(reverse(section.name)))
        assert text.count("<h1") == 1, section.name
    for name in ("settings:invite", "settings:team_new", "settings:division_new", "settings:channel_choose"):
        assert_clean(client.get(reverse(name)))


def test_the_list_of_sections_shows_what_one_may_open() -> None:
    client, _ = signed_in("Vera", "viewer")
    text = client.get("/settings/profile/").content.decode()
    assert "/settings/people/" in text
    assert "/settings/audit/" not in text
    index = assert_clean(client.get("/settings/"))
    assert "/settings/tokens/" in index
    assert "/settings/company/" not in index


def test_the_company_is_changed_and_a_wrong_address_is_refused(owner: tuple[Client, User]) -> None:
    client, _ = owner
    given = {"name": "Bells & Co", "public_url": "https://kith.us.example", "outgoing_name": "Bells"}
    assert client.post("/settings/company/", {**given, "setup_token_hash": "x"}).status_code == 302
    assert (company.name(), company.value("outgoing_name"), company.value("setup_token_hash")) == (
        "Bells & Co",
        "Bells",
        None,
    )
    assert client.post("/settings/company/", {**given, "public_url": "ftp://x"}).status_code == 422


def test_roles_teams_and_leaving(owner: tuple[Client, User]) -> None:
    client, user = owner
    ada, bob = person("Ada"), person("Bob")
    client.post(reverse("settings:team_new"), {"name": "Sales", "members": [ada.pk]})
    team = Team.objects.get()
    client.post(reverse("settings:person", args=[ada.pk]), {"role": "manager", "teams": [team.pk]})
    ada.refresh_from_db()
    assert ada.role == "manager"
    assert client.post(reverse("settings:person", args=[user.pk]), {"role": "agent"}).status_code == 422
    page = reverse("settings:leave", args=[ada.pk])
    assert_clean(client.get(page))
    assert client.post(page, {"to_user": bob.pk, "to_team": team.pk}).status_code == 422
    assert client.post(page, {"to_user": ada.pk}).status_code == 422
    assert client.post(page, {"to_user": bob.pk}).status_code == 302
    ada.refresh_from_db()
    assert not ada.is_active
    assert client.post(reverse("settings:come_back", args=[ada.pk])).status_code == 302


def test_an_administrator_neither_makes_nor_unmakes_owners() -> None:
    _, olga = signed_in("Olga", "owner")
    client, _ = signed_in("Adam", "admin")
    assert (
        client.post(reverse("settings:invite"), {"email": "x@us.example", "role": "owner"}).status_code == 422
    )
    assert mail.outbox == []
    assert client.post(reverse("settings:person", args=[olga.pk]), {"role": "agent"}).status_code == 422
    assert client.post(reverse("settings:leave", args=[olga.pk]), {}).status_code == 422
    olga.refresh_from_db()
    assert (olga.role, olga.is_active) == ("owner", True)


def test_mails_to_an_owner_are_read_by_owners_alone(owner: tuple[Client, User]) -> None:
    client, olga = owner
    link = "https://kith.example/accounts/password/reset/key/secret"
    SystemMail.objects.create(to=[olga.email], subject="Reset", text=link)
    SystemMail.objects.create(to=["ada@us.example"], subject="Reset", text="for Ada")
    adam, _ = signed_in("Adam", "admin")
    assert link in client.get("/settings/mails/").content.decode()
    text = adam.get("/settings/mails/").content.decode()
    assert link not in text
    assert "for Ada" in text


def test_shelves_are_filled_changed_and_emptied(owner: tuple[Client, User]) -> None:
    client, _ = owner
    tag = {"name": "urgent <b>", "color": "red"}
    given: list[tuple[str, type[Any], dict[str, Any]]] = [
        ("tags", Tag, tag),
        ("replies", SavedReply, {"name": "Thanks", "text": "Thank you, {name}", "shortcut": "thanks"}),
        ("macros", Macro, {"name": "Done", "reply": "Bye", "close": "on"}),
        ("fields", CustomField, {"label": "Shoe size", "kind": "choice", "choices": "40\n41"}),
    ]
    for name, model, values in given:
        assert client.post(reverse(f"settings:{name}_new"), values).status_code == 302, name
        row = model.objects.get()
        assert_clean(client.get(reverse(f"settings:{name}")))
        assert_clean(client.get(reverse(f"settings:{name}_edit", args=[row.pk])))
        assert client.post(reverse(f"settings:{name}_edit", args=[row.pk]), values).status_code == 302, name
        assert model.objects.count() == 1
    assert Macro.objects.get().steps == [{"do": "reply", "text": "Bye"}, {"do": "close"}]
    assert client.post(reverse("settings:tags_new"), {"name": "URGENT <B>"}).status_code == 422
    assert "urgent &lt;b&gt;" in client.get(reverse("settings:tags")).content.decode()
    for name, model, _ in given:
        client.post(reverse(f"settings:{name}_remove", args=[model.objects.get().pk]))
        assert not model.objects.exists()


def test_rules_are_made_and_reordered(owner: tuple[Client, User]) -> None:
    client, user = owner
    for name in ("First", "Second"):
        given = {
            "name": name,
            "assignee": user.pk,
            "enabled": "on",
            "field0": "subject",
            "op0": "contains",
            "value0": name,
        }
        assert client.post(reverse("settings:rules_new"), given).status_code == 302
    assert (
        client.post(reverse("settings:rules_new"), {"name": "Empty", "assignee": user.pk}).status_code == 422
    )
    second = AssignmentRule.objects.get(name="Second")
    assert second.conditions == [{"field": "subject", "op": "contains", "value": "Second"}]
    assert_clean(client.get(reverse("settings:rules")))
    client.post(reverse("settings:rules_move", args=[second.pk]), {"by": "earlier"})
    assert list(AssignmentRule.objects.order_by("position").values_list("name", flat=True)) == [
        "Second",
        "First",
    ]


def test_the_audit_log_pages_back_without_a_gap(owner: tuple[Client, User]) -> None:
    client, _ = owner
    AuditEvent.objects.all().delete()
    AuditEvent.objects.bulk_create(AuditEvent(action=f"deed-{n:03}", subject_kind="x") for n in range(120))
    seen: list[str] = []
    address = "/settings/audit/"
    while address:
        text = assert_clean(client.get(address))
        seen += [word[:8] for word in text.split("deed-")[1:]]
        _, found, rest = text.partition('href="/settings/audit/?before=')
        address = "/settings/audit/?before=" + html.unescape(rest.split('"')[0]) if found else ""
    assert len({word[:3] for word in seen}) == 120
    assert client.get("/settings/audit/?before=x&actor=%00&action=%00").status_code == 200


# --- channels -----------------------------------------------------------------------------------------------------


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """The far side, which takes SECRET and blames anything else; returns what it was asked."""
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = []

    def check(name: str, settings: Any, secrets: Any) -> OwnIdentity:
        asked.append((name, dict(settings), dict(secrets)))
        if secrets.get("signing_secret") != SECRET:
            raise gateway.ChannelError("The secret is wrong.", field="signing_secret", kind="ReconnectNeeded")
        return OwnIdentity("shop", "shop@us.example", "Shop")

    monkeypatch.setattr(gateway, "check", check)
    return asked


CONNECT = {"signing_secret": SECRET, "name": "Shop", "history": "90", "audience": "everyone"}


def test_a_channel_is_tested_connected_and_its_secret_never_shown(
    owner: tuple[Client, User], network: list[Any]
) -> None:
    client, _ = owner
    page = reverse("settings:channel_connect", args=["webhook"])
    text = assert_clean(client.get(page))
    assert "100000" in text.replace(",", "").replace(".", "")
    answer = client.post(page, {**CONNECT, "do": "test"})
    assert (answer.status_code, ChannelAccount.objects.count()) == (200, 0)
    assert "shop@us.example" in assert_clean(answer)
    assert SECRET not in answer.content.decode()
    wrong = client.post(page, {**CONNECT, "signing_secret": "whsec_bm8="})
    assert wrong.status_code == 422
    field = assert_clean(wrong).split('id="id_signing_secret_error"')[1]
    assert "The secret is wrong." in field[:60]
    assert client.post(page, {**CONNECT, "do": "connect"}).status_code == 302
    account = ChannelAccount.objects.get()
    assert (account.name, account.external_id, account.secrets) == (
        "Shop",
        "shop",
        {"signing_secret": SECRET},
    )
    for name in ("channel", "channel_edit", "channel_reconnect", "channel_audience"):
        assert SECRET not in assert_clean(client.get(reverse(f"settings:{name}", args=[account.pk]))), name
    assert SECRET not in client.get(reverse("settings:channels")).content.decode()
    assert SECRET not in str(list(AuditEvent.objects.values()))
    again = client.post(reverse("settings:channel_reconnect", args=[account.pk]), {"signing_secret": ""})
    assert again.status_code == 302
    assert network[-1][2] == {"signing_secret": SECRET}


def test_who_may_not_connect_makes_us_call_nobody(network: list[Any]) -> None:
    client, _ = signed_in("Ada")
    page = reverse("settings:channel_connect", args=["webhook"])
    assert client.post(page, CONNECT).status_code == 422
    assert network == []
    assert client.post(page, {**CONNECT, "audience": "private"}).status_code == 302
    assert ChannelAccount.objects.get().scope.kind == "private"


def test_what_comes_in_can_be_narrowed_later(owner: tuple[Client, User]) -> None:
    client, _ = owner
    account = house.account("email", name="Info", details={"folders": "INBOX\nOrders & more"})
    page = reverse("settings:channel_edit", args=[account.pk])
    assert '<option value="Orders &amp; more">' in assert_clean(client.get(page))
    given = {"name": "Info", "intake": "label", "intake_label": ""}
    assert client.post(page, given).status_code == 422
    assert client.post(page, {**given, "intake_label": "Orders & more"}).status_code == 302
    account.refresh_from_db()
    assert (account.intake, account.intake_label) == ("label", "Orders & more")
    chat = house.account("chat", name="Chat", external_id="c")
    assert "intake" not in assert_clean(client.get(reverse("settings:channel_edit", args=[chat.pk])))


def test_where_to_send_to_is_shown_once_there_is_a_public_address(
    owner: tuple[Client, User], network: list[Any]
) -> None:
    client, _ = owner
    client.post(reverse("settings:channel_connect", args=["webhook"]), CONNECT)
    account = ChannelAccount.objects.get()
    page = reverse("settings:channel", args=[account.pk])
    assert "A public address is missing" in assert_clean(client.get(page))
    company.set_value("public_url", "https://kith.us.example")
    assert f'data-copy="https://kith.us.example/hooks/{account.pk}/"' in assert_clean(client.get(page))
    chat = house.account("chat", settings={"site": "https://us.example"})
    text = assert_clean(client.get(reverse("settings:channel", args=[chat.pk])))
    assert f'<script src="https://kith.us.example/chat/{chat.pk}.js" async></script>' in html.unescape(text)
    assert f'data-copy="https://kith.us.example/form/{chat.pk}/"' in text


def test_webhooks_are_made_tested_and_their_secret_shown_once(
    owner: tuple[Client, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = owner
    for wrong in ({"url": "ftp://x", "kinds": ["message.received"]}, {"url": "https://x.example"}):
        assert client.post(reverse("settings:webhook_new"), wrong).status_code == 422
    made = client.post(
        reverse("settings:webhook_new"),
        {"url": "https://hooks.us.example/in", "kinds": ["message.received", "person.created"]},
    )
    row = WebhookSubscription.objects.get()
    secret = webhooks_out.subscription_secret(row)
    assert secret in assert_clean(made)
    page, deeds = reverse("settings:webhook", args=[row.pk]), reverse("settings:webhook_do", args=[row.pk])
    for address in (page, reverse("settings:webhooks")):
        assert secret not in assert_clean(client.get(address))
    monkeypatch.setattr(webhooks_out.delivering, "_post", lambda *_: (500, "hooks.us.example answered 500"))
    assert client.post(deeds, {"do": "ping"}).status_code == 302
    assert "hooks.us.example answered 500" in assert_clean(client.get(page))
    again = assert_clean(client.post(deeds, {"do": "secret"}))
    row.refresh_from_db()
    assert secret not in again
    assert webhooks_out.subscription_secret(row) in again
    waits = WebhookDelivery.objects.create(subscription=row, kind="person.created", error="x")
    one = reverse("settings:webhook_delivery", args=[row.pk, waits.pk])
    assert "A person was added" in assert_clean(client.get(page))
    for deed, state in (("skip", "skipped"), ("again", "waiting")):
        client.post(one, {"do": deed})
        waits.refresh_from_db()
        assert waits.state == state
    for deed, paused in (("pause", True), ("resume", False)):
        client.post(deeds, {"do": deed})
        row.refresh_from_db()
        assert (row.paused_at is not None) == paused
    changed = {"url": "https://other.us.example/", "kinds": ["channel.needs_reconnect"]}
    assert client.post(page, changed).status_code == 302
    client.post(deeds, {"do": "remove"})
    assert not WebhookSubscription.objects.exists()


def test_what_was_set_aside_is_shown_and_tried_again(owner: tuple[Client, User], network: list[Any]) -> None:
    client, _ = owner
    client.post(reverse("settings:channel_connect", args=["webhook"]), CONNECT)
    account = ChannelAccount.objects.get()
    item = RawItem.objects.create(
        channel_account=account,
        external_id="<script>",
        digest="0" * 64,
        size=5,
        state="set_aside",
        error="Not JSON.",
    )
    text = assert_clean(client.get(reverse("settings:channel", args=[account.pk])))
    assert "Not JSON." in text
    assert "&lt;script&gt;" in text
    client.post(reverse("settings:item_retry", args=[account.pk, item.pk]))
    item.refresh_from_db()
    assert item.state == "new"
    RawItem.objects.update(state="set_aside", body=b"12345")
    client.post(reverse("settings:item_delete", args=[account.pk, item.pk]))
    item.refresh_from_db()
    assert (item.state, bytes(item.body or b"")) == ("done", b"")
    client.post(reverse("settings:channel_state", args=[account.pk]), {"do": "pause"})
    assert ChannelAccount.objects.get().state == "paused"
    client.post(reverse("settings:channel_state", args=[account.pk]), {"do": "remove"})
    assert (ChannelAccount.objects.get().state, ChannelAccount.objects.get().secrets) == ("removed", {})


def test_the_readme_is_shown_without_its_html(
    owner: tuple[Client, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kith.channels import discovery

    monkeypatch.setattr(
        discovery, "readme", lambda name: "# Title\n\n<script>alert(1)</script> [x](javascript:alert(1))"
    )
    text = assert_clean(owner[0].get(reverse("settings:channel_connect", args=["webhook"])))
    assert "&lt;script&gt;alert(1)" in text


def test_a_sign_in_elsewhere_needs_its_own_state(
    owner: tuple[Client, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = owner
    seen: dict[str, Any] = {}

    class Elsewhere:
        def authorize_url(self, *, redirect_uri: str, state: str) -> str:
            seen.update(state=state, redirect_uri=redirect_uri)
            return f"https://login.example/?state={state}"

        def exchange(self, *, code: str, redirect_uri: str) -> dict[str, str]:
            assert (code, redirect_uri) == ("the-code", seen["redirect_uri"])
            return {"access_token": "fresh", "expires_at": "1"}

    monkeypatch.setattr(gateway, "authorizer", lambda *_: Elsewhere())
    monkeypatch.setattr(gateway, "check", lambda n, s, h: OwnIdentity("info@us.example", "info@us.example"))
    page = reverse("settings:channel_connect", args=["email"])
    given = {
        "address": "info@us.example", "auth": "oauth", "host": "imap.us.example", "smtp_host": "smtp.us.example",
        "client_id": "abc", "client_secret": "hush", "history": "0", "audience": "everyone", "intake": "all",
        "provider": "google", "protocol": "imap", "security": "tls", "smtp_security": "tls", "sent_copy": "append",
        "do": "sign_in",
    }  # fmt: skip
    callback = reverse("settings:channel_callback")
    assert client.get(callback, {"state": "x", "code": "the-code"}).status_code == 404
    assert "0;url=https://login.example/?state=" in assert_clean(client.post(page, given))
    led = client.post(page, given, headers={"HX-Request": "true"})
    assert led.headers["HX-Redirect"].startswith("https://login.example/")
    assert "hush" not in str(dict(client.session))
    assert client.get(callback, {"state": "forged", "code": "the-code"}).status_code == 404
    assert client.get(callback, {"state": seen["state"], "code": "the-code"}).status_code == 404
    client.post(page, given)
    answer = client.get(callback, {"state": seen["state"], "code": "the-code"})
    assert answer.status_code == 302, answer.content[-2000:]
    account = ChannelAccount.objects.get()
    assert account.secrets["access_token"] == "fresh"
    assert account.secrets["client_secret"] == "hush"


@pytest.mark.django_db(transaction=True)
def test_the_simulator_plays_the_customer_on_any_network() -> None:
    client, _ = signed_in("Olga", "owner")
    assert_clean(client.get("/simulator/"))
    for text in ("My bell is broken", "And the light too"):
        given = {"network": "email", "name": "Robin Miller", "subject": "Bell", "text": text}
        assert client.post("/simulator/", given).status_code == 302
    account = ChannelAccount.objects.get()
    assert (account.network, account.settings["simulated"], account.secrets) == ("email", True, {})
    assert Message.objects.filter(text__contains="bell is broken").count() == 1
    assert len(set(Message.objects.values_list("sender", flat=True))) == 1
