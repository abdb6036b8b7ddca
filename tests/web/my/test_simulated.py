"""A house in which nothing leaves: what Kith mails of its own is read on the simulator's page, by administrators."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client

from kith.channels.system_mail import mailbox
from kith.cli.demo import _address
from kith.core import company
from kith.networks.models import ChannelAccount
from kith.trust.models import Consent
from kith.trust.services import topic_save
from kith.web.my import subscribe
from tests.support import house
from tests.support.cast import Cast, client_of
from tests.web.my.post import jobs_run

pytestmark = pytest.mark.django_db
ADA, PAGE = "ada@outside.example", "/simulator/"


@pytest.fixture
def simulated(cast: Cast) -> ChannelAccount:
    cache.clear()
    ChannelAccount.objects.all().delete()
    account = house.mailbox("info@us.example")
    ChannelAccount.objects.filter(pk=account.pk).update(settings={"simulated": "yes"})
    cast.accounts = {"info": account}
    cast.mail(account.scope)
    return account


def _simulator(cast: Cast, who: str) -> str:
    return client_of(getattr(cast, who)).get(PAGE).content.decode()


def test_the_code_is_shown_and_opens_the_page(simulated: ChannelAccount, cast: Cast) -> None:
    assert "stand here for ten minutes" in _simulator(cast, "olga")
    visitor = Client()
    visitor.post("/my/", {"email": ADA})
    jobs_run()
    found = re.search(r"Your code: (\d{8})", _simulator(cast, "olga"))
    assert found
    assert found[1] not in _simulator(cast, "carl")
    assert found[1] not in str(cache.get("simulator-notices"))
    assert visitor.post("/my/code/", {"code": found[1]}).headers["Location"] == "/my/visit/"


def test_the_link_that_confirms_is_shown(
    simulated: ChannelAccount, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribe, "in_time", lambda *given: True)
    _address()
    assert company.public_url().startswith("http://localhost:")
    topic_save(name="News")
    Client().post("/subscribe/", {"email": ADA, "topic": "news", "stamp": "x"})
    jobs_run()
    found = re.search(r'href="(/subscribe/[^"]+)"', _simulator(cast, "olga"))
    assert found
    Client().post(found[1])
    assert Consent.objects.filter(purpose="news", status="given").exists()


def test_a_real_mailbox_comes_first_even_when_it_does_not_work(simulated: ChannelAccount) -> None:
    assert mailbox() == simulated
    real = house.mailbox("desk@us.example")
    assert mailbox() == real
    ChannelAccount.objects.filter(pk=real.pk).update(state="reconnect")
    assert mailbox() is None


def test_the_demo_keeps_an_address_that_somebody_gave_it(simulated: ChannelAccount) -> None:
    company.set_value("public_url", "https://demo.example")
    _address()
    assert company.public_url() == "https://demo.example"
    company.set_value("public_url", "http://localhost:1")
    _address()
    assert company.public_url() != "http://localhost:1"


def test_where_somebody_has_a_real_mailbox_no_code_is_shown(simulated: ChannelAccount, cast: Cast) -> None:
    assert mailbox() == simulated
    house.mailbox("mara@us.example", scope=house.team_scope(house.team("Own mail", cast.carl)))
    assert mailbox() is None
