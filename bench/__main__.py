"""`make bench`: fills databases of three sizes and prints what a request costs in CPU time, against its limit.

    python -m bench [--sizes 10000,100000,1000000] [--keep FOLDER] [--mail FOLDER] [--json FILE] [--docs]
    python -m bench --from FILE --docs
    python -m bench gate [--keep FOLDER] [--docs]
    python -m bench understanding [--docs]    (how texts are read, beside VADER and a linear model)
    python -m bench listen [--sizes 1000,10000]    (posts a second against many monitors; see bench/listen.py)
    python -m bench names [--docs]    (how well names are split and judged; see bench/names.py)

Each size gets an embedded PostgreSQL of its own in a temporary folder, or below FOLDER, where it is found again and
measured without being filled anew. The largest takes some 25 GB of disk. `--docs` writes the table and the chart into
docs/explanation.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import report

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    if sys.argv[1:2] == ["gate"]:
        from bench import gate

        gate.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["listen"]:
        from bench import listen

        listen.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["understanding"]:
        from bench import understanding

        understanding.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["names"]:
        from bench import names

        names.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes", default="10000,100000,1000000", help="people; messages are five times as many"
    )
    parser.add_argument("--keep", type=Path, help="where the databases stay")
    parser.add_argument("--mail", type=Path, help="a folder of mails to receive")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--from", dest="known", type=Path, help="measure nothing; take the figures from here")
    parser.add_argument("--docs", action="store_true", help="write docs/explanation/speed.md and growth.svg")
    chosen = parser.parse_args()
    if chosen.known:
        results = {int(size): rows for size, rows in json.loads(chosen.known.read_text()).items()}
    else:
        ready(chosen.sizes.split(","), chosen.keep)
        results = {int(size): _measured(size, chosen) for size in chosen.sizes.split(",")}
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1))
    print(report.table(results))
    if chosen.docs:
        report.write(results)


def ready(sizes: list[str], keep: Path | None) -> None:
    """Ends the program with a sentence where a run would fail later: after half an hour, perhaps."""
    if not (ROOT / "src/kith/web/static/dist/manifest.json").is_file():
        raise SystemExit(
            "The front end is not built, and no page can be shown without it. Run `make frontend` first."
        )
    # Folders that are kept fill up one after the other; temporary ones are gone before the next begins.
    new = [int(size) for size in sizes if not (keep and (keep / size / "postgres").exists())]
    needed = sum(map(_bytes, new)) if keep else max(map(_bytes, new), default=0)
    place = keep or Path(tempfile.gettempdir())
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise SystemExit(
            f"{needed / 1e9:.0f} GB of disk are needed under {place}, and {free / 1e9:.0f} GB are free. "
            "Name another folder with --keep, or fewer --sizes."
        )


def _bytes(people: int) -> int:
    """Disk that a size takes at most, while its indexes are built."""
    return 1_000_000_000 + people * 24_000


def _measured(size: str, chosen: argparse.Namespace) -> report.Rows:
    with _home(size, chosen.keep) as home:
        env = {**os.environ, "KITH_HOME": str(home), "KITH_ENV": "production", "KITH_LOG_LEVEL": "ERROR"}
        env.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "bench.one", size]
        if chosen.mail:
            command += ["--mail", str(chosen.mail)]
        print(f"{int(size):,} people", file=sys.stderr, flush=True)
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, text=True)
    rows: report.Rows = json.loads(done.stdout.splitlines()[-1])
    return rows


@contextlib.contextmanager
def _home(size: str, keep: Path | None) -> Iterator[Path]:
    if keep:
        home = keep / size
        home.mkdir(parents=True, exist_ok=True)
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="kith-bench-") as name:
        yield Path(name)


if __name__ == "__main__":
    main()
