"""The processes that listen: threads that parse and send, and apart from them, a thread for each channel account.

Any number of these processes may run; an account is read by one of them at a time (a session lock), and PostgreSQL is
told of everything before the network is.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from kith.base.clock import now
from kith.channels import gateway, readers
from kith.channels.claims import Claimer, deliveries_claim
from kith.channels.deliver import deliver, orphans_recover
from kith.channels.health import account_needs_reconnect, account_read, account_troubled
from kith.channels.limits import words_of
from kith.channels.outbox import DELIVER_CHANNEL, scheduled_release
from kith.channels.parser import Parser
from kith.channels.receive import RAW_CHANNEL, accounts_waiting, cursor_of, raw_items_parse, raw_items_store
from kith.channels.tokens import tokens_fresh, tokens_renew, tokens_renewable
from kith.connectors.contract import (
    Connector,
    NotSupported,
    Page,
    Polls,
    ReconnectNeeded,
    Streams,
    Waits,
)
from kith.core import blobs
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.networks.selectors import manifest_of

log = logging.getLogger(__name__)
PAGE = 200
SENDERS = 2
LONGEST_WAIT = 120.0
AFTER_TROUBLE = 2.0


def run_forever(stop: threading.Event) -> None:
    """Read, parse and send until `stop` is set; returns when every thread and process has ended.

    Connectors read in processes of their own (`readers`); they are forked first, while there is no other thread.
    """
    keeper = readers.fork_keeper(read_accounts)
    threads = [
        threading.Thread(target=_guarded, args=(work, stop), name=name, daemon=True)
        for name, work in [
            ("parse", parse_loop),
            *((f"send-{n}", send_loop) for n in range(SENDERS)),
        ]
    ]
    for thread in threads:
        thread.start()
    lost = False
    while not stop.wait(1.0) and not lost:
        lost = readers.ended(keeper)
    stop.set()
    readers.end(keeper)
    for thread in threads:
        thread.join(timeout=20)
    if lost:
        raise RuntimeError(
            "the keeper of the reading processes is gone"
        )  # whoever started us starts us again


def _guarded(work: object, stop: threading.Event) -> None:
    """Run one loop; whatever breaks it (the database went away) is logged, and it begins anew."""
    while not stop.is_set():
        try:
            work(stop)  # type: ignore[operator]
        except BaseException:
            log.exception("%s broke off and begins anew", threading.current_thread().name)
            _forget_connection()
            stop.wait(AFTER_TROUBLE)


def _forget_connection() -> None:
    """Close this thread's connection; that it is broken already is no reason to stop."""
    try:
        connection.close()
    except Exception:
        log.exception("a connection could not be closed")
        connection.connection = None


def _wait_for(channel: str, stop: threading.Event, seconds: float) -> None:
    """Until PostgreSQL tells of `channel`, or the time is over."""
    until = time.monotonic() + seconds
    while not stop.is_set() and time.monotonic() < until:
        for _ in connection.connection.notifies(timeout=min(1.0, seconds), stop_after=1):
            return


def _listen(channel: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {channel}")


def parse_loop(stop: threading.Event) -> None:
    connection.ensure_connection()
    _listen(RAW_CHANNEL)
    with Parser() as parser:
        while not stop.is_set():
            busy = 0
            for account_id in accounts_waiting():
                if stop.is_set():
                    break
                busy += _parse_some(account_id, parser)
            if not busy:
                _wait_for(RAW_CHANNEL, stop, 5.0)


def _parse_some(account_id: uuid.UUID, parser: Parser) -> int:
    """Parse a batch; what goes wrong with one account holds up no other."""
    try:
        return raw_items_parse(account_id, parser)
    except (OperationalError, InterfaceError):
        raise
    except blobs.StoreFull as error:
        account_troubled(ChannelAccount.objects.get(pk=account_id), error, 1)
        return 0
    except Exception:
        log.exception("items of account %s could not be parsed", account_id)
        return 0


def send_loop(stop: threading.Event) -> None:
    connection.ensure_connection()
    claimer = Claimer.start()
    _listen(DELIVER_CHANNEL)
    while not stop.is_set():
        orphans_recover(claimer)
        scheduled_release()
        while not stop.is_set() and (delivery := deliveries_claim(claimer)) is not None:
            deliver(delivery)
        _wait_for(DELIVER_CHANNEL, stop, 1.0)


def read_accounts(stop: threading.Event, wanted: Callable[[uuid.UUID], bool]) -> None:
    """What a reading process does: `accounts_loop`, begun anew when the database has gone away."""
    _guarded(lambda until: accounts_loop(until, wanted), stop)


def accounts_loop(
    stop: threading.Event, wanted: Callable[[uuid.UUID], bool] = lambda account_id: True
) -> None:
    """Keeps one thread for each active account that nobody else reads, and ends those of accounts that are paused."""
    running: dict[uuid.UUID, tuple[threading.Thread, threading.Event]] = {}
    try:
        while not stop.is_set():
            active = set(
                ChannelAccount.objects.filter(state=ChannelAccount.State.ACTIVE).values_list("id", flat=True)
            )
            active = {key for key in active if wanted(key)}
            for key in list(running):
                thread, ended = running[key]
                if key not in active:
                    ended.set()
                if not thread.is_alive():
                    del running[key]
                    _unlock(key)
            for key in active - set(running):
                if _reads(key) and _lock(key):
                    ended = threading.Event()
                    thread = threading.Thread(
                        target=read_account, args=(key, ended), name=f"read-{key}", daemon=True
                    )
                    running[key] = (thread, ended)
                    thread.start()
            stop.wait(2.0)
    finally:
        for _, ended in running.values():
            ended.set()
        until = time.monotonic() + 10
        for thread, _ in running.values():
            thread.join(timeout=max(0.0, until - time.monotonic()))
        # Their locks go with the session, which may be what broke.
        _forget_connection()


def _reads(account_id: uuid.UUID) -> bool:
    manifest = manifest_of(gateway.connector_name(ChannelAccount.objects.get(pk=account_id)))
    return manifest is not None and bool(manifest.capabilities & {"polls", "streams"})


def _lock(account_id: uuid.UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 2))", [f"read:{account_id}"])
        return bool(cursor.fetchone()[0])


def _unlock(account_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 2))", [f"read:{account_id}"])


def read_account(account_id: uuid.UUID, stop: threading.Event) -> None:
    """Read one account until told to stop: pages until there are no more, then its stream, its wait, or a pause."""
    failures, renewed = 0, False
    while not stop.is_set():
        account = ChannelAccount.objects.get(pk=account_id)
        if account.state != ChannelAccount.State.ACTIVE:
            return
        try:
            with readers.calling(account_id):
                account = tokens_fresh(account)
                pause = read_once(account, stop)
            failures, renewed = 0, False
        except ReconnectNeeded as error:
            if renewed or not tokens_renewable(account, error):
                account_needs_reconnect(account, words_of(error, account))
                return
            renewed = True
            with readers.calling(account_id):
                pause = _renew(account)
        except BaseException as error:  # noqa: BLE001  (told in the account's health, and tried again later)
            failures += 1
            pause = account_troubled(account, error, failures)
        close_old_connections()
        connection.close()
        stop.wait(pause)


def _renew(account: ChannelAccount) -> float:
    """Renew tokens that the network no longer takes; returns after how many seconds to read again."""
    try:
        tokens_renew(account)
    except ReconnectNeeded as error:
        account_needs_reconnect(account, words_of(error, account))
    except Exception as error:  # noqa: BLE001  (told in the account's health, and tried again later)
        return account_troubled(account, error, 1)
    return 0.0


def read_once(account: ChannelAccount, stop: threading.Event) -> float:
    """Fetch all there is, then follow the stream or wait; returns after how many seconds to come again."""
    connector = gateway.connector_for(account)
    manifest = manifest_of(account.network)
    pause = float(manifest.poll_seconds if manifest else 60)
    if isinstance(connector, Polls):
        fetch_all(account, connector, stop)
    account_read(account)
    if isinstance(connector, Streams) and not stop.is_set():
        try:
            _follow(account, connector, stop)
        except NotSupported:
            return pause  # this server has no stream: it is asked again and again instead
        return 1.0
    if isinstance(connector, Waits) and not stop.is_set():
        cursor = cursor_of(account)
        connection.close()
        begun = time.monotonic()
        # Not longer than a poll would take: what is waited for is one folder, and there may be others.
        connector.wait(cursor, until=now() + timedelta(seconds=min(pause, LONGEST_WAIT)))
        # A network that has news at once, each time, is not asked as fast as it answers.
        return 0.0 if time.monotonic() - begun > 1 else 1.0
    return pause


def fetch_all(account: ChannelAccount, connector: Connector, stop: threading.Event | None = None) -> int:
    """Fetch pages until there are no more; each is durable, with its cursor, before the next is asked for."""
    assert isinstance(connector, Polls)
    stored = 0
    while stop is None or not stop.is_set():
        page: Page = connector.fetch(cursor_of(account), limit=PAGE)
        stored += raw_items_store(account, page.items, cursor=page.cursor)
        if page.budget.remaining is not None:
            ChannelHealth.objects.filter(channel_account=account).update(
                budget_remaining=page.budget.remaining
            )
        if not page.more:
            break
    return stored


def _follow(account: ChannelAccount, connector: Streams, stop: threading.Event) -> None:
    for item in connector.stream(cursor_of(account, "stream")):
        raw_items_store(account, [item], cursor=item.cursor or None, stream="stream")
        if stop.is_set():
            return
