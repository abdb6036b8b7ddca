from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from tests.support.mailservers import DOMAIN, PASSWORD, Dovecot, dovecot_server, postfix_server

from kith.base import http
from kith.connectors.contract import OwnIdentity, Setup
from kith.connectors.email.connector import Connector

__all__ = ["dovecot_server", "postfix_server"]


def loopback_guard(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


Make = Callable[..., Connector]


@pytest.fixture
def user() -> str:
    """A mailbox that no other test uses."""
    return f"u{uuid.uuid4().hex[:12]}@{DOMAIN}"


@pytest.fixture
def make(dovecot_server: Dovecot, user: str) -> Make:
    """Makes a connector for `user`'s mailbox; keywords are settings, `secrets` and `since` apart."""

    def build(
        secrets: dict[str, str] | None = None,
        since: datetime | None = None,
        guard: Any = loopback_guard,
        tell: Callable[[str], None] = lambda sentence: None,
        **settings: str,
    ) -> Connector:
        base = {
            "address": user, "host": "mail.test", "port": str(dovecot_server.imap), "security": "none",
            "smtp_host": "mail.test", "smtp_port": "1", "smtp_security": "none",
        }  # fmt: skip
        address = settings.get("address", user)
        return Connector(
            Setup(
                settings={**base, **settings},
                secrets=secrets if secrets is not None else {"password": PASSWORD},
                http=http.client,
                guard=guard,
                tell=tell,
                own=OwnIdentity(external_id=address, handle=address, display_name="Räder & Söhne"),
                history_since=since,
            )
        )

    return build
