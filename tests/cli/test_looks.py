"""The single looks of `kith doctor`, one trouble after the other: each is named, and says what to do."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as now_settings

from kith.base.clock import now
from kith.cli import examine, reach, senders
from kith.cli.examine import Finding
from kith.cli.reach import Told
from kith.core import company
from kith.core.models import AuditEvent
from kith.networks.models import ChannelHealth
from kith.teams.models import SystemMail
from tests.support import house
from tests.support.oidc import running

BASE = "https://kith.us.example"


def only(found: Iterable[Finding], level: str = "problem") -> Finding:
    """The one finding of a level; each that is not "ok" has a remedy."""
    every = list(found)
    assert all(f.remedy for f in every if f.level != "ok"), every
    wanted = [f for f in every if f.level == level]
    assert len(wanted) == 1, every
    return wanted[0]


def environment(**rest: Any) -> Any:
    return dataclasses.replace(now_settings.KITH, **rest)


# --- this machine ---------------------------------------------------------------------------------------------------


def _disk(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))


@pytest.mark.parametrize(("free", "level"), [(100_000_000, "problem"), (1_000_000_000, "warning")])
def test_a_disk_that_fills_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, level: str) -> None:
    _disk(monkeypatch, free)
    found = only(examine._disks(environment(home=tmp_path, database_url="postgresql://x/y")), level)
    assert "GB are free" in found.sentence
    assert "Make room" in found.remedy


def test_a_disk_without_room_for_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.statvfs(tmp_path)
    monkeypatch.setattr(
        os, "statvfs", lambda _: type("Fs", (), {"f_files": real.f_files or 1, "f_favail": 12})
    )
    _disk(monkeypatch, 10**12)
    assert "12 more files" in only(examine._disks(environment(home=tmp_path))).sentence


@pytest.mark.django_db
def test_a_clock_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(reach.clock(lambda: True), "ok").sentence == "The clock is right."
    assert "not synchronised" in only(reach.clock(lambda: False), "warning").sentence
    real = now()
    monkeypatch.setattr(reach, "now", lambda: real + timedelta(minutes=7))
    found = only(reach.clock(lambda: None))
    assert "differ by 420 seconds" in found.sentence
    assert "timedatectl" in found.remedy


@pytest.mark.django_db
def test_a_clock_that_was_ahead() -> None:
    AuditEvent.objects.create(action="x", subject_kind="x")
    AuditEvent.objects.update(at=now() + timedelta(days=2))
    assert "yet to come" in only(reach.clock(lambda: True)).sentence


def test_the_kernel_says_something_or_nothing() -> None:
    assert reach.kernel_says() in (True, False, None)


# --- the public address ---------------------------------------------------------------------------------------------

ADDRESS = [
    (Told(problem="name"), "DNS knows no kith.us.example", "A (and AAAA) record"),
    (Told(problem="certificate", words="expired"), "do not trust the certificate", "Renew"),
    (Told(problem="silence", words="refused"), "Nobody answers", "firewall"),
    (Told(502, b"Bad gateway"), "does not lead to Kith (it answers 502)", "port 8000"),
    (Told(200, b"<h1>Welcome to nginx"), "does not lead to Kith", "Host header"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("told", "says", "remedy"), ADDRESS)
def test_a_public_address_that_leads_elsewhere(told: Told, says: str, remedy: str) -> None:
    company.set_value("public_url", BASE)
    found = only(reach.address(environment(), lambda _: told))
    assert says in found.sentence
    assert remedy in found.remedy


@pytest.mark.django_db
def test_a_proxy_that_forgets_the_live_events() -> None:
    company.set_value("public_url", BASE)
    answers = {f"{BASE}/health/live/": Told(200, b"ok\n"), f"{BASE}/live/health": Told(404)}
    found = only(reach.address(environment(), answers.__getitem__))
    assert "/live/ on to port 8001" in found.remedy
    answers[f"{BASE}/live/health"] = Told(200)
    assert [f.level for f in reach.address(environment(), answers.__getitem__)] == ["ok"]


@pytest.mark.django_db
def test_no_address_or_an_open_one() -> None:
    assert "no public address" in only(reach.address(environment()), "warning").sentence
    company.set_value("public_url", "http://kith.us.example")
    found = only(reach.address(environment(), lambda a: Told(200, b"ok")), "warning")
    assert "not encrypted" in found.sentence


def test_what_a_real_answer_and_a_real_silence_are() -> None:
    with running() as issuer:
        told = reach.fetch(f"{issuer.url}/.well-known/openid-configuration")
    assert told.status == 200
    assert told.date is not None
    assert reach.fetch("http://127.0.0.1:1/").problem == "silence"
    assert reach.fetch("http://no-such-host.invalid/").problem == "name"
    assert reach.fetch("http://[").problem


def test_single_sign_on() -> None:
    assert list(reach.single_sign_on(environment())) == []
    with running() as issuer:
        good = {"oidc_url": issuer.url, "oidc_client_id": "a", "oidc_client_secret": "b"}
        assert [f.level for f in reach.single_sign_on(environment(**good))] == ["ok"]
        assert "without a client" in only(reach.single_sign_on(environment(oidc_url=issuer.url))).sentence
        issuer.discovery = lambda c: {**c, "issuer": "https://accounts.example"}
        found = only(reach.single_sign_on(environment(**good)))
        assert found.remedy == "Set KITH_OIDC_URL=https://accounts.example"
        issuer.discovery = lambda c: []  # type: ignore[assignment,return-value]
        assert "does not describe itself" in only(reach.single_sign_on(environment(**good))).sentence
        open_to_all = Told(200, b'{"issuer": "http://login.us.example"}')
        away = environment(**{**good, "oidc_url": "http://login.us.example"})
        assert "not encrypted" in only(reach.single_sign_on(away, lambda _: open_to_all)).sentence
        late = Told(200, b'{"issuer": "%s"}' % issuer.url.encode(), now() - timedelta(minutes=5))
        assert "issuer's clock" in only(reach.single_sign_on(environment(**good), lambda _: late)).sentence


# --- the house ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_worker_that_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    from kith.cli import up

    monkeypatch.setattr(up, "running_house", lambda _: 4711)
    found = only(examine.processes(environment()))
    assert "No worker runs" in found.sentence
    assert "kith up" in found.remedy


@pytest.mark.django_db
def test_a_mailbox_that_is_broken_and_one_that_wants_its_password() -> None:
    box = house.mailbox()
    ChannelHealth.objects.create(channel_account=box, failures_in_a_row=5, last_error="The server said no.")
    found = only(examine.channels())
    assert "failed 5 times in a row: The server said no." in found.sentence
    assert f"Settings, Channels, {box.name}" in found.remedy
    box.state = "reconnect"
    box.save()
    assert "Connect again" in only(examine.channels()).remedy
    box.state = "paused"
    box.save()
    assert "Go on" in only(examine.channels(), "warning").remedy
    box.state = "active"
    box.save()
    ChannelHealth.objects.update(failures_in_a_row=0, last_success_at=now() - timedelta(days=4))
    assert "Nothing was fetched for 4 days" in only(examine.channels()).sentence


@pytest.mark.django_db
def test_a_system_mail_that_could_not_leave() -> None:
    SystemMail.objects.create(to=["a@us.example"], subject="Reset", text="x", error="535 no")
    found = [f for f in examine.system_mail(environment(mail_url="smtp://x")) if f.level == "problem"]
    assert "535 no" in found[0].sentence
    assert "Try again" in found[0].remedy


@pytest.mark.django_db
def test_domains_are_those_that_mail_is_sent_from_and_are_asked_for() -> None:
    for name in ("info@us.example", "sales@other.example", "boss@gmail.com"):
        house.mailbox(name)
    asked: list[tuple[str, str]] = []

    def dns(name: str, kind: str) -> list[str]:
        asked.append((name, kind))
        table = {
            ("us.example", "TXT"): ["v=spf1 include:_spf.mail.example -all"],
            ("_spf.mail.example", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"],
            ("us.example", "MX"): ["10 mx.mail.example."],
            ("selector1._domainkey.us.example", "TXT"): ["v=DKIM1; p=MIIB"],
            ("_dmarc.us.example", "TXT"): ["v=DMARC1; p=reject"],
        }
        return table.get((name, kind), [])

    names = senders.sending_domains(environment(mail_from="kith@us.example"))
    assert names == ["other.example", "us.example"]
    found = list(senders.domains(names, dns))
    good = {f.about: f.level for f in found if "other" not in f.sentence}
    assert good == {"SPF": "ok", "DKIM": "ok", "DMARC": "ok", "MX": "ok"}
    bad = {f.about: f for f in found if "other" in f.sentence}
    assert bad["SPF"].level == bad["DMARC"].level == "problem"
    assert "_dmarc.other.example" in bad["DMARC"].remedy
    assert "TXT record to other.example" in bad["SPF"].remedy
