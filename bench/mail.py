"""Receiving mail: store, parse in the child, thread, index and match, against `notmuch new` on the same mails."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from bench.cpu import Cost, backend_pid, own_seconds, process_seconds

ENDINGS = (".eml", ".txt", ".msg", ".mail", "")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "mail"
BATCH = 200


def mails_of(folder: Path | None) -> list[bytes]:
    """Files that begin like a mail; the same mail once."""
    places = [folder] if folder else [Path(os.environ.get("KITH_SHARED_DATA") or SHARED.parent) / "mail"]
    found: dict[bytes, None] = {}
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else []:
            if path.is_file() and path.suffix.lower() in ENDINGS:
                raw = path.read_bytes()
                head = raw[:4000].lower()
                if b"\nfrom:" in head or head.startswith((b"from:", b"from ", b"return-path:", b"received:")):
                    found[raw] = None
    return list(found)


def receive(folder: Path | None) -> dict[str, Cost] | str:
    """Milliseconds a mail, ours and notmuch's in turn, three times; or why it was not measured."""
    if shutil.which("notmuch") is None:
        return "notmuch is not installed (apt-get install notmuch)"
    mails = mails_of(folder)
    if len(mails) < 100:
        return "no corpus of mails (KITH_SHARED_DATA, or --mail FOLDER)"
    ours, theirs = [], []
    for _ in range(3):
        theirs.append(_notmuch(mails))
        ours.append(_kith(mails))
    best, limit = min(ours, key=sum), min(theirs)
    per = 1000 / len(mails)
    return {
        "kith": Cost(best[0] * per, best[1] * per, max(sum(o) for o in ours) * per),
        "limit": Cost(limit * per, 0.0, max(theirs) * per),
    }


def _notmuch(mails: list[bytes]) -> float:
    with tempfile.TemporaryDirectory(prefix="kith-notmuch-") as name:
        place = Path(name)
        for part in ("cur", "new", "tmp"):
            (place / "mail" / part).mkdir(parents=True)
        for number, raw in enumerate(mails):
            (place / "mail" / "cur" / f"{number:06d}.bench:2,").write_bytes(raw)
        config = place / "config"
        config.write_text(
            f"[database]\npath={place / 'mail'}\n[user]\nname=Bench\nprimary_email=us@bench.example\n"
            "[new]\ntags=new\n[search]\nexclude_tags=deleted\n"
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        env = {**os.environ, "NOTMUCH_CONFIG": str(config)}
        subprocess.run(["notmuch", "new", "--quiet"], env=env, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _kith(mails: list[bytes]) -> tuple[float, float]:
    """CPU seconds of us with the parsing child, and of the database. A mailbox of its own each time."""
    from kith.channels.parser import Parser
    from kith.channels.receive import raw_items_parse, raw_items_store
    from kith.connectors.contract import RawItem
    from kith.networks.models import ChannelAccount
    from kith.teams.models import Scope

    address = f"in-{uuid.uuid4().hex[:8]}@bench.example"
    account = ChannelAccount.objects.create(
        network="email",
        name="In",
        address=address,
        external_id=address,
        scope=Scope.objects.get(name="Team 0"),
        history_until="2000-01-01T00:00:00Z",
    )
    # Their own salt makes the mails of each round new ones, as notmuch's empty database does.
    salt = uuid.uuid4().hex[:6].encode()
    own = [raw.replace(b"\nMessage-ID: <", b"\nMessage-ID: <" + salt, 1) for raw in mails]
    pid = backend_pid()
    used, database = own_seconds(), process_seconds(pid)
    with Parser() as parser:
        for start in range(0, len(own), BATCH):
            batch = own[start : start + BATCH]
            raw_items_store(account, [RawItem(f"{start + n}", raw) for n, raw in enumerate(batch)])
        while raw_items_parse(account.pk, parser):
            pass
    return own_seconds() - used, process_seconds(pid) - database
