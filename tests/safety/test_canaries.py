"""A canary in every secret of every connector, and servers that say back whatever they are told: nothing that Kith
writes, shows or hands out sings."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import logging
import socketserver
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as now_settings
from django.db import connection
from django.test import Client

from kith.channels import gateway, runner
from kith.channels.health import account_troubled
from kith.channels.outbox import Compose, message_send
from kith.connectors.contract import Polls, Sends
from kith.connectors.manifest import manifests
from kith.core import company
from kith.core.backup import making
from kith.core.logs import hide
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.teams.services import api_token_create
from kith.teams.types import API_PERMISSIONS
from tests.support import house
from tests.web.people import signed_in

CANARY = "Zeisig+Fink/7f3c9e=Vogel"
NETWORKS = sorted(name for name, found in manifests().items() if any(f.secret for f in found.fields))


def sings(text: str) -> bool:
    """Whether the canary is in a text, as it is or in a form that anybody can read back."""
    forms = [CANARY, quote(CANARY), quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode()]
    forms += [
        base64.b64encode(b"\0us\0" + CANARY.encode()).decode(),
        base64.b64encode(f"us:{CANARY}".encode()).decode(),
    ]
    return any(form in text for form in forms)


class _Parrot(socketserver.StreamRequestHandler):
    """Speaks HTTP, SMTP, IMAP and POP just well enough to be told a password, and repeats it in its refusal."""

    timeout = 10
    server: Any

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self._talk()

    def _talk(self) -> None:
        greeting = self.server.greeting
        if not greeting:
            self._http()
            return
        self.wfile.write(greeting)
        while line := self.rfile.readline(65536):
            self.server.heard.append(line)
            self.wfile.write(self.server.answer(line.decode("utf-8", "replace").strip()))

    def _http(self) -> None:
        head = b""
        while (line := self.rfile.readline(65536)) not in (b"\r\n", b""):
            head += line
        length = next(
            (
                int(part.split(b":")[1])
                for part in head.split(b"\r\n")
                if part.lower().startswith(b"content-length:")
            ),
            0,
        )
        said = head + b"\n" + self.rfile.read(length)
        self.server.heard.append(said)
        text = said.decode("utf-8", "replace")
        body = (
            json.dumps({"error": f"you said {text}", "message": text}).encode()
            if self.server.as_json
            else said
        )
        self.wfile.write(
            b"HTTP/1.1 %d No\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % (self.server.status, len(body))
            + body
        )


def _smtp(line: str) -> bytes:
    if line.upper().startswith("EHLO"):
        return b"250-parrot\r\n250 AUTH PLAIN LOGIN\r\n"
    return f"535 5.7.8 you said {line}\r\n".encode()


def _imap(line: str) -> bytes:
    tag, _, rest = line.partition(" ")
    if rest.upper().startswith("CAPABILITY"):
        return f"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n".encode()
    return f"{tag} NO [AUTHENTICATIONFAILED] you said {rest}\r\n".encode()


@contextlib.contextmanager
def parrot(
    greeting: bytes = b"", answer: Any = None, *, status: int = 401, as_json: bool = True
) -> Iterator[Any]:
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Parrot)
    server.daemon_threads = True
    server.greeting, server.answer, server.status, server.as_json = greeting, answer, status, as_json
    server.heard = []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.KITH = dataclasses.replace(now_settings.KITH, allowed_networks=("127.0.0.0/8",))


def _account(network: str, http: Any, smtp: Any, imap: Any) -> ChannelAccount:
    """An account of a network whose every secret is the canary and whose every server is a parrot."""
    values: dict[str, str] = {}
    for field in manifests()[network].fields:
        port = (smtp if "smtp" in field.name else imap).server_address[1]
        by_kind = {
            "url": f"http://127.0.0.1:{http.server_address[1]}/", "host": "127.0.0.1", "port": str(port),
            "email": "us@us.example",
        }  # fmt: skip
        if field.secret:
            continue
        if field.kind in by_kind:
            values[field.name] = by_kind[field.kind]
        elif "none" in field.choices and "security" in field.name:
            values[field.name] = "none"
        else:
            values[field.name] = field.default or ("us" if field.required else "")
    secrets = {field.name: CANARY for field in manifests()[network].fields if field.secret}
    return house.account(network, settings=values, secrets=secrets, address="us@us.example")


def _provoke(account: ChannelAccount, user: Any) -> list[str]:
    """Everything that connects; returns what was said on the way."""
    said: list[str] = []
    try:
        gateway.check(account.network, gateway.parse_settings(account), account.secrets)
    except gateway.ChannelError as error:
        said.append(f"{error} {error!r}")
    connector = gateway.connector_for(account)
    said += [repr(connector), repr(account), str(account)]
    said += [repr(value) for value in vars(connector).values() if not isinstance(value, str)]
    for number in range(2):
        try:
            if isinstance(connector, Polls):
                runner.fetch_all(account, connector)
        except Exception as error:  # noqa: BLE001  (whatever it is: it is written down as the runner does)
            account_troubled(account, error, number + 1)
    if isinstance(connector, Sends) and user is not None:
        from kith.channels.deliver import Claimer, deliver, deliveries_claim
        from kith.contacts.models import Identity

        whom = Identity.objects.create(
            network=account.network, external_id="ada@outside.example", handle="ada@outside.example"
        )
        compose = Compose(
            user=user, account=account, text="Hello", recipients=((whom.pk, "to"),), undo_seconds=0
        )
        with contextlib.suppress(Exception):
            message_send(compose)
        claimer = Claimer.start()
        claimed = deliveries_claim(claimer)
        while claimed is not None:
            with contextlib.suppress(Exception):
                deliver(claimed)
            claimed = deliveries_claim(claimer)
    return said


def _database() -> str:
    """Every table as text, but for the columns that are encrypted."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found += [str(row[0]) for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.django_db
@pytest.mark.parametrize("status", [401, 500, 200])
@pytest.mark.parametrize("network", NETWORKS)
def test_no_secret_of_a_connector_sings(
    network: str,
    status: int,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    company.set_value("name", "Bicycles Ltd")
    caplog.set_level(logging.DEBUG)
    client, user = signed_in("Olga", "owner")
    with (
        parrot(status=status, as_json=status != 200) as http,
        parrot(b"220 parrot\r\n", _smtp) as smtp,
        parrot(b"* OK parrot\r\n", _imap) as imap,
    ):
        account = _account(network, http, smtp, imap)
        said = _provoke(account, user)
        heard = b"".join([*http.heard, *smtp.heard, *imap.heard]).decode("utf-8", "replace")
    health = (
        ChannelHealth.objects.filter(channel_account=account).values_list("last_error", flat=True).first()
    )
    assert not sings("\n".join(said)), said
    assert not sings(str(health))
    assert not sings(caplog.text)
    assert not sings("".join(capfd.readouterr()))
    assert not sings(_database())
    _, raw = api_token_create(user=user, name="x", permissions=API_PERMISSIONS)
    bearer = Client(headers={"authorization": f"Bearer {raw}"})
    for asks, paths in (
        (client, ["/settings/channels/", f"/settings/channels/{account.pk}/", f"/settings/channels/{account.pk}/reconnect/",
                  f"/settings/channels/{account.pk}/edit/", "/settings/audit/", "/settings/mails/"]),
        (bearer, ["/api/v1/channels", f"/api/v1/channels/{account.pk}", "/api/v1/openapi.json"]),
    ):  # fmt: skip
        for path in paths:
            answer = asks.get(path)
            assert answer.status_code == 200, path
            assert not sings(answer.content.decode()), path
    print(f"{network} {status}: heard {sings(heard)}, said {health!r}")


@pytest.mark.django_db(transaction=True)
def test_a_backup_without_a_passphrase_does_not_sing(tmp_path: Path) -> None:
    for network in NETWORKS:
        fields = {field.name: CANARY for field in manifests()[network].fields if field.secret}
        house.account(network, secrets=fields, external_id=network)
    making.make(path := tmp_path / "x.kith")
    with zipfile.ZipFile(path) as file:
        assert len(file.namelist()) > 20
        for name in file.namelist():
            assert not sings(file.read(name).decode("utf-8", "replace")), name


@pytest.mark.django_db
def test_the_parrots_were_told(capfd: pytest.CaptureFixture[str]) -> None:
    """The test above would hear it: what connects by a password did say it to a parrot."""
    told = set()
    for network in NETWORKS:
        with (
            parrot() as http,
            parrot(b"220 parrot\r\n", _smtp) as smtp,
            parrot(b"* OK parrot\r\n", _imap) as imap,
        ):
            _provoke(_account(network, http, smtp, imap), None)
            heard = b"".join([*http.heard, *smtp.heard, *imap.heard]).decode("utf-8", "replace")
            if sings(heard) or CANARY.replace("+", "\\u002b") in heard:
                told.add(network)
    assert len(told) >= 3, told


@pytest.mark.parametrize(
    "text",
    [
        f"refused: {CANARY}",
        f"GET /x?key={quote(CANARY, safe='')}",
        base64.b64encode(CANARY.encode()).decode(),
        *(base64.b64encode(f"{user}:{CANARY}:more".encode()).decode() for user in ("a", "ab", "abc", "abcd")),
        base64.urlsafe_b64encode(b"\0us\0" + CANARY.encode()).decode(),
    ],
)
def test_a_known_secret_is_hidden_in_any_form(text: str) -> None:
    shown = hide(f"before {text} after", [CANARY, "", "x"])
    assert not sings(shown)
    assert "7f3c9e" not in shown
    assert base64.b64encode(CANARY.encode()).decode()[8:20] not in shown
    assert shown.startswith("before ")
