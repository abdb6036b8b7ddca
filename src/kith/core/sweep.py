# ruff: noqa: S608  (the parts are names of tables and columns; every value is a parameter)
"""Files that nobody names any more (erased, undone, replaced) go, a day after that was noticed.

A file is noticed when no registered column names it and nobody brought it for a day; it goes at the next sweep that is a
day later still, if that is so even then. Whoever brings the same bytes meanwhile makes the file young (`blobs.put`), and
the sweep looks at its age once more in the moment in which it takes it, while nobody can bring it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from kith.base.clock import now
from kith.core import blobs, sql
from kith.core.models import LooseBlob
from kith.core.registry import blob_columns

log = logging.getLogger(__name__)
GRACE = timedelta(hours=23)  # the job runs once a day
PART = 50_000


@dataclass(frozen=True, slots=True)
class Swept:
    """How many files went, with their size in bytes; how many were noticed and wait for a day."""

    removed: int
    size: int
    waiting: int


def unnamed(digests: Iterable[str]) -> Iterator[str]:
    """Those that no column names: asked in one statement, so that a name which moves from row to row is not missed."""
    named = " UNION ALL ".join(column.select() for column in blob_columns())
    statement = (
        "SELECT x.d FROM unnest(%(digests)s::text[]) AS x (d) "
        f"WHERE NOT EXISTS (SELECT 1 FROM ({named}) n WHERE n.digest = x.d)"
    )
    rest = iter(digests)
    while part := list(islice(rest, PART)):
        yield from (row[0] for row in sql.rows(statement, {"digests": part}))


def sweep() -> Swept:
    """Take what was loose a day ago and still is; notice what has come loose."""
    moment = now()
    noticed = dict(LooseBlob.objects.values_list("digest", "since"))
    loose = set(unnamed(blobs.older_digests((moment - GRACE).timestamp())))
    LooseBlob.objects.filter(digest__in=[d for d in noticed if d not in loose]).delete()
    LooseBlob.objects.bulk_create(
        [LooseBlob(digest=d, since=moment) for d in loose if d not in noticed], ignore_conflicts=True
    )
    due = [d for d in loose if d in noticed and noticed[d] <= moment - GRACE]
    sizes = [size for d in due if (size := blobs.remove_if_older(d, noticed[d].timestamp())) is not None]
    LooseBlob.objects.filter(digest__in=due).delete()
    blobs.drafts_sweep()
    found = Swept(len(sizes), sum(sizes), len(loose) - len(due))
    if found.removed:
        log.info("removed %s files that nobody names (%s bytes)", found.removed, found.size)
    return found
