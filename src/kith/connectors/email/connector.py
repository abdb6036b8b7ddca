"""The mailbox as the core sees it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from kith.connectors.contract import (
    ConnectorError,
    FoundSent,
    Outgoing,
    OwnIdentity,
    Page,
    Receipt,
    Refused,
)  # fmt: skip
from kith.connectors.email import folders, imap, oauth, options, pop, smtp
from kith.connectors.email.compose import compose, own_message_id
from kith.connectors.email.parsing import Parsing
from kith.connectors.manifest import Manifest, of
from kith.connectors.words import say

# A provider that files sent mail by itself has done so by then.
FILED_AFTER = timedelta(minutes=3)


class Connector(Parsing):
    manifest: ClassVar[Manifest] = of(__file__)

    def check(self) -> OwnIdentity:
        """Sign in to both servers; errors name the field to blame."""
        read = options.read(self._setup)
        options.require_token(self._setup)
        details: dict[str, str] = {"protocol": read.protocol}
        tell, server = self._setup.tell, read.incoming
        tell(
            say(
                "Signing in to {host}, port {port}, for mail that comes in",
                host=server.host,
                port=server.port,
            )
        )
        if read.protocol == "imap":
            with imap.Reader(read, self._setup.guard) as reader:
                opened = reader._open()
                tell(say("Reading the list of folders"))
                found = folders.list_folders(opened)
                names = {folder.name for folder in found}
                for wanted in read.folders:
                    if wanted not in names and wanted.upper() != "INBOX":
                        raise Refused(
                            say("There is no folder called {wanted}.", wanted=repr(wanted)), field="folders"
                        )
                details["folders"] = "\n".join(folder.name for folder in found if not folder.no_select)
                details["sent_folder"] = next((folder.name for folder in found if folder.is_sent), "")
        else:
            with pop.session(read, self._setup.guard) as client:
                details["mails"] = str(client.stat()[0])
        server = read.outgoing
        tell(
            say(
                "Signing in to {host}, port {port}, for mail that goes out",
                host=server.host,
                port=server.port,
            )
        )
        with (
            contextlib.closing(smtp.login(read, self._setup.guard)) as sender,
            contextlib.suppress(Exception),
        ):
            sender.quit()
        return OwnIdentity(external_id=read.address, handle=read.address, details=details)

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        return oauth.authorize_url(self._setup, redirect_uri=redirect_uri, state=state)

    def exchange(self, *, code: str, redirect_uri: str) -> Mapping[str, str]:
        """access_token, expires_at (seconds since 1970) and, as a rule, refresh_token."""
        return oauth.exchange(self._setup, code=code, redirect_uri=redirect_uri)

    def refresh(self) -> Mapping[str, str]:
        return oauth.refresh(self._setup)

    def fetch(self, cursor: str, *, limit: int) -> Page:
        """Mails that came since `cursor`, never marked as read and never deleted."""
        read = options.read(self._setup)
        options.require_token(self._setup)
        since = self._setup.history_since
        if read.protocol == "pop3":
            return pop.fetch(read, self._setup.guard, cursor, limit, since)
        with imap.Reader(read, self._setup.guard, since) as reader:
            return reader.fetch(cursor, limit)

    def wait(self, cursor: str, *, until: datetime) -> bool:
        """IMAP IDLE on the first folder; by POP3 a pause, after which one asks."""
        read = options.read(self._setup)
        options.require_token(self._setup)
        if read.protocol == "pop3":
            left = (until - datetime.now(UTC)).total_seconds()
            pause = float(self.manifest.poll_seconds)
            time.sleep(max(0.0, min(left, pause)))
            return left >= pause
        with imap.Reader(read, self._setup.guard, self._setup.history_since) as reader:
            return reader.wait(cursor, until)

    def send(self, outgoing: Outgoing) -> Receipt:
        """Hand the mail to the outgoing server and file a copy; `raw` of the receipt is what was sent."""
        read = options.read(self._setup)
        options.require_token(self._setup)
        now = datetime.now(UTC)
        name = self._setup.own.display_name if self._setup.own else ""
        mail = compose(outgoing, read.address, now, name)
        smtp.deliver(read, self._setup.guard, mail)
        if read.sent_copy == "append" and read.protocol == "imap":
            # The mail is on its way; that its copy could not be filed must not look like a failure.
            with contextlib.suppress(ConnectorError), imap.Reader(read, self._setup.guard) as reader:
                reader.append_sent(mail.body, now)
        return Receipt(
            external_id=mail.message_id, at=now, thread_key="mid:" + mail.message_id, raw=mail.body
        )

    def external_id_for(self, outgoing: Outgoing) -> str:
        return own_message_id(outgoing.idempotency_key, options.read(self._setup).address)

    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent:
        """Whether the mail of that key was sent.

        "sent" when a copy is found. "not_sent" only where the provider itself files all that it sends and has had the
        time to; everywhere else a missing copy proves nothing, as it is Kith that files it after sending.
        """
        read = options.read(self._setup)
        if read.protocol == "pop3":
            return FoundSent("unknown")
        options.require_token(self._setup)
        message_id = own_message_id(outgoing.idempotency_key, read.address)
        with imap.Reader(read, self._setup.guard) as reader:
            item = reader.find(message_id)
        if item is not None:
            at = item.at or datetime.now(UTC)
            receipt = Receipt(external_id=message_id, at=at, thread_key="mid:" + message_id, raw=item.body)
            return FoundSent("sent", receipt)
        if read.sent_copy == "server" and datetime.now(UTC) - since > FILED_AFTER:
            return FoundSent("not_sent")
        return FoundSent("unknown")
