"""A mailbox's mails read, without what speaks with its servers."""

from __future__ import annotations

from collections.abc import Sequence

from kith.connectors.contract import Event, RawItem, Setup
from kith.connectors.email import options
from kith.connectors.email.parse import Context, parse_mail
from kith.connectors.email.parse.addresses import normalise


class Parsing:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        settings = setup.settings
        self._own = options.own_addresses(setup)
        self._dropbox = normalise(settings.get("dropbox", ""))
        self._colleagues = frozenset(filter(None, settings.get("colleagues", "").split(",")))

    def parse(self, item: RawItem) -> Sequence[Event]:
        """One message of one mail; never raises for what a mail holds."""
        meta = item.meta
        context = Context(
            own=self._own,
            authserv_id=self._setup.settings.get("authserv_id", ""),
            is_sent_folder=bool(meta.get("is_sent_folder")),
            is_junk_folder=bool(meta.get("is_junk_folder")),
            received_at=item.at,
            cut=bool(meta.get("cut")),
            dropbox=self._dropbox,
            colleagues=self._colleagues,
        )
        return [parse_mail(item.body, context)]
