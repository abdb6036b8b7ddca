"""The well-behaved mode does well, and every other mode does what it is called. What it does to the core is tested there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from kith.connectors.conformance import FolderConformance
from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import ConnectorError, Outgoing, RawItem, Setup, WebhookRequest
from kith.connectors.hostile.connector import Connector

MODES = next(field for field in Connector.manifest.fields if field.name == "mode").choices
OUT = Outgoing("k1", "Hello", ())
LEAVES = ("hangs", "exits", "killed", "memory")


def make(mode: str, where: str = "") -> Connector:
    settings = {"mode": mode, "where": where, "count": "3"}
    return Connector(Setup(settings, {"token": "s3cret-token"}, http=loopback_http(), guard=loopback_guard))


class TestHostileThatBehaves(FolderConformance):
    connector = Connector
    no_http = "it harms without any network"
    no_deletions = "its kinds of harm are not in fixtures"
    unknown_kind: ClassVar[bytes] = b'{"other": 1}'


def test_it_is_never_offered() -> None:
    assert Connector.manifest.availability == "internal"


def test_well_behaved_it_delivers_and_takes() -> None:
    page = make("well behaved").fetch("", limit=2)
    assert [item.external_id for item in page.items] == ["hostile:0", "hostile:1"]
    assert page.more
    last = make("well behaved").fetch(page.cursor, limit=2)
    assert ([item.external_id for item in last.items], last.more) == (["hostile:2"], False)
    assert make("well behaved").send(OUT).external_id == "sent:k1"


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in LEAVES])
def test_every_mode_harms(mode: str) -> None:
    """Some call of every mode differs from the well-behaved one, or raises."""

    def told(connector: Connector) -> list[str]:
        calls = [
            lambda: connector.check(),
            lambda: connector.fetch("", limit=2),
            lambda: connector.fetch("3", limit=2),
            lambda: connector.parse(RawItem("hostile:1", b'{"number": 1}')),
            lambda: connector.send(OUT),
            lambda: connector.find_sent(OUT, since=datetime(2026, 1, 1, tzinfo=UTC)),
            lambda: [item for item, _ in zip(connector.stream(""), range(9), strict=False)],
            lambda: connector.items(WebhookRequest("POST", {}, {}, b"")),
        ]
        found = []
        for call in calls:
            try:
                found.append(ascii(call())[:2000])
            except BaseException as error:  # noqa: BLE001  (KeyboardInterrupt is among what it raises)
                found.append(type(error).__name__)
        return found

    usual = told(make("well behaved"))
    assert told(make("well behaved")) == usual
    if mode != "well behaved":
        assert told(make(mode)) != usual


def test_harm_stays_where_it_is_wanted() -> None:
    connector = make("raises", where="send")
    connector.fetch("", limit=2)
    with pytest.raises(UnicodeDecodeError) as caught:
        connector.send(OUT)
    assert not isinstance(caught.value, ConnectorError)


@pytest.mark.parametrize(("mode", "status"), [("exits", 13), ("killed", -signal.SIGKILL), ("hangs", None)])
def test_it_takes_its_process_along(mode: str, status: int | None) -> None:
    program = f"from tests.connectors.hostile.test_hostile import make; make({mode!r}).fetch('', limit=1)"
    command = [sys.executable, "-c", program]
    with pytest.raises(subprocess.TimeoutExpired) if status is None else nullcontext():
        ended = subprocess.run(
            command, timeout=5, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, check=False
        )
        assert ended.returncode == status
