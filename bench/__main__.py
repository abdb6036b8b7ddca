"""`make bench`: fills databases of three sizes and prints what a request costs in CPU time, against its limit.

    python -m bench [--sizes 10000,100000,1000000] [--json FILE]

Each size gets an embedded PostgreSQL of its own in a temporary folder (about 25 GB of disk and an hour for the largest).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--sizes", default="10000,100000,1000000", help="people; messages are five times as many"
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    results = {}
    for size in chosen.sizes.split(","):
        with tempfile.TemporaryDirectory(prefix="kith-bench-") as home:
            env = {**os.environ, "KITH_HOME": home, "KITH_ENV": "production", "KITH_LOG_LEVEL": "ERROR"}
            env.pop("DATABASE_URL", None)
            done = subprocess.run(
                [sys.executable, "-m", "bench.one", size],
                env=env,
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
            results[int(size)] = json.loads(done.stdout.splitlines()[-1])
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1))
    show(results)


def show(results: dict[int, dict[str, dict[str, float]]]) -> None:
    smallest, largest = min(results), max(results)
    print(f"{'page':44}" + "".join(f"{size:>12,}" for size in sorted(results)) + "      limit  ratio growth")
    for page in results[largest]:
        cells = "".join(
            f"{results[size].get(page, {}).get('total', float('nan')):9.2f} ms" for size in sorted(results)
        )
        row = results[largest][page]
        limit = row.get("limit", 0.0)
        ratio = f"{row['total'] / limit:6.2f}" if limit else "     -"
        growth = row["total"] / max(results[smallest].get(page, row)["total"], 0.01)
        print(f"{page:44}{cells}  {limit:6.2f} ms {ratio} {growth:6.2f}")


if __name__ == "__main__":
    main()
