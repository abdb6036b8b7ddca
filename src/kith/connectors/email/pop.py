"""Reading a mailbox by POP3, by unique ids. Nothing is ever deleted."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import poplib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kith.connectors.contract import AddressGuard, ConnectorError, Page, RawItem, ReconnectNeeded, RetryLater
from kith.connectors.email.net import Pop
from kith.connectors.email.oauth import xoauth2
from kith.connectors.email.options import Options
from kith.connectors.email.parse import Context, parse_mail
from kith.connectors.words import say

PAGE_BYTES = 48 * 1024 * 1024


def login(options: Options, guard: AddressGuard) -> Pop:
    """A signed-in client; errors name the field to blame."""
    server = options.incoming
    try:
        client = Pop(guard, server)
    except ConnectorError:
        raise
    except (poplib.error_proto, OSError) as error:
        message = say(
            "{host} does not speak POP3 on port {port}, or expects other encryption.",
            host=server.host,
            port=server.port,
        )
        raise RetryLater(message, field="port") from error
    try:
        if server.token:
            _oauth(client, server.username, server.token)
        elif not server.password:
            raise ReconnectNeeded(say("The password is missing."), field="password")
        else:
            client.user(server.username)
            client.pass_(server.password)
    except ConnectorError:
        client.close()
        raise
    except poplib.error_proto as error:
        client.close()
        said = _said(error)
        if re.search(r"(?i)in-use|temp|try again|login-delay|locked", said):
            raise RetryLater(
                say("{host} does not let us in just now: {said}", host=server.host, said=said), after=300
            ) from error
        blame = "auth" if server.token else server.blame
        raise ReconnectNeeded(
            say("{host} does not accept the user name or password: {said}", host=server.host, said=said),
            field=blame,
        ) from error
    except OSError as error:
        client.close()
        raise RetryLater(
            say("{host} closed the connection ({problem}).", host=server.host, problem=type(error).__name__)
        ) from error
    return client


def _oauth(client: Pop, user: str, token: str) -> None:
    answer = client._shortcmd("AUTH XOAUTH2 " + base64.b64encode(xoauth2(user, token).encode()).decode())  # type: ignore[attr-defined]
    if not answer.startswith(b"+OK"):
        client._shortcmd("")  # type: ignore[attr-defined]  # the reason was told; the refusal follows


def _said(error: BaseException) -> str:
    text = error.args[0] if error.args else ""
    return " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).split())[:200]


@contextlib.contextmanager
def session(options: Options, guard: AddressGuard) -> Iterator[Pop]:
    client = login(options, guard)
    try:
        yield client
    except poplib.error_proto as error:
        raise RetryLater(
            say("{host} refused: {said}", host=options.incoming.host, said=_said(error)), after=120
        ) from error
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise RetryLater(
            say(
                "The connection to {host} broke ({problem}).",
                host=options.incoming.host,
                problem=type(error).__name__,
            )
        ) from error
    finally:
        with contextlib.suppress(Exception):
            client.quit()


def fetch(options: Options, guard: AddressGuard, cursor: str, limit: int, since: datetime | None) -> Page:
    """Mails whose unique id the cursor does not hold; ids that the server forgot are forgotten too."""
    seen = read_cursor(cursor)
    with session(options, guard) as client:
        listing = client.uidl()[1]
        sizes = dict(_pair(line) for line in client.list()[1])
        items: list[RawItem] = []
        present: set[str] = set()
        room = PAGE_BYTES
        more = False
        for line in listing:
            number, _, uid = line.partition(b" ")
            key = hashlib.sha256(uid).hexdigest()[:16]
            present.add(key)
            if key in seen:
                continue
            if len(items) >= limit or room <= 0:
                more = True
                present.discard(key)
                continue
            size = sizes.get(number, 0)
            item = _item(client, options, int(number), uid.decode("ascii", "replace"), size, since)
            if item is not None:
                items.append(item)
                room -= len(item.body)
            seen.add(key)
    return Page(items=tuple(items), cursor=json.dumps({"seen": sorted(seen & present)}), more=more)


def _pair(line: bytes) -> tuple[bytes, int]:
    number, _, size = line.partition(b" ")
    return number, int(size.split()[0])


def _item(
    client: Pop, options: Options, number: int, uid: str, size: int, since: datetime | None
) -> RawItem | None:
    if since is not None:
        head = b"\r\n".join(client.top(number, 0)[1]) + b"\r\n"
        if parse_mail(head, Context()).at < since:
            return None
    cut = size > options.max_bytes
    lines = client.top(number, 8000)[1] if cut else client.retr(number)[1]
    body = b"\r\n".join(lines) + b"\r\n"
    meta: dict[str, Any] = {"folder": "INBOX", "uid": uid, "is_sent_folder": False, "size": size, "flags": []}
    if cut:
        meta["cut"] = f"The mail has {size} bytes; only its beginning was read."
    return RawItem(external_id=f"pop:{uid}", body=body, meta=meta)


def read_cursor(cursor: str) -> set[str]:
    try:
        return set(json.loads(cursor)["seen"]) if cursor else set()
    except (ValueError, KeyError, TypeError):
        return set()
