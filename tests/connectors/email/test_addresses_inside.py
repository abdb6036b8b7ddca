"""Mail servers inside our own network: refused before a connection, whatever their names are written like."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from tests.safety.test_outgoing_requests import Listener, _answers

from kith.channels.gateway import guard
from kith.connectors.contract import ConnectorError, Refused
from kith.connectors.email import net
from kith.connectors.email.options import Server

HOSTS = [
    "127.0.0.1",
    "localhost",
    "127.1",
    "0",
    "2130706433",
    "0x7f.1",
    "::1",
    "::ffff:127.0.0.1",
    "169.254.169.254",
]


def _open(protocol: str, host: str, port: int) -> Any:
    server = Server(protocol, host, port, "none", "us@us.example", "pw")
    if protocol == "smtp":
        return net.Smtp(guard, server, "us.example")
    return (net.Imap if protocol == "imap" else net.Pop)(guard, server)


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_mail_servers_inside_are_not_reached(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener()
    try:
        for host in HOSTS:
            with pytest.raises(ConnectorError):
                _open(protocol, host, listener.port)
        connected: list[Any] = []

        def connect(address: Any, *_rest: Any) -> Any:
            connected.append(address)
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "create_connection", connect)
        _answers(monkeypatch, {"rebind.example": [["93.184.215.14"], ["127.0.0.1"]]})
        with pytest.raises(ConnectorError):
            _open(protocol, "rebind.example", listener.port)
        with pytest.raises(Refused):
            _open(protocol, "rebind.example", listener.port)
        assert connected == [("93.184.215.14", listener.port)]
    finally:
        listener.close()
    assert listener.said == []
