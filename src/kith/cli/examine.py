"""The single looks of `kith doctor`. Each yields findings; none changes anything."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kith.base.clock import now
from kith.base.dns_mail import Level
from kith.base.sayings import said

LEAST_PYTHON, LEAST_POSTGRESQL = (3, 11), 150_000
FREE_BAD, FREE_SCANTY = 500_000_000, 2_000_000_000  # bytes
FREE_FILES = 5000
NEEDED_EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin")
QUIET_DAYS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    about: str
    level: Level
    sentence: str
    remedy: str = ""


def machine(environment: Any) -> Iterator[Finding]:
    """Python, disk, the home's rights, the key files. Needs neither Django nor a database."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        yield Finding(
            "python",
            "problem",
            said("This is Python {version}.", version=version),
            said("Install Python 3.11 or newer."),
        )
    else:
        yield Finding("python", "ok", said("Python {version}.", version=version))
    home: Path = environment.home
    if not home.exists():
        yield Finding(
            "home",
            "problem",
            said("{path} is not there.", path=home),
            said("Start Kith once (kith up), or set KITH_HOME."),
        )
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield Finding(
            "home",
            "problem",
            said("{path} can't be written.", path=home),
            said("Run Kith as the user who owns it, or chown it."),
        )
    elif home.stat().st_mode & (stat.S_IRWXO & ~stat.S_IXOTH):
        yield Finding(
            "home",
            "warning",
            said("Other users of this machine can look into {path}.", path=home),
            f"chmod 0700 {home}",
        )
    else:
        yield Finding("home", "ok", said("Data in {path}.", path=home))
    yield from _disks(environment)
    yield from _keys(environment)


def _disks(environment: Any) -> Iterator[Finding]:
    """Each disk once: that of the data (the embedded server's may be another) and that of the backups."""
    from kith.core.postgres import location

    places = [(environment.home, said("Make room, or move KITH_HOME to a larger disk."))]
    if not environment.database_url:
        places.append(
            (location.of(environment.home).data, said("Make room: PostgreSQL stops when its disk is full."))
        )
    places.append(
        (environment.backups, said("Make room, lower KITH_BACKUP_KEEP, or set KITH_BACKUP_FOLDER."))
    )
    seen: set[int] = set()
    for place, remedy in places:
        if not place.exists() or place.stat().st_dev in seen:
            continue
        seen.add(place.stat().st_dev)
        free, nodes = shutil.disk_usage(place).free, os.statvfs(place)
        level: Level = "problem" if free < FREE_BAD else "warning" if free < FREE_SCANTY else "ok"
        yield Finding(
            "disk",
            level,
            said("{free} GB are free in {place}.", free=f"{free / 1e9:.1f}", place=place),
            remedy,
        )
        if nodes.f_files and nodes.f_favail < FREE_FILES:
            yield Finding(
                "disk",
                "problem",
                said("Only {count} more files fit in {place}.", count=nodes.f_favail, place=place),
                remedy,
            )


def _keys(environment: Any) -> Iterator[Finding]:
    for path in (environment.secrets_key_path, home_key(environment)):
        if not path.exists():
            if path == environment.secrets_key_path:
                yield Finding(
                    "keys", "problem", said("{path} is not there; stored passwords of channels can't be read.", path=path),
                    said("Copy it back from where you keep it, or restore a backup that holds the keys."),
                )  # fmt: skip
        elif not os.access(path, os.R_OK):
            yield Finding(
                "keys",
                "problem",
                said("{path} can't be read.", path=path),
                said("Run Kith as the user who owns it."),
            )
        elif path.stat().st_mode & 0o077:
            yield Finding(
                "keys",
                "problem",
                said("Other users of this machine can read {path}.", path=path),
                f"chmod 0600 {path}",
            )
        else:
            yield Finding("keys", "ok", said("{name} is there and private.", name=path.name))


def home_key(environment: Any) -> Path:
    path: Path = environment.home / "keys" / "signing.key"
    return path


def database(environment: Any) -> Iterator[Finding]:
    """Reach, version, encoding, extensions, migrations. Needs Django."""
    from django.db import OperationalError, connection

    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
            )
            number, encoding = cursor.fetchone()
            cursor.execute("SELECT extname FROM pg_extension")
            extensions = {name for (name,) in cursor.fetchall()}
    except OperationalError as error:
        remedy = (
            said("Check DATABASE_URL.")
            if environment.database_url
            else said("Read {path}.", path="KITH_HOME/postgres/server.log")
        )
        yield Finding(
            "database",
            "problem",
            said("PostgreSQL does not answer: {error}", error=str(error).strip()),
            remedy,
        )
        return
    whose = said("your own") if environment.database_url else said("embedded")
    if number < LEAST_POSTGRESQL:
        yield Finding(
            "database",
            "problem",
            said("PostgreSQL {number} is too old.", number=number // 10000),
            said("Use 15 or newer."),
        )
    else:
        yield Finding(
            "database",
            "ok",
            said("PostgreSQL {number} ({whose}) answers.", number=number // 10000, whose=whose),
        )
    if encoding != "UTF8":
        yield Finding(
            "database",
            "problem",
            said("Its encoding is {encoding}.", encoding=encoding),
            said("Make the database with ENCODING 'UTF8'."),
        )
    from kith.cli.upgrade import pending

    waiting = pending()
    if waiting:
        yield Finding(
            "database",
            "problem",
            said("{count} migrations wait, {name} first.", count=len(waiting), name=waiting[0]),
            said("Run: kith upgrade"),
        )
        return
    missing = [name for name in NEEDED_EXTENSIONS if name not in extensions]
    if missing:
        yield Finding(
            "database",
            "problem",
            said("The extension {name} is missing.", name=missing[0]),
            f"CREATE EXTENSION {missing[0]};",
        )


def inside(environment: Any, *, with_dns: bool) -> dict[str, Callable[[], Iterable[Finding]]]:
    """The looks that need a migrated database, by name. `with_dns`: those that ask others, too."""
    from kith.cli import erasures, reach, senders

    looks: dict[str, Callable[[], Iterable[Finding]]] = {
        "processes": lambda: processes(environment),
        "backup": lambda: backup(environment),
        "files": files,
        "erasures": erasures.examine,
        "address": lambda: reach.address(environment, reach.fetch if with_dns else None),
        "clock": reach.clock,
        "system mail": lambda: system_mail(environment),
        "channels": channels,
    }
    if with_dns:
        looks["single sign-on"] = lambda: reach.single_sign_on(environment)
        looks["dns"] = lambda: senders.domains(senders.sending_domains(environment), senders.resolve)
    return looks


def processes(environment: Any) -> Iterator[Finding]:
    """Whether the house runs, and jobs and events that fail."""
    from django.db import connection

    from kith.cli.up import running_house
    from kith.core.models import EventDelivery

    running = running_house(environment.home)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 s'"
        )
        workers = cursor.fetchone()[0]
        cursor.execute(
            "SELECT count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'todo' AND "
            "coalesce(scheduled_at, now()) <= now() - interval '10 min' ) FROM procrastinate_jobs"
        )
        failed, late = cursor.fetchone()
    if running is None and not workers:
        yield Finding("processes", "warning", said("Kith does not run here."), said("Start it: kith up"))
    elif not workers:
        yield Finding(
            "processes",
            "problem",
            said("No worker runs: mail is neither fetched nor sent."),
            said("Start it: kith up (or kith up --only worker)."),
        )
    else:
        yield Finding("processes", "ok", said("Workers running: {count}.", count=workers))
    if failed:
        yield Finding(
            "jobs",
            "warning",
            said("Jobs that failed for good in the last month: {count}.", count=failed),
            said("Read the log."),
        )
    if late and workers:
        yield Finding(
            "jobs",
            "problem",
            said("Jobs that wait for more than ten minutes: {count}.", count=late),
            said("Restart kith up; the log says what holds them up."),
        )
    aside = EventDelivery.objects.filter(set_aside=True).count()
    if aside:
        yield Finding(
            "events",
            "problem",
            said("News that a room could not take in: {count}.", count=aside),
            said("Read the log, report it."),
        )


def files() -> Iterator[Finding]:
    """Files that nobody names any more: noticed one night, gone the next."""
    from kith.core.models import LooseBlob

    loose = list(LooseBlob.objects.order_by("since").values_list("since", flat=True))
    if loose and (now() - loose[0]).days >= QUIET_DAYS:
        yield Finding(
            "files",
            "problem",
            said(
                "Files that nobody names any more are not removed since {date}.", date=f"{loose[0]:%Y-%m-%d}"
            ),
            said("Read the log of the worker; the job is core.sweep_blobs."),
        )
    elif loose:
        yield Finding(
            "files",
            "ok",
            said("Files that nobody names any more, gone by tomorrow night: {count}.", count=len(loose)),
        )
    else:
        yield Finding("files", "ok", said("Every file is named by something."))


def backup(environment: Any) -> Iterator[Finding]:
    from kith.core import alarms
    from kith.core.backup import nightly

    sentence = nightly.missing(now())
    last = nightly.latest()
    if sentence:
        yield Finding(
            "backup",
            "warning" if environment.backup_hour < 0 and not last else "problem",
            sentence,
            said("Run: kith backup"),
        )
    elif last:
        yield Finding("backup", "ok", said("The newest backup is {path}.", path=last[0]))
    for kind, alarm in alarms.sounding().items():
        yield Finding(kind, "problem", alarm)


def system_mail(environment: Any) -> Iterator[Finding]:
    from kith.networks.models import ChannelAccount
    from kith.teams.models import SystemMail

    working = ChannelAccount.objects.filter(state="active", address__contains="@").exists()
    if not environment.mail_url and not working:
        yield Finding(
            "system mail", "warning", said("Invitations and alarms are not mailed; they are listed under Settings."),
            said("Connect a mailbox, or set KITH_MAIL_URL."),
        )  # fmt: skip
    unsent = SystemMail.objects.filter(sent_at=None).exclude(error="").order_by("-created_at").first()
    if unsent is not None:
        yield Finding(
            "system mail",
            "problem",
            said("A mail could not be sent: {error}", error=unsent.error[:200]),
            said("Check KITH_MAIL_URL or the mailbox, then Settings, System mails, Try again."),
        )


def channels() -> Iterator[Finding]:
    from kith.networks.models import ChannelAccount

    for account in ChannelAccount.objects.exclude(state="removed").select_related("health").defer("secrets"):
        about, health = said("channel {name}", name=account.name), getattr(account, "health", None)
        if account.state == "reconnect":
            yield Finding(
                about, "problem", said("It was refused and waits for you: {why}", why=_last(health)),
                said("Settings, Channels, {name}: Connect again, with the password or permission it asks for.", name=account.name),
            )  # fmt: skip
        elif account.state == "paused":
            yield Finding(
                about,
                "warning",
                said("It is paused."),
                said("Settings, Channels, {name}: Go on.", name=account.name),
            )
        elif health is not None and health.failures_in_a_row >= 3:
            yield Finding(
                about, "problem", said("It has failed {count} times in a row: {why}", count=health.failures_in_a_row, why=_last(health)),
                said("Settings, Channels, {name}: test the connection; Kith goes on trying by itself.", name=account.name),
            )  # fmt: skip
        elif (
            health is not None
            and health.last_success_at
            and (now() - health.last_success_at).days >= QUIET_DAYS
        ):
            days = (now() - health.last_success_at).days
            yield Finding(
                about, "problem", said("Nothing was fetched for {days} days.", days=days),
                said("Settings, Channels, {name}: test the connection. Is a worker running?", name=account.name),
            )  # fmt: skip
        else:
            yield Finding(about, "ok", said("Working."))


def _last(health: Any) -> str:
    from kith.channels.words import in_words

    return in_words(health.last_error if health is not None else "") or said("no reason is known.")
