"""`kith up`: the whole house as one tree of processes, PostgreSQL included."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kith.cli import parts, prepare
from kith.cli.prepare import CommandError, say
from kith.cli.supervise import Supervisor, run_once
from kith.core.postgres import cluster, location
from kith.core.postgres.errors import ClusterError


def up(only: tuple[str, ...] = (), *, before: Callable[[], None] | None = None) -> None:
    """Run until SIGTERM or SIGINT. `only` names the parts; `before` runs in a child once the tables are there."""
    environment = prepare.settings()
    names = only or parts.NAMES
    say(f"Kith: data in {environment.home}")
    with _only_one(environment.home, whole=not only), prepare.database(say, die_with_parent=True):
        _check_ports(environment, names)
        if run_once(_migrate, "migrate"):
            raise CommandError("The database could not be brought up to date; the reason stands above.")
        if run_once(_erase_again, "erasures"):
            raise CommandError(
                "Who was erased since this database was saved could not be erased again; the reason stands above. Nothing "
                "may be sent before that is done."
            )
        prepare.setup()
        if before is not None and run_once(before, "first contents"):
            raise CommandError("The first contents could not be made; the reason stands above.")
        if "web" in names:
            run_once(_tell_first_start, "first start")
        missing = [name for name in names if not parts.available(name)]
        for name in missing:
            say(f"{name} is not part of this installation")
        parts.preload()
        house = Supervisor(
            parts.parts(environment, tuple(name for name in names if name not in missing)),
            report=say,
            tend=_tend(environment),
        )
        _tell_address(environment, names)
        house.run()
        say("Stopping")
    say("Stopped")


def _migrate() -> None:
    """In a child, so that the supervisor itself never holds a connection that its parts would inherit."""
    prepare.setup()
    from kith.cli.upgrade import UpgradeError, bring_up_to_date

    try:
        bring_up_to_date(say)
    except UpgradeError as error:
        say(str(error))
        raise SystemExit(1) from error


def _erase_again() -> None:
    """Where the database was put back from before an erasure by other means than ours; nothing is delivered before."""
    prepare.setup()
    from kith.workspace.erasure_again import erasures_apply, journal_fill

    journal_fill()
    erasures_apply(say)


def _tell_first_start() -> None:
    """In a child too: where others can reach us before there is a company, the first start asks for a code."""
    environment = prepare.setup()
    from kith.core import company
    from kith.teams.services.company import setup_token_clear, setup_token_make

    if company.is_set_up():
        return
    reachable = environment.public_url or environment.trusted_proxies
    if environment.host in ("127.0.0.1", "::1", "localhost") and not reachable:
        setup_token_clear()
        return
    base = environment.public_url or f"http://{environment.host}:{environment.port}"
    say(f"First start: open {base}/setup/?token={setup_token_make()}")


def _tend(environment: Any) -> Callable[[], None]:
    """What the supervisor looks after beside its parts: the embedded server."""
    if environment.database_url:
        return lambda: None
    place = location.of(environment.home)

    def look() -> None:
        if cluster.running(place) is not None:
            return
        say("PostgreSQL has ended; it starts again")
        try:
            with cluster.start_lock(place):
                cluster.start(place, durable=not environment.test, die_with_parent=True, report=say)
        except ClusterError as error:
            say(str(error))

    return look


@contextlib.contextmanager
def _only_one(home: Path, *, whole: bool) -> Iterator[None]:
    """One house for a KITH_HOME; parts that run elsewhere (`--only`) are not counted."""
    location.make_home(home)
    if not whole:
        yield
        return
    descriptor = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.read(descriptor, 200).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise CommandError(f"Kith is running already for {home} ({pid}).") from error
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"process": os.getpid()}).encode())
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def running_house(home: Path) -> int | None:
    """The process id of the `kith up` of this KITH_HOME, or None."""
    try:
        descriptor = os.open(home / "up.lock", os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(ValueError, KeyError):
            return int(json.loads(os.read(descriptor, 200))["process"])
        return 0
    finally:
        os.close(descriptor)
    return None


def _check_ports(environment: Any, names: tuple[str, ...]) -> None:
    wanted = {
        "web": ("KITH_PORT", environment.port),
        "live": ("KITH_LIVE_PORT", environment.live_address_port),
    }
    for name, (setting, port) in wanted.items():
        if name not in names:
            continue
        family = socket.AF_INET6 if ":" in environment.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((environment.host, port))
            except OSError as error:
                raise CommandError(
                    f"Can't listen on {environment.host} port {port} ({error.strerror}). Choose another with {setting}."
                ) from error


def _tell_address(environment: Any, names: tuple[str, ...]) -> None:
    if "web" not in names:
        say(f"Running: {', '.join(names)}")
        return
    host = f"[{environment.host}]" if ":" in environment.host else environment.host
    say(f"Kith answers at http://{'localhost' if host == '127.0.0.1' else host}:{environment.port}")
    if environment.public_url:
        say(f"Public address: {environment.public_url}")
    say("Stop it with Ctrl-C.")
