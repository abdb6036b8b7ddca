"""Mails parsed per CPU second: `python bench/parse_mail.py FOLDER ...` (files ending in .eml, .txt or .msg)."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from kith.connectors.email.parse import parse_mail


def main(folders: list[str]) -> int:
    if not folders:
        print(__doc__)
        return 2
    for folder in folders:
        raws = [
            p.read_bytes()
            for p in sorted(Path(folder).rglob("*"))
            if p.suffix in (".eml", ".txt", ".msg") and p.is_file()
        ]
        best = min(_seconds(raws) for _ in range(3))
        size = sum(map(len, raws)) / 1e6
        print(
            f"{folder}: {len(raws)} mails, {size:.1f} MB, {len(raws) / best:.0f} mails and {size / best:.0f} MB per CPU second"
        )
    return 0


def _seconds(raws: list[bytes]) -> float:
    begun = time.process_time()
    for raw in raws:
        parse_mail(raw)
    return max(1e-9, time.process_time() - begun)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
