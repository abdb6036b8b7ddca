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

from kith.base import dns_mail
from kith.base.clock import now
from kith.base.dns_mail import Level

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
        yield Finding("python", "problem", f"This is Python {version}.", "Install Python 3.11 or newer.")
    else:
        yield Finding("python", "ok", f"Python {version}.")
    home: Path = environment.home
    if not home.exists():
        yield Finding(
            "home", "problem", f"{home} is not there.", "Start Kith once (kith up), or set KITH_HOME."
        )
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield Finding(
            "home", "problem", f"{home} can't be written.", "Run Kith as the user who owns it, or chown it."
        )
    elif home.stat().st_mode & (stat.S_IRWXO & ~stat.S_IXOTH):
        yield Finding(
            "home", "warning", f"Other users of this machine can look into {home}.", f"chmod 0700 {home}"
        )
    else:
        yield Finding("home", "ok", f"Data in {home}.")
    yield from _disks(environment)
    yield from _keys(environment)


def _disks(environment: Any) -> Iterator[Finding]:
    """Each disk once: that of the data (the embedded server's may be another) and that of the backups."""
    from kith.core.postgres import location

    places = [(environment.home, "Make room, or move KITH_HOME to a larger disk.")]
    if not environment.database_url:
        places.append(
            (location.of(environment.home).data, "Make room: PostgreSQL stops when its disk is full.")
        )
    places.append((environment.backups, "Make room, lower KITH_BACKUP_KEEP, or set KITH_BACKUP_FOLDER."))
    seen: set[int] = set()
    for place, remedy in places:
        if not place.exists() or place.stat().st_dev in seen:
            continue
        seen.add(place.stat().st_dev)
        free, nodes = shutil.disk_usage(place).free, os.statvfs(place)
        level: Level = "problem" if free < FREE_BAD else "warning" if free < FREE_SCANTY else "ok"
        yield Finding("disk", level, f"{free / 1e9:.1f} GB are free in {place}.", remedy)
        if nodes.f_files and nodes.f_favail < FREE_FILES:
            yield Finding("disk", "problem", f"Only {nodes.f_favail} more files fit in {place}.", remedy)


def _keys(environment: Any) -> Iterator[Finding]:
    for path in (environment.secrets_key_path, home_key(environment)):
        if not path.exists():
            if path == environment.secrets_key_path:
                yield Finding(
                    "keys", "problem", f"{path} is not there; stored passwords of channels can't be read.",
                    "Copy it back from where you keep it, or restore a backup that holds the keys.",
                )  # fmt: skip
        elif not os.access(path, os.R_OK):
            yield Finding("keys", "problem", f"{path} can't be read.", "Run Kith as the user who owns it.")
        elif path.stat().st_mode & 0o077:
            yield Finding(
                "keys", "problem", f"Other users of this machine can read {path}.", f"chmod 0600 {path}"
            )
        else:
            yield Finding("keys", "ok", f"{path.name} is there and private.")


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
        remedy = "Check DATABASE_URL." if environment.database_url else "Read KITH_HOME/postgres/server.log."
        yield Finding("database", "problem", f"PostgreSQL does not answer: {str(error).strip()}", remedy)
        return
    whose = "your own" if environment.database_url else "embedded"
    if number < LEAST_POSTGRESQL:
        yield Finding("database", "problem", f"PostgreSQL {number // 10000} is too old.", "Use 15 or newer.")
    else:
        yield Finding("database", "ok", f"PostgreSQL {number // 10000} ({whose}) answers.")
    if encoding != "UTF8":
        yield Finding(
            "database", "problem", f"Its encoding is {encoding}.", "Make the database with ENCODING 'UTF8'."
        )
    from kith.cli.upgrade import pending

    waiting = pending()
    if waiting:
        yield Finding(
            "database", "problem", f"{len(waiting)} migrations wait, {waiting[0]} first.", "Run: kith upgrade"
        )
        return
    missing = [name for name in NEEDED_EXTENSIONS if name not in extensions]
    if missing:
        yield Finding(
            "database",
            "problem",
            f"The extension {missing[0]} is missing.",
            f"CREATE EXTENSION {missing[0]};",
        )


def inside(environment: Any, *, with_dns: bool) -> dict[str, Callable[[], Iterable[Finding]]]:
    """The looks that need a migrated database, by name. `with_dns`: those that ask others, too."""
    from kith.cli import reach

    looks: dict[str, Callable[[], Iterable[Finding]]] = {
        "processes": lambda: processes(environment),
        "backup": backup,
        "files": files,
        "address": lambda: reach.address(environment, reach.fetch if with_dns else None),
        "clock": reach.clock,
        "system mail": lambda: system_mail(environment),
        "channels": channels,
    }
    if with_dns:
        looks["single sign-on"] = lambda: reach.single_sign_on(environment)
        looks["dns"] = lambda: domains(sending_domains(environment), resolve)
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
        yield Finding("processes", "warning", "Kith does not run here.", "Start it: kith up")
    elif not workers:
        yield Finding(
            "processes",
            "problem",
            "No worker runs: mail is neither fetched nor sent.",
            "Start it: kith up (or kith up --only worker).",
        )
    else:
        yield Finding("processes", "ok", f"Workers running: {workers}.")
    if failed:
        yield Finding(
            "jobs", "warning", f"Jobs that failed for good in the last month: {failed}.", "Read the log."
        )
    if late and workers:
        yield Finding(
            "jobs",
            "problem",
            f"Jobs that wait for more than ten minutes: {late}.",
            "Restart kith up; the log says what holds them up.",
        )
    aside = EventDelivery.objects.filter(set_aside=True).count()
    if aside:
        yield Finding(
            "events", "problem", f"News that a room could not take in: {aside}.", "Read the log, report it."
        )


def files() -> Iterator[Finding]:
    """Files that nobody names any more: noticed one night, gone the next."""
    from kith.core.models import LooseBlob

    loose = list(LooseBlob.objects.order_by("since").values_list("since", flat=True))
    if loose and (now() - loose[0]).days >= QUIET_DAYS:
        yield Finding(
            "files",
            "problem",
            f"Files that nobody names any more are not removed since {loose[0]:%d %B}.",
            "Read the log of the worker; the job is core.sweep_blobs.",
        )
    elif loose:
        yield Finding(
            "files", "ok", f"Files that nobody names any more, gone by tomorrow night: {len(loose)}."
        )
    else:
        yield Finding("files", "ok", "Every file is named by something.")


def backup() -> Iterator[Finding]:
    from kith.core import alarms
    from kith.core.backup import nightly

    sentence = nightly.missing(now())
    last = nightly.latest()
    if sentence:
        yield Finding(
            "backup",
            "problem" if last or "no backup" in sentence else "warning",
            sentence,
            "Run: kith backup",
        )
    elif last:
        yield Finding("backup", "ok", f"The newest backup is {last[0]}.")
    for kind, alarm in alarms.sounding().items():
        yield Finding(kind, "problem", alarm)


def system_mail(environment: Any) -> Iterator[Finding]:
    from kith.networks.models import ChannelAccount
    from kith.teams.models import SystemMail

    working = ChannelAccount.objects.filter(state="active", address__contains="@").exists()
    if not environment.mail_url and not working:
        yield Finding(
            "system mail", "warning", "Invitations and alarms are not mailed; they are listed under Settings.",
            "Connect a mailbox, or set KITH_MAIL_URL.",
        )  # fmt: skip
    unsent = SystemMail.objects.filter(sent_at=None).exclude(error="").order_by("-created_at").first()
    if unsent is not None:
        yield Finding(
            "system mail",
            "problem",
            f"A mail could not be sent: {unsent.error[:200]}",
            "Check KITH_MAIL_URL or the mailbox, then Settings, System mails, Try again.",
        )


def channels() -> Iterator[Finding]:
    from kith.networks.models import ChannelAccount

    for account in ChannelAccount.objects.exclude(state="removed").select_related("health").defer("secrets"):
        about, health = f"channel {account.name}", getattr(account, "health", None)
        if account.state == "reconnect":
            yield Finding(
                about, "problem", f"It was refused and waits for you: {_last(health)}",
                f"Settings, Channels, {account.name}: Connect again, with the password or permission it asks for.",
            )  # fmt: skip
        elif account.state == "paused":
            yield Finding(about, "warning", "It is paused.", f"Settings, Channels, {account.name}: Go on.")
        elif health is not None and health.failures_in_a_row >= 3:
            yield Finding(
                about, "problem", f"It has failed {health.failures_in_a_row} times in a row: {_last(health)}",
                f"Settings, Channels, {account.name}: test the connection; Kith goes on trying by itself.",
            )  # fmt: skip
        elif (
            health is not None
            and health.last_success_at
            and (now() - health.last_success_at).days >= QUIET_DAYS
        ):
            days = (now() - health.last_success_at).days
            yield Finding(
                about, "problem", f"Nothing was fetched for {days} days.",
                f"Settings, Channels, {account.name}: test the connection. Is a worker running?",
            )  # fmt: skip
        else:
            yield Finding(about, "ok", "Working.")


def _last(health: Any) -> str:
    return (health.last_error if health is not None else "") or "no reason is known."


def sending_domains(environment: Any) -> list[str]:
    """The domains of our mailboxes and of the system's sender, but for those of the big mail providers."""
    from kith.networks.models import ChannelAccount

    addresses = ChannelAccount.objects.filter(state="active", address__contains="@").values_list(
        "address", flat=True
    )
    found = {
        address.rsplit("@", 1)[1].strip("> ").lower()
        for address in (*addresses, environment.mail_from)
        if "@" in address
    }
    return sorted(domain for domain in found if "." in domain and domain not in FREE_MAIL)


FREE_MAIL = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "gmx.de", "gmx.net", "web.de"}
)  # fmt: skip


def domains(names: Iterable[str], resolver: dns_mail.Resolver) -> Iterator[Finding]:
    for name in names:
        for found in dns_mail.check_domain(name, resolver):
            yield Finding(found.what, found.level, found.sentence, found.remedy)


def resolve(name: str, kind: str) -> list[str]:
    """Ask the DNS; a record's strings are joined."""
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(name, kind, lifetime=5.0)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise dns_mail.LookupUnclear(str(error)) from error
    if kind == "TXT":
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return [record.to_text() for record in answer]
