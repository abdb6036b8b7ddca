"""Nothing connects to anywhere but through the guarded client or the guarded sockets: read from the source itself."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "kith"

# What opens connections, and who may name it. Everything else gets a client or a guard handed in.
OPENERS: dict[str, dict[str, str]] = {
    "socket.create_connection": {"connectors/email/net.py": "to addresses that the guard returned"},
    "socket.socket": {"cli/up.py": "asks our own port whether it is free"},
    "httpx.Client": {"base/http.py": "the guarded client itself"},
    "httpx.HTTPTransport": {"base/http.py": "the guarded transport itself"},
    "httpcore.ConnectionPool": {"base/http.py": "the guarded transport itself"},
    "smtplib.SMTP": {"connectors/email/net.py": "over a guarded socket"},
    "imaplib.IMAP4": {"connectors/email/net.py": "over a guarded socket"},
    "poplib.POP3": {"connectors/email/net.py": "over a guarded socket"},
    "imapclient.IMAPClient": {"connectors/email/net.py": "over a guarded socket"},
}
ALWAYS_OPEN = {
    *(
        "httpx.get",
        "httpx.post",
        "httpx.put",
        "httpx.patch",
        "httpx.delete",
        "httpx.head",
        "httpx.request",
        "httpx.stream",
    ),
    *(
        "httpx.AsyncClient",
        "httpx.AsyncHTTPTransport",
        "urllib.request.urlopen",
        "http.client.HTTPConnection",
    ),
    *(
        "http.client.HTTPSConnection",
        "smtplib.SMTP_SSL",
        "imaplib.IMAP4_SSL",
        "poplib.POP3_SSL",
        "asyncio.open_connection",
    ),
    *(
        "ftplib.FTP",
        "telnetlib.Telnet",
        "pywebpush.webpush",
        "feedparser.parse",
        "mastodon.Mastodon",
        "atproto.Client",
    ),
}
# These never: they connect by themselves, without our check.
FORBIDDEN_MODULES = {
    *(
        "requests",
        "urllib3",
        "aiohttp",
        "urllib.request",
        "http.client",
        "ftplib",
        "telnetlib",
        "xmlrpc.client",
    ),
    *("websocket", "websockets", "mastodon", "atproto", "pycurl", "socks"),
}
MODULES_OF = {
    "django.core.mail.backends.smtp": {
        "channels/system_mail.py": "the server that the operator named in KITH_MAIL_URL"
    },
    "dns.resolver": {
        "cli/senders.py": "asks the resolver of this machine, connects to nothing it says",
        "connectors/email/discover.py": "asks the resolver of this machine; what it says goes through the guard",
    },
    "pywebpush": {"teams/push.py": "encrypts only; it is sent by the guarded client"},
    "feedparser": {"connectors/feeds/document.py": "reads bytes that we fetched"},
}


class _Uses(ast.NodeVisitor):
    """Full names that a file uses, through its imports."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.used: set[str] = set()
        self.modules: set[str] = set()

    def visit_Import(self, node: ast.Import) -> None:
        for item in node.names:
            self.names[item.asname or item.name.split(".")[0]] = (
                item.name if item.asname else item.name.split(".")[0]
            )
            self.modules.add(item.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and not node.level:
            self.modules.add(node.module)
            for item in node.names:
                full = f"{node.module}.{item.name}"
                self.names[item.asname or item.name] = full
                self.modules.add(full)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id in self.names:
            self.used.add(self.names[node.id])

    def visit_arg(self, node: ast.arg) -> None:
        """Annotations name types and open nothing."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        node.returns = None
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        node.returns = None
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        parts: list[str] = []
        at: ast.expr = node
        while isinstance(at, ast.Attribute):
            parts.append(at.attr)
            at = at.value
        if isinstance(at, ast.Name) and at.id in self.names:
            self.used.add(".".join([self.names[at.id], *reversed(parts)]))
        else:
            self.generic_visit(node)


def _uses(text: str) -> _Uses:
    found = _Uses()
    found.visit(ast.parse(text))
    return found


def _wrong(name: str, text: str) -> list[str]:
    uses, wrong = _uses(text), []
    for used in sorted(uses.used):
        if used in ALWAYS_OPEN or (used in OPENERS and name not in OPENERS[used]):
            if used in ALWAYS_OPEN and name in MODULES_OF.get(used.split(".")[0], {}):
                continue
            wrong.append(f"{name}: {used}")
    for module in sorted(uses.modules):
        parents = {module.rsplit(".", n)[0] for n in range(module.count(".") + 1)} | {module}
        if parents & FORBIDDEN_MODULES:
            wrong.append(f"{name}: import {module}")
        wrong += [f"{name}: import {m}" for m in parents & set(MODULES_OF) if name not in MODULES_OF[m]]
    return wrong


def test_only_the_named_files_open_connections() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    wrong = [w for f in files for w in _wrong(f.relative_to(SOURCE).as_posix(), f.read_text("utf-8"))]
    assert len(files) > 150
    assert wrong == []


def test_the_rule_sees_what_it_forbids() -> None:
    for bad in (
        "import httpx\nhttpx.get('http://x')",
        "from httpx import Client\nClient()",
        "import httpx as h\nh.AsyncClient()",
        "import requests",
        "from urllib.request import urlopen as u\nu('x')",
        "import urllib.request",
        "import socket as s\ns.create_connection(('x', 1))",
        "from smtplib import SMTP_SSL\nSMTP_SSL('x')",
        "import dns.resolver",
        "from django.core.mail.backends.smtp import EmailBackend",
    ):
        assert _wrong("web/somewhere.py", bad), bad
    assert not _wrong("web/somewhere.py", "from kith.base.http import client\nclient()")


def test_every_exception_to_the_rule_is_needed() -> None:
    """A file that no longer opens anything loses its place in the list."""
    stale = []
    for opener, files in (*OPENERS.items(), *MODULES_OF.items()):
        for name in files:
            uses = _uses((SOURCE / name).read_text("utf-8")) if (SOURCE / name).exists() else _Uses()
            if opener not in uses.used and not any(
                m == opener or m.startswith(f"{opener}.") for m in uses.modules
            ):
                stale.append(f"{name}: {opener}")
    assert stale == []
