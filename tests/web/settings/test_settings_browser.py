"""Every settings and account screen in Chromium, from the URL configuration: clean for axe in both themes, wide and on a
phone, in long languages, empty and full, and worked by keyboard alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.urls import reverse

from kith.base.clock import now
from kith.channels.models import RawItem
from kith.contacts.models import CustomField, Tag
from kith.contacts.types import ObservedIdentity
from kith.conversations.services import messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.core import company
from kith.engagement.models import AssignmentRule, Macro, SavedReply
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.teams.models import ApiToken, Division, Invitation, PushSubscription, SystemMail, User
from kith.teams.services import scope_for, team_create
from kith.workspace.models import LegalHold, RetentionRule, RetentionRun
from tests.architecture.routes import Route, all_routes
from tests.support.browser import Screen, screen
from tests.web.account.test_passkeys import Key
from tests.web.people import PASSWORD, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDE, PHONE = {"width": 1680, "height": 1000}, {"width": 390, "height": 844}
LOOKS = [(theme, size) for theme in ("light", "dark") for size in (WIDE, PHONE)]
BEGINNINGS = ("settings/", "accounts/", "simulator/")
# GET shows nothing of its own: it acts, downloads, or leads elsewhere.
NOT_SCREENS = {
    "mfa_download_recovery_codes",
    "settings:channel_callback",
    "settings:channel_steps",
    "account_set_password",
}

# Everything in main that takes the focus, one of a group of radio buttons, with what makes it visible.
FOCUSABLE = """() => {
  const seen = new Set(), found = [];
  for (const e of document.querySelectorAll('main a[href], main button, main input, main select, main textarea, main summary')) {
    if (e.disabled || e.type === 'hidden' || !e.checkVisibility({visibilityProperty: true})) continue;
    if (e.type === 'radio') { if (seen.has(e.name)) continue; seen.add(e.name); }
    e.dataset.stop = found.length; found.push(e.outerHTML.slice(0, 120));
  }
  return found;
}"""
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return {stop: null, shown: true, inMain: false};
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  const group = e.type === 'radio' ? document.querySelector(`input[type=radio][name="${e.name}"][data-stop]`) : e;
  return {stop: group?.dataset.stop ?? null, ring, html: e.outerHTML.slice(0, 120),
          inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
}"""
OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  for (const e of document.querySelectorAll('main *')) {
    const box = e.getBoundingClientRect();
    if (box.right <= wide + 1 || !box.width) continue;
    let up = e.parentElement, scrolls = false;
    while (up) { if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth && up.tagName !== 'MAIN' && up.parentElement.tagName !== 'MAIN') scrolls = true; up = up.parentElement; }
    if (!scrolls) found.push(e.outerHTML.slice(0, 100));
  }
  return found.slice(0, 3);
}"""


@pytest.fixture
def olga(live_server: Any) -> User:
    cache.clear()
    company.set_value("name", "Bicycles Ltd")
    return person("Olga", "owner")


def cast_mail(account: ChannelAccount) -> None:
    """Old posts, so that a retention rule has something to show."""
    place = Place(account.network, account.scope_id, channel_account_id=account.pk)
    ann = IncomingParticipant(ObservedIdentity(account.network, "ann", display_name="Ann"), "from")
    messages_record(
        place,
        [
            IncomingMessage(
                external_id=f"old-{number}", at=now() - timedelta(days=800 + 90 * number), participants=(ann,),
                text="A bell", subject=f"The bell that rang {number} times and was heard far away", own_key=f"k{number}",
            )
            for number in range(9)
        ],
    )  # fmt: skip


def _fill(user: User) -> dict[str, Any]:
    """One row of everything that the screens show; "route.argument" -> its id."""
    bob, gone = person("Bob"), person("Gone")
    gone.is_active = False
    gone.save()
    team = team_create(name="Sales and everything that has to do with it", members=[user, bob])
    division = Division.objects.create(name="Retail")
    account = ChannelAccount.objects.create(
        network="webhook", name="Shop", address="orders@a-rather-long-name-of-a-shop.example", external_id="x",
        scope=scope_for(kind="everyone"), history_until=now(), secrets={"signing_secret": "whsec_" + "c2VjcmV0" * 6},
    )  # fmt: skip
    ChannelHealth.objects.create(
        channel_account=account, last_error="The far side said no.", last_error_at=now()
    )
    RawItem.objects.create(
        channel_account=account, external_id="item-" + "9" * 60, digest="0" * 64, size=5, state="set_aside", error="Not JSON."
    )  # fmt: skip
    tag = Tag.objects.create(name="urgent", color="red")
    reply = SavedReply.objects.create(name="Thanks", text="Thank you, {name}", shortcut="thanks")
    macro = Macro.objects.create(name="Done", steps=[{"do": "reply", "text": "Bye"}, {"do": "close"}])
    conditions = [{"field": "subject", "op": "contains", "value": "bell"}]
    rule = AssignmentRule.objects.create(name="Bells", conditions=conditions, assignee=bob, position=1)
    AssignmentRule.objects.create(name="Lights", conditions=conditions, team=team, position=2)
    field = CustomField.objects.create(key="size", label="Shoe size", kind="choice", choices=["40", "41"])
    cast_mail(account)
    keep = RetentionRule.objects.create(
        name="Two years and not a day more", days=730, stopped_at=now(), stopped_due=9, stopped_of=20, enabled_at=now(),
        enabled_by=user,
    )  # fmt: skip
    RetentionRun.objects.create(rule=keep, name=keep.name, action="delete", state="running", total=9, done=3)
    other = ChannelAccount.objects.create(
        network="webhook", name="Shop of old", external_id="y", scope=account.scope, history_until=now(), state="paused"
    )  # fmt: skip
    LegalHold.objects.create(channel_account=other, reason="Case 12 of " + "a long name " * 9, placed_by=user)
    SystemMail.objects.create(
        to=["ada@us.example"], subject="Reset", text="A link", error="No server took it."
    )
    Invitation.objects.create(email="new@us.example", role="agent", token_hash="2" * 64, expires_at=now())
    ApiToken.objects.create(
        user=user, name="Script", token_hash="3" * 64, hint="kith_abc", permissions=["people:read"]
    )
    PushSubscription.objects.create(user=user, endpoint="https://push.example/1", keys={}, device="Telephone")
    return {
        "settings:person.pk": bob.pk, "settings:leave.pk": bob.pk, "settings:team.pk": team.pk,
        "settings:division.pk": division.pk, "settings:channel_connect.network": "email",
        "settings:channel.pk": account.pk, "settings:channel_edit.pk": account.pk,
        "settings:channel_reconnect.pk": account.pk, "settings:channel_audience.pk": account.pk,
        "settings:replies_edit.pk": reply.pk, "settings:macros_edit.pk": macro.pk, "settings:rules_edit.pk": rule.pk,
        "settings:tags_edit.pk": tag.pk, "settings:fields_edit.pk": field.pk,
        "settings:retention_rule.pk": keep.pk,
    }  # fmt: skip


def _more_ways_to_sign_in(it: Screen, user: User) -> dict[str, Any]:
    """Once signed in, as they would be asked for: a key (a real one, by the screen), an app, recovery codes."""
    Key(it)
    it.go("/accounts/2fa/webauthn/add/")
    it.page.locator("input[type=text]").fill("Telephone")
    it.page.locator("#mfa_webauthn_add").click()
    it.page.wait_for_url("**/recovery-codes/**")
    key = Authenticator.objects.get(user=user, type="webauthn")
    TOTP.activate(user, generate_totp_secret())
    return {"mfa_remove_webauthn.pk": key.pk, "mfa_edit_webauthn.pk": key.pk}


def _screens() -> list[Route]:
    return [
        route
        for route in all_routes()
        if route.pattern.startswith(BEGINNINGS)
        and route.permission != "public"
        and route.name not in NOT_SCREENS
    ]


def _sign_in(it: Screen, user: User) -> None:
    """By the form, and a moment ago: the screens that ask for the password again have just had it."""
    it.page.context.clear_cookies()
    it.go("/accounts/login/?next=/settings/")
    it.page.locator("#id_login").fill(user.email)
    it.page.locator("#id_password").fill(PASSWORD)
    it.page.locator("form:has(#id_login) button[type=submit]").click()
    it.page.wait_for_url("**/settings/")
    it.go("/accounts/reauthenticate/?next=/settings/")
    it.page.locator("input[type=password]").fill(PASSWORD)
    it.page.locator("main form button[type=submit]").first.click()
    it.page.wait_for_url("**/settings/")


def _looked_at(it: Screen, where: str) -> list[str]:
    wrong = [f"{where}: axe {found}" for found in it.axe()]
    if it.page.locator("h1").count() != 1:
        wrong.append(f"{where}: {it.page.locator('h1').count()} h1")
    wrong += [f"{where}: too wide: {found}" for found in it.page.evaluate(OVERFLOW)]
    return wrong


def _by_keyboard(it: Screen, where: str) -> list[str]:
    """Tab, from where "skip to content" leads, reaches all that can be used there and shows where it is."""
    wanted = it.page.evaluate(FOCUSABLE)
    it.page.evaluate("document.getElementById('main')?.focus()")
    reached, wrong = set(), []
    for _ in range(len(wanted) + 12):
        if len(reached) == len(wanted):
            break
        it.page.keyboard.press("Tab")
        at = it.page.evaluate(FOCUSED)
        if at["stop"] is None:
            continue
        reached.add(int(at["stop"]))
        if not at["ring"]:
            wrong.append(f"{where}: no focus ring: {at['html']}")
        if not at["inView"]:
            wrong.append(f"{where}: focus out of sight: {at['html']}")
    missed = [text for number, text in enumerate(wanted) if number not in reached]
    return wrong + [f"{where}: not by keyboard: {text}" for text in missed]


@pytest.mark.torture
def test_every_screen_full(
    chromium: Any, live_server: Any, olga: User, request: pytest.FixtureRequest
) -> None:
    """Each in all looks and by keyboard in the long version; otherwise in one of two looks, every second by keyboard."""
    values = _fill(olga)
    whole = request.config.getoption("--torture") == "full"
    wrong: list[str] = []
    shown: set[str] = set()
    with screen(chromium, live_server.url.replace("127.0.0.1", "localhost"), olga) as it:
        _sign_in(it, olga)
        values |= _more_ways_to_sign_in(it, olga)
        for route in _screens():
            given = {name: values.get(f"{route.name}.{name}") for name, _ in route.arguments}
            if None in given.values():
                continue  # takes POST alone
            path = route.address(**given)
            if it.page.request.get(it.base + path).status == 405:
                continue  # takes POST alone
            answer = it.page.goto(it.base + path)
            assert answer.status == 200, (path, answer.status)
            assert "reauthenticate" not in it.page.url or "reauthenticate" in path, path
            shown.add(route.name)
            if whole or len(shown) % 2:
                wrong += _by_keyboard(it, path)
            for theme, size in LOOKS if whole else (LOOKS[0], LOOKS[3])[len(shown) % 2 :][:1]:
                it.page.emulate_media(color_scheme=theme)
                it.page.set_viewport_size(size)
                wrong += _looked_at(it, f"{path} {theme} {size['width']}")
            it.page.emulate_media(color_scheme="light")
            it.page.set_viewport_size(WIDE)
        assert it.complaints == []
    assert len(shown) > 40, sorted(shown)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", ["de", "es"])
def test_long_languages_fit_on_a_phone(chromium: Any, live_server: Any, olga: User, language: str) -> None:
    from kith.web.settings.page import SECTIONS

    _fill(olga)
    olga.language = language
    olga.save()
    wrong: list[str] = []
    with screen(chromium, live_server.url, olga, **PHONE) as it:
        for name in ("settings:start", *(section.name for section in SECTIONS)):
            it.page.goto(it.base + reverse(name))
            assert it.page.locator("html").get_attribute("lang") == language
            wrong += [f"{name}: {found}" for found in it.page.evaluate(OVERFLOW)]
            if name != "settings:start":
                it.page.get_by_role(
                    "link", name={"de": "Alle Einstellungen", "es": "Todos los ajustes"}[language]
                ).wait_for()
    assert not wrong, "\n".join(wrong)


def test_every_section_of_an_empty_house_says_what_it_is_for(
    chromium: Any, live_server: Any, olga: User
) -> None:
    from kith.web.settings.page import SECTIONS

    wrong: list[str] = []
    with screen(chromium, live_server.url, olga, theme="dark") as it:
        it.page.goto(it.base + "/settings/")
        assert it.page.locator("main li a").count() == len(SECTIONS)
        for section in SECTIONS:
            it.page.goto(it.base + reverse(section.name))
            wrong += _looked_at(it, section.name)
            words = it.page.locator("main > [role=region]").inner_text()
            if len(words.split()) < 12:
                wrong.append(f"{section.name}: says nothing: {words!r}")
    assert not wrong, "\n".join(wrong)


def test_screens_for_strangers(chromium: Any, live_server: Any, olga: User) -> None:
    from kith.teams.services.tokens import token_hash

    Invitation.objects.create(
        email="new@us.example",
        role="agent",
        token_hash=token_hash("known"),
        expires_at=now().replace(year=2099),
    )
    paths = [
        "/accounts/login/", "/accounts/password/reset/", "/accounts/password/reset/done/", "/accounts/signup/",
        "/accounts/inactive/", "/accounts/password/reset/key/1-x/", "/accounts/password/reset/key/done/",
        "/accounts/3rdparty/login/cancelled/", "/accounts/3rdparty/login/error/", "/invitation/known/", "/invitation/gone/",
    ]  # fmt: skip
    wrong: list[str] = []
    for theme, size in (("light", WIDE), ("dark", PHONE)):
        context = chromium.new_context(viewport=size, color_scheme=theme)
        it = Screen(context.new_page(), live_server.url)
        for path in paths:
            it.page.goto(it.base + path)
            wrong += _looked_at(it, f"{path} {theme}")
            wrong += _by_keyboard(it, path)
        context.close()
    assert not wrong, "\n".join(wrong)
