"""Names of a made-up internet, for whole processes of ours: a DNS server on loopback and those who ask it.

`names({...}) as environ` answers for a few records; a process started with `environ` asks this server, and no other, for
service records (dnspython) and for the addresses of hosts (`socket.getaddrinfo`), by the `sitecustomize` beside this file.
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = Mapping[tuple[str, str], Sequence[str]]


@contextlib.contextmanager
def names(records: Records) -> Iterator[dict[str, str]]:
    """Serve `{(name, type): [text of a record, ...]}`; yields variables of the environment for those who should ask."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            sock.sendto(_answer(data, records), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hosts = {name: texts[0] for (name, kind), texts in records.items() if kind == "A"}
        try:
            yield {
                "TEST_DNS_PORT": str(server.server_address[1]),
                "TEST_HOSTS": " ".join(f"{name}={address}" for name, address in hosts.items()),
                "PYTHONPATH": str(Path(__file__).resolve().parent),
            }
        finally:
            server.shutdown()


def _answer(data: bytes, records: Records) -> bytes:
    asked: Any = dns.message.from_wire(data)
    question = asked.question[0]
    kind = dns.rdatatype.to_text(question.rdtype)
    name = question.name.to_text(omit_final_dot=True).lower()
    answer = dns.message.make_response(asked)
    answer.flags |= dns.flags.RA
    if texts := records.get((name, kind)):
        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
    elif not any(known == name for known, _ in records):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return bytes(answer.to_wire())
