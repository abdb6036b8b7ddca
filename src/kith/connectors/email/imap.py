"""Reading a mailbox by IMAP: folders by UID, large mails in pieces, and waiting for what comes. Nothing is changed."""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from kith.connectors.contract import (
    AddressGuard,
    ConnectorError,
    Page,
    RawItem,
    ReconnectNeeded,
    RetryLater,
)  # fmt: skip
from kith.connectors.email.folders import (
    Folder,
    Position,
    canonical,
    list_folders,
    read_cursor,
    text_of,
    write_cursor,
)
from kith.connectors.email.net import Imap
from kith.connectors.email.options import Options
from kith.connectors.words import say

SMALL = 512 * 1024
CHUNK = 1024 * 1024
PAGE_BYTES = 48 * 1024 * 1024
CUT_BYTES = 1024 * 1024
WINDOW = 4000
IDLE_SECONDS = 27 * 60.0
POLL_SECONDS = 30.0


@dataclass(slots=True)
class Reader:
    """One connection for one use; close it."""

    options: Options
    guard: AddressGuard = field(repr=False)
    since: datetime | None = None
    client: Imap | None = field(default=None, repr=False)

    def __enter__(self) -> Reader:
        self.client = login(self.options, self.guard)
        return self

    def __exit__(self, *_: object) -> None:
        if self.client is not None:
            with contextlib.suppress(Exception):
                self.client.logout()

    def _open(self) -> Imap:
        assert self.client is not None, "used outside of its with block"
        return self.client

    def folders(self) -> list[Folder]:
        """The folders to read, the inbox first."""
        every = list_folders(self._open())
        by_name = {folder.name: folder for folder in every}
        if self.options.folders:
            wanted = [
                by_name.get(canonical(name)) or Folder(canonical(name)) for name in self.options.folders
            ]
        else:
            wanted = [by_name.get("INBOX") or Folder("INBOX"), *(f for f in every if f.is_sent)][:2]
        return [folder for folder in wanted if not folder.no_select]

    def fetch(self, cursor: str, limit: int) -> Page:
        positions = read_cursor(cursor)
        items: list[RawItem] = []
        room = PAGE_BYTES
        more = False
        for folder in self.folders():
            if len(items) >= limit or room <= 0:
                more = True
                break
            position = positions.setdefault(folder.name, Position())
            with _errors(self.options):
                found, done, used = self._folder(folder, position, limit - len(items), room)
            items += found
            room -= used
            more = more or not done
        return Page(items=tuple(items), cursor=write_cursor(positions), more=more)

    def _folder(
        self, folder: Folder, position: Position, limit: int, room: int
    ) -> tuple[list[RawItem], bool, int]:
        client = self._open()
        try:
            # EXAMINE: the server itself then refuses to change a flag.
            status = client.select_folder(folder.name, readonly=True)
        except IMAPClientError as error:
            if folder.name == "INBOX" or isinstance(error, imaplib.IMAP4.abort):
                raise
            return [], True, 0  # deleted or renamed since; the others are read all the same
        validity = int(status.get(b"UIDVALIDITY", 0))
        upcoming = int(status.get(b"UIDNEXT", 0))
        if position.validity != validity:
            position.validity, position.next = validity, 1
        items: list[RawItem] = []
        used = 0
        while True:
            if upcoming and position.next >= upcoming:
                return items, True, used
            if len(items) >= limit or used >= room:
                return items, False, used
            uids, window_end = self._search(position.next, upcoming)
            take = uids[: limit - len(items)]
            for uid, item, size in self._read(folder, validity, take):
                if item is not None:
                    items.append(item)
                used += size
                position.next = uid + 1
                if used >= room:
                    break
            else:
                if len(take) == len(uids):
                    position.next = max(position.next, window_end)
                    if not upcoming:
                        return items, True, used
                continue
            return items, False, used

    def _search(self, start: int, upcoming: int) -> tuple[list[int], int]:
        """UIDs from `start` on, and the UID up to which there are no others."""
        client = self._open()
        since = ["SINCE", (self.since - timedelta(days=1)).date()] if self.since else []
        # Whole when the time is limited (few answers), else by windows, so that no answer has a million numbers.
        end = upcoming if since or not upcoming else min(upcoming, start + WINDOW)
        reach = f"{start}:{end - 1 if upcoming else '*'}"
        uids = sorted(uid for uid in client.search(["UID", reach, *since]) if uid >= start)
        if not upcoming:
            return uids, (uids[-1] + 1 if uids else start)
        return uids, end

    def _read(
        self, folder: Folder, validity: int, uids: list[int]
    ) -> Iterator[tuple[int, RawItem | None, int]]:
        client = self._open()
        for begin in range(0, len(uids), 200):
            batch = uids[begin : begin + 200]
            about = client.fetch(batch, ["RFC822.SIZE", "INTERNALDATE", "FLAGS"])
            pending: list[int] = []
            weight = 0
            for uid in batch:
                size = int(about.get(uid, {}).get(b"RFC822.SIZE", 0))
                if size <= SMALL:
                    pending.append(uid)
                    weight += size
                    if weight < 4 * CHUNK and uid != batch[-1]:
                        continue
                bodies = client.fetch(pending, ["BODY.PEEK[]"]) if pending else {}
                for one in pending:
                    body = bodies.get(one, {}).get(b"BODY[]")
                    yield (
                        one,
                        self._item(folder, validity, one, about.get(one), body, cut=False),
                        len(body or b""),
                    )
                pending, weight = [], 0
                if size > SMALL:
                    large, cut = self._large(uid, size)
                    yield uid, self._item(folder, validity, uid, about.get(uid), large, cut=cut), len(large)

    def _large(self, uid: int, size: int) -> tuple[bytes, bool]:
        client = self._open()
        cut = size > self.options.max_bytes
        wanted = min(size, CUT_BYTES) if cut else size
        body = bytearray()
        while len(body) < wanted or (not cut and len(body) == size):
            part = client.fetch([uid], [f"BODY.PEEK[]<{len(body)}.{CHUNK}>"]).get(uid, {})
            piece = next((v for k, v in part.items() if k.startswith(b"BODY[]")), None)
            if not piece:
                break
            body += piece
            if len(piece) < CHUNK:
                break
        return bytes(body), cut

    def _item(
        self, folder: Folder, validity: int, uid: int, about: Any, body: bytes | None, *, cut: bool
    ) -> RawItem | None:
        if about is None or body is None:
            return None  # expunged while we read
        at = about.get(b"INTERNALDATE")
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        size = int(about.get(b"RFC822.SIZE", 0))
        meta: dict[str, Any] = {
            "folder": folder.name,
            "uid": uid,
            "uidvalidity": validity,
            "flags": sorted(flag.decode("ascii", "replace") for flag in about.get(b"FLAGS", ())),
            "is_sent_folder": folder.is_sent,
            "size": size,
        }
        if at is not None:
            meta["internaldate"] = at.isoformat()
        if folder.is_junk:
            meta["is_junk_folder"] = True
        if cut:
            meta["cut"] = say("The mail has {size} bytes; only its beginning was read.", size=size)
        return RawItem(external_id=f"{folder.name}:{validity}:{uid}", body=body, at=at, meta=meta)

    def wait(self, cursor: str, until: datetime) -> bool:
        """Block until the inbox may have changed (True) or `until` (False)."""
        client = self._open()
        with _errors(self.options):
            folder = self.folders()[0]
            status = client.select_folder(folder.name, readonly=True)
            position = read_cursor(cursor).get(folder.name, Position())
            changed = int(status.get(b"UIDVALIDITY", 0)) != position.validity
            if changed or int(status.get(b"UIDNEXT", 0)) > position.next:
                return True
            if not client.has_capability("IDLE"):
                return self._wait_by_asking(folder, position, until)
            while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
                try:
                    client.idle()
                except IMAPClientError as error:
                    if "IDLE" in str(error):
                        return True  # something came in the moment before; better to look than to wait
                    raise
                try:
                    answers = client.idle_check(timeout=min(left, IDLE_SECONDS))
                finally:
                    _, rest = client.idle_done()
                if _news(answers) or _news(rest):
                    return True
            return False

    def _wait_by_asking(self, folder: Folder, position: Position, until: datetime) -> bool:
        client = self._open()
        while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
            time.sleep(min(left, POLL_SECONDS))
            status = client.folder_status(folder.name, ["UIDNEXT"])
            if int(status.get(b"UIDNEXT", 0)) > position.next:
                return True
        return False

    def find(self, message_id: str) -> RawItem | None:
        """Our mail with that Message-ID in Sent, in the folder of all mail or in the inbox."""
        client = self._open()
        every = list_folders(client)
        names = [folder for folder in every if folder.is_sent]
        with _errors(self.options):
            for flags, _, name in client.list_folders():
                if b"\\All" in flags:
                    names.append(Folder(text_of(name)))
            for folder in [*names, Folder("INBOX")]:
                status = client.select_folder(folder.name, readonly=True)
                for uid in client.search(["HEADER", "Message-ID", message_id])[-1:]:
                    validity = int(status.get(b"UIDVALIDITY", 0))
                    for _, item, _ in self._read(folder, validity, [uid]):
                        return item
        return None

    def append_sent(self, body: bytes, at: datetime) -> bool:
        """File a copy of what was sent; False when there is no folder for it."""
        client = self._open()
        folder = next((f.name for f in list_folders(client) if f.is_sent), "")
        with _errors(self.options):
            if not folder:
                folder = "Sent"
                client.create_folder(folder)
            client.append(folder, body, flags=[b"\\Seen"], msg_time=at)
        return True


def login(options: Options, guard: AddressGuard) -> Imap:
    """A signed-in client; errors name the field to blame."""
    server = options.incoming
    try:
        client = Imap(guard, server)
    except ConnectorError:
        raise
    except (imaplib.IMAP4.error, IMAPClientError, OSError, ssl.SSLError) as error:
        message = say(
            "{host} does not speak IMAP on port {port}, or expects other encryption.",
            host=server.host,
            port=server.port,
        )
        raise RetryLater(message, field="port") from error
    try:
        if server.token:
            client.oauth2_login(server.username, server.token)
        elif not server.password:
            raise ReconnectNeeded(say("The password is missing."), field="password")
        else:
            _plain_login(client, server.username, server.password)
    except ConnectorError:
        _close(client)
        raise
    except (LoginError, imaplib.IMAP4.error) as error:
        _close(client)
        said = clean_error(error)
        if re.search(r"(?i)unavailable|try again|too many|temporar|in use|limit", said):
            raise RetryLater(
                say("{host} does not let us in just now: {said}", host=server.host, said=said), after=300
            ) from error
        blame = "auth" if server.token else server.blame
        raise ReconnectNeeded(
            say("{host} does not accept the user name or password: {said}", host=server.host, said=said),
            field=blame,
        ) from error
    except OSError as error:
        _close(client)
        raise RetryLater(
            say("{host} closed the connection ({problem}).", host=server.host, problem=type(error).__name__)
        ) from error
    return client


def _plain_login(client: Imap, username: str, password: str) -> None:
    if client.has_capability("LOGINDISABLED"):
        raise ReconnectNeeded(say("The server takes no password without encryption."), field="security")
    if not (username.isascii() and password.isascii()) and client.has_capability("AUTH=PLAIN"):
        client.plain_login(username, password)
    else:
        client.login(username, password)


def _close(client: Imap) -> None:
    with contextlib.suppress(Exception):
        client.shutdown()


def clean_error(error: BaseException) -> str:
    text = error.args[0] if error.args else ""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(text.split())[:200]


@contextlib.contextmanager
def _errors(options: Options) -> Iterator[None]:
    """What the server or the line does wrong, named by what to do next."""
    try:
        yield
    except ConnectorError:
        raise
    except (imaplib.IMAP4.abort, OSError, EOFError) as error:
        raise RetryLater(
            say(
                "The connection to {host} broke ({problem}).",
                host=options.incoming.host,
                problem=type(error).__name__,
            )
        ) from error
    except CapabilityError as error:
        raise RetryLater(
            say(
                "{host} can't do that: {said}",
                host=options.incoming.host,
                said=clean_error(error),
            ),
            after=3600,
        ) from error
    except (imaplib.IMAP4.error, IMAPClientError) as error:
        raise RetryLater(
            say("{host} refused: {said}", host=options.incoming.host, said=clean_error(error)),
            after=120,
        ) from error
    except (ValueError, KeyError, IndexError, TypeError, AssertionError) as error:
        raise RetryLater(
            say("{host} answered what can't be understood.", host=options.incoming.host), after=300
        ) from error


def _news(answers: Any) -> bool:
    return any(
        isinstance(one, tuple) and len(one) > 1 and one[1] in (b"EXISTS", b"RECENT") for one in answers or ()
    )
