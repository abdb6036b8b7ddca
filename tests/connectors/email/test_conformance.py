"""The conformance suite, with a real Dovecot as the server that has items."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.support.mailservers import DOMAIN, PASSWORD, Dovecot

from kith.connectors.conformance import ConnectorConformance
from kith.connectors.contract import Outgoing, Party, Setup
from kith.connectors.email.connector import Connector


class TestEmail(ConnectorConformance):
    connector = Connector
    settings = {
        "address": "support@kontor.example", "aliases": "anna@kontor.example", "authserv_id": "mx.kontor.example",
        "host": "imap.kontor.example", "smtp_host": "smtp.kontor.example",
    }  # fmt: skip
    secrets = {"password": "s3cret-to-look-for", "client_secret": "another-to-look-for"}
    outgoing = Outgoing("k1", "Yes, we do.", (Party("ben@elsewhere.example", role="to"),))
    no_http = "mail goes by IMAP, POP3 and SMTP; how these fail is tested against Dovecot, Postfix and a server that hangs up"
    one_kind = "every item is a mail"
    no_deletions = "a mail that was delivered can't be taken back"
    anything_parses = True

    @pytest.fixture(autouse=True)
    def _server(self, request: pytest.FixtureRequest) -> None:
        # Only what needs a mailbox starts the server, so that the rest runs without one.
        self._request = request

    @contextmanager
    def backlog(self, count: int) -> Iterator[Setup]:
        server: Dovecot = self._request.getfixturevalue("dovecot_server")
        user = f"c{uuid.uuid4().hex[:12]}@{DOMAIN}"
        server.deliver(
            user,
            *(f"Subject: {n}\r\nMessage-ID: <{n}@x.example>\r\n\r\n{n}\r\n".encode() for n in range(count)),
        )
        made = self.setup(settings={"address": user, "port": str(server.imap), "security": "none"})
        yield replace(made, secrets={"password": PASSWORD})
