"""The parsing child: reads raw items on standard input, writes events on standard output, under limits of its own.

Run as `python -m kith.connectors.child FOLDER`. One JSON line a request: {"network", "settings", "own", "item"}; the body
follows as so many bytes. One JSON line an answer: {"events"} or {"problem", "error"}. Each item has 5 s of CPU time, the
process 512 MB of memory of its own; files of a message are written into FOLDER and named by their path.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from kith.connectors.codec import event_to_dict
from kith.connectors.contract import (
    BadPayload,
    Connector,
    Event,
    MessageReceived,
    OwnIdentity,
    RawItem,
    Setup,
)
from kith.connectors.registry import make
from kith.connectors.words import say

CPU_SECONDS, MEMORY_BYTES = 5.0, 512 * 1024 * 1024
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})


class OutOfTime(BaseException):
    """The item took its CPU time. Not an Exception, so that no parser's `except Exception` swallows it."""


def _out_of_time(signum: int, frame: object) -> NoReturn:
    raise OutOfTime


def _no_way_out(*args: object, **kwargs: object) -> NoReturn:
    raise BadPayload(say("parsing reaches no network"))


def _connector(request: dict[str, Any], made: dict[str, Connector]) -> Connector:
    key = json.dumps([request["network"], request["settings"], request["own"]], sort_keys=True)
    if key not in made:
        made.clear()
        own = OwnIdentity(**request["own"]) if request["own"] else None
        setup = Setup(settings=request["settings"], secrets={}, http=_no_way_out, guard=_no_way_out, own=own)
        made[key] = make(request["network"], setup)
    return made[key]


def _files_out(events: Sequence[Event], folder: Path) -> list[Event]:
    result: list[Event] = []
    for event in events:
        if isinstance(event, MessageReceived) and any(m.content is not None for m in event.media):
            media = []
            for item in event.media:
                if item.content is not None:
                    path = folder / uuid.uuid4().hex
                    path.write_bytes(item.content)
                    item = replace(item, path=str(path), size=len(item.content), content=None)
                media.append(item)
            event = replace(event, media=tuple(media))
        result.append(event)
    return result


def _problem(kind: str, error: str) -> str:
    return json.dumps({"problem": kind, "error": error})


def answer(request: dict[str, Any], body: bytes, folder: Path, made: dict[str, Connector]) -> str:
    """Parse one item and tell it as JSON; never raises but for the limits of the process."""
    item = request["item"]
    at = datetime.fromisoformat(item["at"]) if item["at"] else None
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        connector = _connector(request, made)
        events = connector.parse(
            RawItem(external_id=item["external_id"], body=body, at=at, meta=item["meta"])
        )
        found = [event_to_dict(e) for e in _files_out(events, folder)]
        return json.dumps({"events": found})
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
    made: dict[str, Connector] = {}
    while line := source.readline():
        request = json.loads(line)
        body = source.read(request["size"])
        try:
            reply = answer(request, body, folder, made).encode()
        except (OutOfTime, MemoryError):
            reply = b'{"problem": "memory", "error": "needed more than it may"}'
        target.write(reply + b"\n")
        target.flush()


if __name__ == "__main__":
    main()
