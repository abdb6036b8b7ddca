"""The gate's own speed: decisions a second, and a dry run of 100,000 people over a ledger of a million touches.

    python -m bench gate [--keep FOLDER] [--docs]

The database is an embedded PostgreSQL in a temporary folder, or in FOLDER, where it is found again. Nothing of it is
warmed up by hand: the first dry run counts too, and the middle one of three is told.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

PEOPLE, TOUCHES = 100_000, 1_000_000
DECISIONS_ASKED, SECONDS_ASKED = 50_000, 10.0
BEGIN, END = "<!-- the gate, written by `python -m bench gate --docs` -->", "<!-- end of the gate -->"
ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="bench gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="where the database stays")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/explanation/speed.md")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.inside:
        print(json.dumps(measured()))
        return
    with _home(chosen.keep) as home:
        env = {**os.environ, "KITH_HOME": str(home), "KITH_ENV": "production", "KITH_LOG_LEVEL": "ERROR"}
        env.pop("DATABASE_URL", None)
        done = subprocess.run(
            [sys.executable, "-m", "bench", "gate", "--inside"],
            env=env,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    table = told(json.loads(done.stdout.splitlines()[-1]))
    print(table)
    if chosen.docs:
        page = ROOT / "docs/explanation/speed.md"
        text = page.read_text(encoding="utf-8")
        new = re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", f"{BEGIN}\n{table}\n{END}", text, flags=re.S)
        page.write_text(new, encoding="utf-8")


@contextlib.contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="kith-bench-") as name:
        yield Path(name)


def told(found: dict[str, Any]) -> str:
    """The table: what was measured, the limit, and their ratio (below 1 is within the limit)."""
    lines = ["| what | measured | limit | ratio | aim |", "|---|--:|--:|--:|---|"]
    for name, each in found["decide"].items():
        ratio = DECISIONS_ASKED / each
        lines.append(
            f"| decide, {name} | {each:,.0f} a second | {DECISIONS_ASKED:,} a second | {ratio:.2f} | "
            f"{'yes' if ratio <= 1 else 'no'} |"
        )
    for name, seconds in found["dry"].items():
        ratio = seconds / SECONDS_ASKED
        lines.append(
            f"| {name} | {seconds:.1f} s | {SECONDS_ASKED:.0f} s | {ratio:.2f} | {'yes' if ratio <= 1 else 'no'} |"
        )
    return "\n".join(lines)


def measured() -> dict[str, Any]:
    from kith.cli import prepare
    from kith.cli.upgrade import bring_up_to_date

    with prepare.database():
        prepare.setup()
        bring_up_to_date(prepare.silent, backup=False)  # made-up data
        from kith.campaigns.models import Mailing

        if not Mailing.objects.exists():
            _fill()
        return {"decide": _decide(), "dry": _dry_run()}


def _decide() -> dict[str, float]:
    """Decisions a second of one core: plain people, and those with a full ledger and everything known of them."""
    from kith.base.clock import now
    from kith.policy.decide import decide
    from kith.policy.file import default_rules
    from kith.policy.types import ContactFacts, PastTouch, ProposedTouch

    moment, rules = now(), default_rules()
    asked = ProposedTouch(kind="campaign", channel="email", purpose="news", name_used="Steve")
    plain = ContactFacts(
        time_zone="Europe/Berlin", consents=frozenset({("email", "news")}), preferred_name="Steve"
    )
    full = ContactFacts(
        time_zone="America/New_York",
        consents=frozenset({("email", "news")}),
        preferred_name="Steve",
        objections=frozenset({"surveys"}),
        wrote_on=frozenset({"email"}),
        customer=True,
        touches=tuple(
            PastTouch(moment - timedelta(days=9 * n), "campaign", "Sales", "email") for n in range(1, 39)
        ),
    )
    found = {}
    for name, facts in (("plain", plain), ("38 touches in the ledger", full)):
        best = 0.0
        for _turn in range(3):
            begun = time.process_time()
            for _number in range(20_000):
                decide(asked, facts, rules, moment)
            best = max(best, 20_000 / (time.process_time() - begun))
        found[name] = best
    return found


def _dry_run() -> dict[str, float]:
    from kith.campaigns.models import Mailing, Recipient
    from kith.campaigns.services.check import check

    mailing = Mailing.objects.get()
    took, shares = [], []
    for _turn in range(3):
        Mailing.objects.update(state=Mailing.State.CHECKING)
        Recipient.objects.all().delete()
        begun = time.monotonic()
        check(mailing)
        took.append(time.monotonic() - begun)
        mailing.refresh_from_db()
        shares.append(mailing.numbers["outcomes"])
        print(f"  {took[-1]:.1f} s: {mailing.numbers}", file=sys.stderr, flush=True)
    if shares[0] != shares[-1] or sum(shares[0].values()) != PEOPLE:
        raise SystemExit(f"not everybody was asked about, or not the same was said: {shares}")
    return {f"dry run of {PEOPLE:,} people, a ledger of {TOUCHES:,} touches, wall time": sorted(took)[1]}


def _fill() -> None:
    """People, of whom most have consented, and their ledger: ten touches each over two years, of four divisions."""
    from django.db import connection

    from bench import fill
    from kith.campaigns.models import Mailing
    from kith.networks.models import ChannelAccount
    from kith.teams.models import Division, User
    from kith.trust.models import Consent, Objection, Situation, Suppression, Touch

    account, _common, _rare = fill._house()
    fill.as_superuser("ALTER ROLE CURRENT SUPERUSER")  # leave the triggers out
    fill.execute("SET session_replication_role = replica", "SET synchronous_commit = off")
    divisions = [str(Division.objects.create(name=f"Division {n}").pk) for n in range(4)]
    named = "ARRAY[" + ",".join(f"'{d}'" for d in divisions) + "]::uuid[]"
    fill._people(1, PEOPLE, "now() - n * interval '3 minutes'")
    fill.insert(
        Situation,
        {"identity_id": fill.uid(2, "n"), "last_inbound_at": "now() - n * interval '5 minutes'",
         "wrote_on": "'{email}'", "open_case": "CASE WHEN n % 50 = 0 THEN 'angry' ELSE '' END",
         "customer_since": "NULL"},
        f"FROM generate_series(1, {PEOPLE}) n WHERE n % 2 = 0",
    )  # fmt: skip
    fill.insert(
        Consent,
        {"id": fill.uid(6, "n"), "identity_id": fill.uid(2, "n"), "purpose": "'news'", "channel": "'email'",
         "status": "CASE WHEN n % 25 = 0 THEN 'withdrawn' ELSE 'given' END", "given_at": "now() - interval '400 days'"},
        f"FROM generate_series(1, {PEOPLE}) n WHERE n % 10 <> 3",
    )  # fmt: skip
    fill.insert(
        Objection,
        {"id": fill.uid(7, "n"), "identity_id": fill.uid(2, "n"), "purpose": "'all'", "made_at": "now()"},
        f"FROM generate_series(1, {PEOPLE}) n WHERE n % 40 = 7",
    )
    fill.insert(
        Touch,
        {"id": fill.uid(8, "n::bigint * 16 + k"), "identity_id": fill.uid(2, "n"), "contact_id": fill.uid(1, "n"),
         "kind": "CASE WHEN k < 8 THEN 'campaign' ELSE 'reply' END", "channel": "'email'", "purpose": "'news'",
         "actor": "'automation'", "state": "'made'", "division_id": f"({named})[1 + (n + k) % 4]",
         "planned_for": "now() - (1 + abs(hashint8(n * 31::bigint + k) % 17520)) * interval '1 hour'", "based_on": "'[]'"},
        f"FROM generate_series(1, {PEOPLE}) n, generate_series(0, {TOUCHES // PEOPLE - 1}) k",
    )  # fmt: skip
    fill.insert(
        Suppression,
        {"id": fill.uid(9, "n"), "key_hash": "md5(n::text) || md5(n::text)", "channel": "'all'"},
        "FROM generate_series(1, 10000) n",
    )
    boss = User.objects.get(email="all@bench.example")
    Mailing.objects.create(
        title="Spring", purpose="news", account=ChannelAccount.objects.get(pk=account), subject="Hello {name}",
        text="Hello {name}, spring is here.", people={"view": {}}, author=boss,
    )  # fmt: skip
    fill.execute("VACUUM ANALYZE", "CHECKPOINT")
    fill.as_superuser("ALTER ROLE CURRENT NOSUPERUSER")
    connection.close()
