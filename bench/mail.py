"""Receiving mail: store, parse in the child, thread, index and match, against `notmuch new` on the same mails."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from bench.cpu import Cost, backend_pid, own_seconds, process_seconds

ENDINGS = (".eml", ".txt", ".msg", ".mail", "")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PARTS = Path.home() / ".cache" / "kith-test-parts"
BATCH, ROUNDS, FEWEST = 200, 3, 100
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_IDS = re.compile(rb"^(?:message-id|in-reply-to|references)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.I | re.M)
_OWN_ID = re.compile(rb"^message-id[ \t]*:", re.I | re.M)


def corpora(folder: Path | None) -> dict[str, list[Path]]:
    """Folders of mails by what is in them: the one that was named, or those that tests read."""
    if folder:
        return {str(folder): [folder]}
    odd = Path(os.environ.get("KITH_SHARED_DATA") or SHARED) / "mail"
    parts = Path(os.environ.get("KITH_TEST_PARTS") or PARTS)
    spam_assassin = Path(os.environ.get("KITH_SPAMASSASSIN") or parts / "spamassassin")
    return {
        "lists and letters": sorted(spam_assassin.rglob("easy-ham-*")),
        "newsletters": sorted(spam_assassin.rglob("hard-ham-*")),
        "bounces and odd ones": [odd],
    }


def mails_of(folders: list[Path]) -> list[bytes]:
    """Files that begin like a mail; the same mail once."""
    found: dict[bytes, None] = {}
    for place in folders:
        for path in sorted(place.rglob("*")) if place.is_dir() else []:
            if path.is_file() and path.suffix.lower() in ENDINGS:
                raw = path.read_bytes()
                head = raw[:4000].lower()
                if b"\nfrom:" in head or head.startswith((b"from:", b"from ", b"return-path:", b"received:")):
                    found[raw] = None
    return list(found)


MEASURED: list[tuple[int, dict[str, Cost]]] = []  # how many mails, and what one cost


def receive(folders: list[Path]) -> dict[str, Cost] | str:
    """Milliseconds a mail, ours and notmuch's in turn, three times; or why it was not measured."""
    if shutil.which("notmuch") is None:
        return "notmuch is not installed (apt-get install notmuch)"
    mails = mails_of(folders)
    if len(mails) < FEWEST:
        return "no corpus of mails (KITH_SHARED_DATA, KITH_SPAMASSASSIN, or --mail FOLDER)"
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(_notmuch(mails))
        ours.append(_kith(mails))
    best, limit = min(ours, key=sum), min(theirs)
    per = 1000 / len(mails)
    found = {
        "kith": Cost(best[0] * per, best[1] * per, max(sum(o) for o in ours) * per),
        "limit": Cost(limit * per, 0.0, max(theirs) * per),
    }
    MEASURED.append((len(mails), found))
    return found


def together() -> dict[str, Cost] | str:
    """Of all mails that were measured so far, each corpus by its number of them."""
    number = sum(count for count, _ in MEASURED)
    if len(MEASURED) < 2:
        return "one corpus at most was measured"

    def mean(side: str, what: str) -> float:
        return sum(count * float(getattr(cost[side], what)) for count, cost in MEASURED) / number

    return {
        side: Cost(*(mean(side, what) for what in ("ours", "database", "p95"))) for side in ("kith", "limit")
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


def _renewed(raw: bytes, salt: bytes) -> bytes:
    """The mail with other ids, also those that it refers to: new to the house, and of the same threads as before."""
    end = _END_OF_HEAD.search(raw)
    at = end.start() + 1 if end else len(raw)
    head = _IDS.sub(lambda found: found[0].replace(b"<", b"<" + salt), raw[:at])
    rest = raw[at:]
    return head + rest if _OWN_ID.search(head) else head + rest + b"\n" + salt + b"\n"


def _kith(mails: list[bytes]) -> tuple[float, float]:
    """CPU seconds of us with the parsing child, and of the database.

    A mailbox and a scope of their own each time, so that no mail is known, none joins a thread of an earlier round, and the
    files are not there. The list in which search documents wait is emptied within the time that counts.
    """
    from kith.channels.parser import Parser
    from kith.channels.receive import raw_items_parse, raw_items_store
    from kith.connectors.contract import RawItem
    from kith.core import blobs, sql
    from kith.networks.models import ChannelAccount
    from kith.teams.models import Scope

    address = f"in-{uuid.uuid4().hex[:8]}@bench.example"
    account = ChannelAccount.objects.create(
        network="email",
        name="In",
        address=address,
        external_id=address,
        scope=Scope.objects.create(kind=Scope.Kind.TEAMS, name=address),
        history_until="2000-01-01T00:00:00Z",
    )
    salt = uuid.uuid4().hex[:6].encode()
    own = [_renewed(raw, salt) for raw in mails]
    sql.rows("SELECT gin_clean_pending_list('search_vector')")
    files = set(blobs.all_digests())
    pid = backend_pid()
    used, database = own_seconds(), process_seconds(pid)
    with Parser() as parser:
        for start in range(0, len(own), BATCH):
            batch = own[start : start + BATCH]
            raw_items_store(account, [RawItem(f"{start + n}", raw) for n, raw in enumerate(batch)])
        while raw_items_parse(account.pk, parser):
            pass
    sql.rows("SELECT gin_clean_pending_list('search_vector')")
    cost = own_seconds() - used, process_seconds(pid) - database
    for digest in set(blobs.all_digests()) - files:
        blobs.remove(digest)
    return cost
