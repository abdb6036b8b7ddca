"""The parsing child: reads raw items on standard input, writes events on standard output, under limits of its own.

Run as `python -m kith.connectors.child FOLDER`. One JSON line a request, for a group of items: {"network", "settings",
"own", "items"}; their bodies follow, each of its `size` in bytes. One JSON line an answer, one for each item: {"events",
"bytes"} or {"problem", "error"}. Small files of a message follow its line, `bytes` in all, each of the `bytes` that its
media names; larger ones are written into FOLDER and named by their path. Each item has 5 s of CPU time, the process 512 MB
of memory of its own.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from kith.connectors.codec import event_to_dict
from kith.connectors.contract import (
    BadPayload,
    Event,
    MessageReceived,
    OwnIdentity,
    RawItem,
    Setup,
)
from kith.connectors.registry import Parses, make_parsing
from kith.connectors.words import say

CPU_SECONDS, MEMORY_BYTES = 5.0, 512 * 1024 * 1024
BESIDE, BESIDE_IN_ALL = (
    64 * 1024,
    1024 * 1024,
)  # bytes of a file, and of an item's, that need no file in between
TELL_BYTES, TELL_SECONDS = 64 * 1024, 0.5
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})


class OutOfTime(BaseException):
    """The item took its CPU time. Not an Exception, so that no parser's `except Exception` swallows it."""


def _out_of_time(signum: int, frame: object) -> NoReturn:
    raise OutOfTime


def _no_way_out(*args: object, **kwargs: object) -> NoReturn:
    raise BadPayload(say("parsing reaches no network"))


def _connector(request: dict[str, Any], made: dict[str, Parses]) -> Parses:
    key = json.dumps([request["network"], request["settings"], request["own"]], sort_keys=True)
    if key not in made:
        made.clear()
        own = OwnIdentity(**request["own"]) if request["own"] else None
        setup = Setup(settings=request["settings"], secrets={}, http=_no_way_out, guard=_no_way_out, own=own)
        made[key] = make_parsing(request["network"], setup)
    return made[key]


def _told(events: Sequence[Event], folder: Path) -> tuple[list[dict[str, Any]], bytes]:
    """The events as JSON knows them, and the small files among what they carry."""
    beside: list[bytes] = []
    room = BESIDE_IN_ALL
    told = []
    for event in events:
        found = event_to_dict(event)
        if isinstance(event, MessageReceived):
            for media, plain in zip(event.media, found.get("media", ()), strict=True):
                if media.content is None:
                    continue
                plain["size"] = len(media.content)
                if len(media.content) <= min(BESIDE, room):
                    room -= len(media.content)
                    beside.append(media.content)
                    plain["bytes"] = len(media.content)
                else:
                    path = folder / uuid.uuid4().hex
                    path.write_bytes(media.content)
                    plain["path"] = str(path)
        told.append(found)
    return told, b"".join(beside)


def _problem(kind: str, error: str) -> bytes:
    return json.dumps({"problem": kind, "error": error}).encode() + b"\n"


def answer(
    request: dict[str, Any], item: dict[str, Any], body: bytes, folder: Path, made: dict[str, Parses]
) -> bytes:
    """Parse one item of a request and tell it; never raises but for the limits of the process."""
    at = datetime.fromisoformat(item["at"]) if item["at"] else None
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        connector = _connector(request, made)
        events = connector.parse(
            RawItem(external_id=item["external_id"], body=body, at=at, meta=item["meta"])
        )
        found, beside = _told(events, folder)
        return b"%b\n%b" % (json.dumps({"events": found, "bytes": len(beside)}).encode(), beside)
    except OutOfTime:
        return _problem("time", say("took more than {seconds} s", seconds=f"{CPU_SECONDS:.0f}"))
    except MemoryError:
        return _problem("memory", say("needed more than 512 MB"))
    except RecursionError:
        return _problem("nesting", say("is nested too deep"))
    except BadPayload as error:
        return _problem("bad_payload", str(error))
    except OSError as error:
        return _problem(
            "no_room" if error.errno in NO_ROOM else "crash", f"{type(error).__name__}: {error}"[:500]
        )
    except Exception as error:  # noqa: BLE001  (whatever a parser raises is told, and the next item is parsed)
        return _problem("crash", f"{type(error).__name__}: {error}"[:500])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> None:
    folder = Path(sys.argv[1])
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    os.nice(5)
    signal.signal(signal.SIGPROF, _out_of_time)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    made: dict[str, Parses] = {}
    while line := source.readline():
        request = json.loads(line)
        waiting, told_at = bytearray(), time.monotonic()
        for item in request["items"]:
            body = source.read(item["size"])
            try:
                waiting += answer(request, item, body, folder, made)
            except (OutOfTime, MemoryError):
                waiting += b'{"problem": "memory", "error": "needed more than it may"}\n'
            # Told together: each time the parent is woken costs as much as a short mail. But it must see that we live.
            if len(waiting) > TELL_BYTES or time.monotonic() - told_at > TELL_SECONDS:
                target.write(waiting)
                target.flush()
                waiting, told_at = bytearray(), time.monotonic()
        target.write(waiting)
        target.flush()


if __name__ == "__main__":
    main()
