"""One size: start a database, fill it unless that was done, measure every page, print JSON.

KITH_HOME=FOLDER python -m bench.one SIZE [--only WORD] [--skip WORD] [--mail FOLDER]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any


def main(size: int, only: str, skip: str, mail: Path | None) -> dict[str, dict[str, Any]]:
    from kith.cli import prepare
    from kith.cli.upgrade import bring_up_to_date

    with prepare.database():
        prepare.setup()
        bring_up_to_date(prepare.silent, backup=False)  # made-up data
        from django.db import connection

        from bench import fill, pages

        filled = 0.0
        if "bench_sentence" not in connection.introspection.table_names():
            begun = time.monotonic()
            fill.fill(size, say=tell)
            filled = time.monotonic() - begun
        # Filling took longer than a connection is kept; a new one in the middle would be another backend to look at.
        connection.close()
        connection.settings_dict["CONN_MAX_AGE"] = None
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            disk = cursor.fetchone()[0]
        results: dict[str, dict[str, Any]] = {"filled": {"seconds": filled, "bytes": disk}}
        tell(f"{pages.check_plans()} plans of the inbox and of a person looked at: none reads a large table")
        for name, work in pages.everything(mail):
            if only in name and (not skip or skip not in name):
                begun = time.monotonic()
                results[name] = attempt(work)
                tell(f"{name}: {results[name]} ({time.monotonic() - begun:.0f} s)")
        return results


def attempt(work: Any) -> dict[str, Any]:
    """Figures, or why there are none: one page that breaks does not take the others' figures along."""
    try:
        found = work()
    except Exception as error:  # noqa: BLE001
        return {"failed": f"{type(error).__name__}: {error}"[:300]}
    if isinstance(found, str):
        return {"skipped": found}
    out: dict[str, Any] = {"total": found["kith"].total, **asdict(found["kith"])}
    if "limit" in found:
        out["limit"] = found["limit"].total
    return {key: round(value, 3) for key, value in out.items()}


def tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("size", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--skip", default="")
    parser.add_argument("--mail", type=Path)
    chosen = parser.parse_args()
    print(json.dumps(main(chosen.size, chosen.only, chosen.skip, chosen.mail)))
