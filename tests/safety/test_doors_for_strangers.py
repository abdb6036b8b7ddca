"""What takes bytes from anybody: webhooks, the chat window, the form, backups and imports."""

from __future__ import annotations

import hmac
import io
import json
import os
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from standardwebhooks import Webhook

from kith.channels import visitors
from kith.channels.models import ChatVisitor, RawItem
from kith.connectors.registry import connector_class
from kith.core.backup import archive
from kith.core.backup.errors import BackupError
from kith.networks.models import ChannelAccount
from tests.support import house

pytestmark = pytest.mark.django_db
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SITE = "https://shop.example"
KEY = "k" * 40


@pytest.fixture(autouse=True)
def _fresh() -> None:
    cache.clear()


# --- webhooks -------------------------------------------------------------------------------------------------------


def _hook(account: ChannelAccount, body: bytes, **headers: str) -> Any:
    moment = datetime.now(tz=UTC)
    signed = {
        "webhook-id": "m",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("m", moment, body.decode("utf-8", "replace")),
        **headers,
    }
    client = Client(raise_request_exception=False)
    return client.post(f"/hooks/{account.pk}/", body, content_type="application/json", headers=signed)


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-signature": "v1," + "A" * 100_000},
        {"webhook-timestamp": "0"},
        {"webhook-timestamp": "99999999999999999999"},
        {"webhook-timestamp": "NaN"},
        {"webhook-timestamp": "-1"},
        {"webhook-id": ""},
        {"webhook-id": "other"},
        {"content-length": "abc"},
        {"content-length": str(3 * 1024 * 1024)},
    ],
)
def test_a_webhook_that_is_not_signed_for_now_is_refused_unread(headers: dict[str, str]) -> None:
    account = house.account("webhook", secrets={"signing_secret": SECRET})
    answer = _hook(account, b'{"type": "message.received", "data": {}}', **headers)
    assert answer.status_code in (400, 401, 413)
    assert len(answer.content) < 200
    assert not RawItem.objects.exists()


def test_nothing_is_parsed_before_the_signature_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    account = house.account("webhook", secrets={"signing_secret": SECRET})

    def items(*_: Any) -> Any:
        raise AssertionError("parsed")

    monkeypatch.setattr(connector_class("webhook"), "items", items)
    for body in (b"[" * 100_000, b"\xff\xfe", b"{" + b'"a":' * 20_000, b""):
        assert _hook(account, body, **{"webhook-signature": "v1,AAAA"}).status_code == 401
    assert _hook(account, b"{}").status_code == 500, "a signed one is"


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a clock, which tells nothing here: by who compares."""
    account = house.account("webhook", secrets={"signing_secret": SECRET})
    compared: list[bool] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: (compared.append(True), real(a, b))[1])
    assert _hook(account, b"{}", **{"webhook-signature": "v1," + "A" * 44}).status_code == 401
    assert compared


def test_a_signed_bomb_is_an_error_of_its_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    account = house.account("webhook", secrets={"signing_secret": SECRET})
    for body in (b"[" * 100_000, b"NaN", b'{"type": 1}', b'{"type": "x", "data": ' + b"9" * 10_000 + b"}"):
        assert _hook(account, body).status_code in (200, 400), body[:20]


# --- chat -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def chat() -> ChannelAccount:
    return house.account("chat", name="Chat", settings={"site": SITE}, external_id="c")


def _say(
    account: ChannelAccount, *, text: str = "Hello", key: str = KEY, nonce: str = "n" * 8, **rest: Any
) -> Any:
    given = {"text": text, "nonce": nonce, **rest.pop("given", {})}
    headers = {"origin": SITE, "x-kith-visitor": key, **rest.pop("headers", {})}
    client = Client(raise_request_exception=False, **rest)
    return client.post(f"/chat/{account.pk}/messages", given, headers=headers)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://shop.example", "https://shop.example.evil.example", "null", "https://shop.example:8443",
     "https://shop.exampleevil.example", "file://"],
)  # fmt: skip
def test_pages_of_others_may_neither_ask_nor_read(chat: ChannelAccount, origin: str) -> None:
    for method in ("get", "post", "options"):
        answer = getattr(Client(), method)(
            f"/chat/{chat.pk}/messages", headers={"origin": origin, "x-kith-visitor": KEY}
        )
        assert answer.status_code == 403
        assert answer.headers.get("Access-Control-Allow-Origin") in (None, "")
    assert not ChatVisitor.objects.exists()


def test_our_own_pages_may_and_without_cookies(chat: ChannelAccount) -> None:
    answer = Client().options(f"/chat/{chat.pk}/messages", headers={"origin": SITE})
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert "Access-Control-Allow-Credentials" not in answer.headers
    said = _say(chat)
    assert said.status_code == 202
    assert not said.cookies
    assert "Origin" in said.headers["Vary"]


def test_one_visitor_and_one_address_have_a_quota(chat: ChannelAccount) -> None:
    codes = [_say(chat, nonce=f"nonce{n:03}").status_code for n in range(20)]
    assert codes[:15] == [202] * 15
    assert set(codes[15:]) == {429}
    cache.clear()
    codes = [_say(chat, key=f"{n:040}", nonce=f"nonce{n:03}").status_code for n in range(40)]
    assert codes.count(202) == 30, "new visitors of one address"
    other = _say(chat, key="z" * 40, nonce="nonce999", REMOTE_ADDR="198.51.100.9")
    assert other.status_code == 202, "another address is not held up"


@pytest.mark.parametrize("written", ["2001:db8:1:2::{:x}", "::ffff:198.51.100.{}"])
def test_many_addresses_of_one_machine_are_one(chat: ChannelAccount, written: str) -> None:
    """Who has IPv6 has a /64 of it; and an IPv4 address that is written as IPv6 is one of its own, and no other's."""
    same = ["198.51.100.7"] * 40 if "ffff" in written else [written.format(n + 1) for n in range(40)]
    codes = [
        _say(chat, key=f"{n:040}", nonce=f"nonce{n:03}", REMOTE_ADDR=one).status_code
        for n, one in enumerate(same)
    ]
    assert codes.count(202) == 30
    held = _say(chat, key="y" * 40, nonce="nonce998", REMOTE_ADDR=written.format(7))
    assert held.status_code == 429
    other = written.format(8) if "ffff" in written else "2001:db8:1:3::1"
    assert _say(chat, key="z" * 40, nonce="nonce999", REMOTE_ADDR=other).status_code == 202


@pytest.mark.parametrize(
    "key", ["", "short", "k" * 129, "k" * 39 + "\n", "../../etc/passwd" + "k" * 30, "%00" * 20]
)
def test_a_key_is_of_our_making(chat: ChannelAccount, key: str) -> None:
    assert _say(chat, key=key).status_code in (400, 422)
    assert not ChatVisitor.objects.exists()


def test_another_visitors_words_and_files_are_not_read(chat: ChannelAccount) -> None:
    _say(chat, text="My secret order number")
    for key in ("o" * 40, "", KEY[:-1] + "x"):
        answer = Client().get(f"/chat/{chat.pk}/messages", headers={"origin": SITE, "x-kith-visitor": key})
        assert b"secret order" not in answer.content
    other = house.account("chat", name="Other", settings={"site": SITE}, external_id="d")
    answer = Client().get(f"/chat/{other.pk}/messages", headers={"origin": SITE, "x-kith-visitor": KEY})
    assert b"secret order" not in answer.content


def test_a_flood_of_bytes_is_refused_before_it_is_read(chat: ChannelAccount) -> None:
    big = io.BytesIO(b"x" * (visitors.FILE_BYTES + 1))
    big.name = "big.bin"
    assert _say(chat, given={"files": big}).status_code in (413, 422)
    assert _say(chat, headers={"content-length": str(10**9)}).status_code in (400, 413)
    assert _say(chat, text="x" * 100_000).status_code == 422
    assert _say(chat, given={"website": "https://spam.example"}).status_code == 422  # the trap for robots


# --- backups --------------------------------------------------------------------------------------------------------


def _backup(path: Path, members: dict[str, bytes], **manifest: Any) -> Path:
    import hashlib

    sums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    told = {"format": archive.FORMAT, "kith": "x", "migrations": [], "tables": {}, "sequences": {}, "blobs": 0,
            "made_at": "2026-01-01T00:00:00+00:00", "sha256": sums, **manifest}  # fmt: skip
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
        file.writestr(archive.MANIFEST, json.dumps(told))
    return path


@pytest.mark.parametrize(
    "name",
    ["blobs/../../../../etc/cron.d/evil", "blobs//etc/passwd", "blobs/..\\..\\evil", "../evil", "/etc/evil", "blobs/" + "a" * 64],
)  # fmt: skip
def test_a_backup_writes_nowhere_but_where_it_belongs(name: str, tmp_path: Path) -> None:
    """Members are found by name and written by the hash of their bytes: a name that leads elsewhere leads nowhere."""
    from kith.core.backup import making

    before = {str(path) for path in tmp_path.rglob("*")}
    path = _backup(tmp_path / "evil.kith", {name: b"owned"})
    with archive.Reader(path) as reader:
        if name.startswith("blobs/"):
            with pytest.raises(BackupError, match="damaged"):
                making._restore_blobs(reader)
        else:
            assert reader.names("blobs/") == []
    assert {str(found) for found in tmp_path.rglob("*")} - before == {str(path)}
    assert not Path("/etc/cron.d/evil").exists()


@pytest.mark.parametrize(
    "manifest",
    [
        {"format": 2},
        {"sha256": {"gone": "x"}},
        {"tables": {"x; DROP TABLE teams_user; --": {"columns": ["a"], "rows": 0}}},
    ],
)
def test_a_manifest_that_lies_is_refused(manifest: dict[str, Any], tmp_path: Path) -> None:
    from kith.core.backup import making
    from kith.teams.models import User

    house.user("Ada")
    path = _backup(tmp_path / "evil.kith", {}, **manifest)
    with pytest.raises(BackupError), archive.Reader(path) as reader:
        making._load(reader, lambda _: None)
    assert User.objects.count() == 1


def test_a_backup_is_for_its_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        with archive.Writer(tmp_path / "folder" / "x.kith") as writer:
            writer.add("blobs/x", [b"x"])
            writer.finish({})
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "folder" / "x.kith").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700
