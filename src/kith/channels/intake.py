"""Mail from files: the same way in as from a mailbox, into an account that is connected to nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from kith.base.clock import now
from kith.channels.erased import IMPORTED
from kith.channels.models import RawItem
from kith.channels.parser import Parser
from kith.channels.receive import raw_items_parse, raw_items_store
from kith.connectors.contract import RawItem as WireItem
from kith.connectors.manifest import manifests
from kith.conversations.models import Message, MessageCopy
from kith.networks.models import ChannelAccount
from kith.teams.models import Scope, User

__all__ = ["Parser", "StoredMails", "mail_account_for_imports", "mails_store_and_parse"]


@dataclass(frozen=True, slots=True)
class StoredMails:
    visible: int
    unreadable: int
    skipped: int
    erased: int = 0  # of people who were erased: not brought back


def mail_network() -> str:
    """The name of the network whose medium is mail."""
    return next(m.name for m in manifests().values() if m.medium == "mail" and m.availability == "open")


def mail_account_for_imports(user: User | None) -> ChannelAccount:
    """The account that imported mail belongs to: private to who imports, everyone's when the server's operator does."""
    scope = (
        Scope.objects.get_or_create(kind=Scope.Kind.PRIVATE, owner=user, defaults={"name": user.name})[0]
        if user
        else Scope.objects.get_or_create(kind=Scope.Kind.EVERYONE, defaults={"name": "Everyone"})[0]
    )
    return ChannelAccount.objects.get_or_create(
        network=mail_network(),
        name="Imported mail",
        scope=scope,
        defaults={"state": ChannelAccount.State.PAUSED, "history_until": now()},
    )[0]


def mails_store_and_parse(
    account: ChannelAccount, bodies: Sequence[bytes], *, parser: Parser, tag: str, first: int
) -> StoredMails:
    """Store a batch of mails and read them. `tag` and `first` (its first mail's number) name their copies."""
    items = [
        WireItem(
            external_id=f"file:{hashlib.sha256(body).hexdigest()}",
            body=body,
            meta={"folder": f"{IMPORTED}{tag}", "uid": str(first + number)},
        )
        for number, body in enumerate(bodies)
    ]
    ChannelAccount.objects.filter(pk=account.pk).update(history_until=now())
    new = raw_items_store(account, items)
    while raw_items_parse(account.pk, parser):
        continue
    folder = f"{IMPORTED}{tag}"
    numbers = [str(first + n) for n in range(len(bodies))]
    visible = (
        MessageCopy.objects.filter(folder=folder, uid__in=numbers, channel_account=account)
        .values("uid")
        .distinct()
        .count()
    )
    unreadable = Message.objects.filter(
        copies__folder=folder, copies__uid__in=numbers, copies__channel_account=account
    ).exclude(unreadable="").distinct().count()  # fmt: skip
    names = {item.external_id for item in items}
    kept = RawItem.objects.filter(channel_account=account, external_id__in=names)
    erased = len(names) - kept.values("external_id").distinct().count()  # of these no row is left
    return StoredMails(visible, unreadable, len(bodies) - new, erased)
