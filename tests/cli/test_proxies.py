"""A house behind Caddy and nginx, each set up by the very lines of docs/howto/behind-a-proxy.md."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.kithprocess import ROOT, Kith, kith, wait_for
from tests.support.proxies import HOST, KINDS, Proxy, proxy, token_in

SHOP = "https://shop.example"
PASSWORD = "long enough 1"
SETUP = f"""
import uuid
from kith.base.clock import now
from kith.core import company
from kith.networks.models import ChannelAccount
from kith.teams.models import User
from kith.teams.services import scope_for
company.set_value("name", "Wheels")
user = User.objects.create_user("mara@us.example", name="Mara", password="{PASSWORD}", role="owner")
scope = scope_for(kind="everyone")
chat = ChannelAccount.objects.create(network="chat", name="Chat", external_id="c", scope=scope, history_until=now(),
                                     settings={{"site": "{SHOP}"}})
mail = ChannelAccount.objects.create(network="email", name="Mail", external_id="info@us.example", address="info@us.example",
                                     scope=scope, history_until=now(), settings={{"simulated": True}})
from kith.channels import simulator
print(chat.pk)
"""


def test_systemd_takes_the_unit_of_the_docs(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian package systemd)")
    page = (ROOT / "docs" / "howto" / "run-as-a-service.md").read_text(encoding="utf-8")
    lines = [line.removeprefix("    ") for line in page.splitlines() if line.startswith("    ") or not line]
    text = "\n".join(lines)
    text = "[Unit]" + text.partition("[Unit]")[2].partition("multi-user.target")[0] + "multi-user.target\n"
    assert "/var/lib/kith/venv/bin/kith up" in text
    unit = tmp_path / "kith.service"
    unit.write_text(text.replace("/var/lib/kith/venv/bin/kith", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "kith.service" in line]) == (0, [])


@pytest.fixture(scope="module")
def house() -> Iterator[tuple[Kith, str]]:
    env = {
        "KITH_PUBLIC_URL": f"https://{HOST}",
        "KITH_TRUSTED_PROXIES": "127.0.0.1",
        "KITH_ENV": "production",
    }
    with kith(ready=True, env=env) as made:
        made.up()
        yield made, made.python(SETUP).strip()


@pytest.fixture(scope="module", params=list(KINDS))
def front(request: pytest.FixtureRequest, house: tuple[Kith, str]) -> Iterator[Proxy]:
    with proxy(request.param, house[0]) as running:
        yield running


def _signed_in(front: Proxy, **options: Any) -> httpx.Client:
    client = front.client(**options)
    page = client.get("/accounts/login/")
    assert page.status_code == 200, page.text[:500]
    given = {"login": "mara@us.example", "password": PASSWORD, "csrfmiddlewaretoken": token_in(page.text)}
    answer = client.post("/accounts/login/", data=given)
    assert answer.status_code == 302, answer.text[:2000]
    assert answer.headers["location"] == "/"
    return client


def _token(client: httpx.Client) -> dict[str, str]:
    return {"X-CSRFToken": client.cookies["csrftoken"], "HX-Request": "true"}


def test_pages_are_https_alone(front: Proxy) -> None:
    with front.client() as client:
        page = client.get("/accounts/login/")
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        assert "secure" in page.headers["set-cookie"].lower()
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert client.get("/", follow_redirects=False).headers["location"].startswith("/accounts/login/")
    plain = httpx.get(f"http://127.0.0.1:{front.http}/x?y=1", headers={"Host": HOST}, trust_env=False)
    assert plain.status_code in (301, 308)
    assert plain.headers["location"].startswith(f"https://{HOST}")
    with contextlib.closing(_signed_in(front)) as client:
        assert client.get("/settings/profile/").status_code == 200
        forged = client.post(
            "/settings/profile/",
            data={"name": "Eve"},
            headers={**_token(client), "Origin": "https://evil.example"},
        )
        assert forged.status_code == 403


def test_the_visitors_address_is_seen_and_not_what_they_claim(front: Proxy, house: tuple[Kith, str]) -> None:
    claims = {"X-Forwarded-For": "203.0.113.66", "X-Real-IP": "203.0.113.66", "Forwarded": "for=203.0.113.66"}
    address = f"127.0.0.{41 + list(KINDS).index(front_kind(front))}"
    with front.client(address) as client:
        client.headers.update(claims)
        page = client.get("/accounts/login/")
        given = {"login": "mara@us.example", "password": PASSWORD, "csrfmiddlewaretoken": token_in(page.text)}
        assert client.post("/accounts/login/", data=given).status_code == 302
        sessions = client.get("/settings/security/").text
    assert address in sessions
    assert "203.0.113.66" not in sessions


def front_kind(front: Proxy) -> str:
    return "Caddy" if "caddy" in str(front.log) else "nginx"


def test_news_come_at_once(front: Proxy) -> None:
    """The first bytes of the stream before it ends, and then what somebody does elsewhere."""
    with contextlib.closing(_signed_in(front)) as client, client.stream("GET", "/live/events") as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        assert next(lines).startswith("retry:")
        with contextlib.closing(_signed_in(front)) as other:
            said = {"network": "email", "name": "Robin", "subject": "Bell", "text": "My bell is broken"}
            assert other.post("/simulator/", data=said, headers=_token(other)).status_code in (200, 302)
        assert any(line.startswith("data:") for line in lines)


def test_the_chat_of_another_site(front: Proxy, house: tuple[Kith, str]) -> None:
    account = house[1]
    with front.client() as client:
        client.headers.update({"Origin": SHOP, "Referer": f"{SHOP}/"})
        script = client.get(f"/chat/{account}.js")
        assert script.headers["content-encoding"] == "gzip"
        assert script.headers["cross-origin-resource-policy"] == "cross-origin"
        assert f'"live": "/live/chat/{account}"' in script.text
        asked = client.options(f"/chat/{account}/messages")
        assert asked.headers["access-control-allow-origin"] == SHOP
        key = {"X-Kith-Visitor": os.urandom(30).hex()[:43]}
        files = {"files": ("frame.png", b"\x89PNG" + b"0" * 2_000_000, "image/png")}
        said = client.post(
            f"/chat/{account}/messages",
            data={"text": "Do you repair?", "nonce": "n" * 16},
            files=files,
            headers=key,
        )
        assert (said.status_code, said.headers["access-control-allow-origin"]) == (202, SHOP), said.text
        stream = wait_for(lambda: _listened(client, account, key), 30)
        assert stream == SHOP
        refused = client.get(f"/chat/{account}/messages", headers={**key, "Origin": "https://evil.example"})
        assert refused.status_code == 403


def _listened(client: httpx.Client, account: str, key: dict[str, str]) -> str:
    with client.stream("GET", f"/live/chat/{account}", headers=key) as stream:
        if stream.status_code != 200:
            return ""
        assert next(stream.iter_lines()).startswith("retry:")
        return stream.headers["access-control-allow-origin"]


def test_uploads_of_25_mb(front: Proxy) -> None:
    with contextlib.closing(_signed_in(front)) as client:
        said = {"network": "email", "name": "Kim", "subject": "Frame", "text": f"A frame {front.https}"}
        client.post("/simulator/", data=said, headers=_token(client))
        conversation = wait_for(lambda: _conversation(client), 30)
        address = f"/inbox/{conversation}/draft/files/"
        for name, size, taken in (("frame.bin", 24_900_000, True), ("more.bin", 1_900_000, False)):
            answer = client.post(
                address,
                data={"text": "x"},
                files={"files": (name, b"0" * size, "application/octet-stream")},
                headers=_token(client),
            )
            assert answer.status_code == 200, (answer.status_code, answer.text[:300])
            assert (name in answer.text) is taken
            assert ("25 MB together at most" in answer.text) is not taken
        key = re.search(r'"remove": "(\w+)"', answer.text)
        assert key is not None
        answer = client.post(address, data={"text": "x", "remove": key[1]}, headers=_token(client))
        assert "frame.bin" not in answer.text


def _conversation(client: httpx.Client) -> str:

    found = re.search(r"/inbox/([0-9a-f-]{36})/", client.get("/inbox/").text)
    return found[1] if found else ""


def test_the_doctor_finds_its_way(front: Proxy) -> None:
    """/health/ and /live/health answer to monitors through the proxy."""
    with front.client() as client:
        assert client.get("/health/live/").text.strip() == "ok"
        assert client.get("/health/").status_code == 200
        assert client.get("/live/health").status_code == 200
        assert json.loads(client.get("/api/v1/openapi.json").text)["openapi"].startswith("3.1")
