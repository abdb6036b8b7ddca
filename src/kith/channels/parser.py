"""Parses raw items in a capped child process, which lives on between items and is replaced when it dies.

Items go to it in groups: to be woken for each of them would cost both processes as much as a short mail does.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kith.connectors.codec import event_from_dict
from kith.connectors.contract import BadPayload, Event, Media, MessageReceived, OwnIdentity, RawItem
from kith.connectors.words import say

CHILD = "kith.connectors.child"
WALL_SECONDS = 30.0
ITEMS_A_CHILD = 5000
MAX_EVENTS = 1000
MAX_REPLY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parsed:
    """Events of one item, or `problem` (time, memory, nesting, bad_payload, crash) with `error` in words.

    The problem no_room is none of the item's: its files could not be written.
    """

    events: tuple[Event, ...] = ()
    problem: str = ""
    error: str = ""


@dataclass(slots=True)
class _Replies:
    """What the child has answered so far. `over`: it said that it went beyond a limit, or something that is no answer."""

    replies: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)
    over: bool = False
    _read: bytearray = field(default_factory=bytearray)
    _seen: int = 0
    _reply: dict[str, Any] | None = None

    def feed(self, chunk: bytes) -> bool:
        """Take what was read; returns whether an answer became whole. Raises ValueError for what is no JSON."""
        self._read += chunk
        before = len(self.replies)
        while not self.over:
            if self._reply is None:
                end = self._read.find(b"\n", self._seen)
                if end < 0:
                    self._seen = len(self._read)
                    break
                self._reply = json.loads(self._read[:end])
                if not isinstance(self._reply, dict):
                    raise ValueError("no answer")
                del self._read[: end + 1]
                self._seen = 0
            size = self._reply.get("bytes", 0)
            if type(size) is not int or not 0 <= size <= MAX_REPLY:
                raise ValueError("no size")
            if len(self._read) < size:
                break
            self.replies.append((self._reply, bytes(self._read[:size])))
            self.over = self._reply.get("problem") in ("memory", "time")
            del self._read[:size]
            self._reply = None
        if len(self._read) > MAX_REPLY:
            raise ValueError("too much")
        return len(self.replies) > before


def _take_beside(events: Any, beside: bytes) -> None:
    """Put the bytes that came beside a reply into the media that they belong to."""
    at = 0
    for event in events:
        for media in event.get("media", ()):
            media.pop("content", None)
            if (size := media.pop("bytes", None)) is not None:
                media["content"] = beside[at : at + size]
                media["size"] = len(media["content"])
                at += size


def _died() -> tuple[dict[str, Any], bytes]:
    return {"problem": "crash", "error": say("the parser died or hung on it")}, b""


@dataclass(slots=True)
class Parser:
    """One child and the folder its files go to. Use as a context manager; not shared between threads."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="kith-parse-")))
    _child: subprocess.Popen[bytes] | None = None
    _done: int = 0

    def __enter__(self) -> Parser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def parse(
        self,
        *,
        network: str,
        settings: Mapping[str, str],
        own: OwnIdentity | None,
        items: Sequence[RawItem],
    ) -> list[Parsed]:
        """What the first of these items mean: of one at least; of fewer than all when one of them ended the child. Never
        raises for what is in them.
        """
        replies = self._ask(network, settings, own, items)
        if (
            not replies and len(items) > 1
        ):  # one of them ends the child: alone, it takes nothing from the others
            replies = [
                reply for item in items for reply in self._ask(network, settings, own, [item]) or [_died()]
            ]
        return [self._parsed(*reply) for reply in replies or [_died()]]

    def _parsed(self, reply: dict[str, Any], beside: bytes) -> Parsed:
        try:
            if "events" not in reply:
                return Parsed(problem=str(reply.get("problem")), error=str(reply.get("error")))
            if len(reply["events"]) > MAX_EVENTS:
                return Parsed(
                    problem="bad_payload",
                    error=say("means {count} things at once", count=len(reply["events"])),
                )
            _take_beside(reply["events"], beside)
            return Parsed(events=tuple(self._own_files(event_from_dict(e)) for e in reply["events"]))
        except BadPayload as error:
            return Parsed(problem="bad_payload", error=str(error))
        except (AttributeError, TypeError, ValueError) as error:
            return Parsed(problem="bad_payload", error=f"{type(error).__name__}: {error}"[:500])

    def sweep(self) -> None:
        """Remove the files of all items parsed so far; call it when they are stored, or never will be."""
        for path in self.folder.iterdir():
            path.unlink(missing_ok=True)

    def _own_files(self, event: Event) -> Event:
        """The event, naming no file but those that the child wrote into its folder: it has read hostile bytes."""
        if not isinstance(event, MessageReceived) or not any(m.path for m in event.media):
            return event
        return replace(event, media=tuple(self._own_file(media) for media in event.media))

    def _own_file(self, media: Media) -> Media:
        path = Path(media.path)
        if not media.path or (path.parent == self.folder and path.is_file() and not path.is_symlink()):
            return media
        return replace(media, path="", size=0)

    def _ask(
        self, network: str, settings: Mapping[str, str], own: OwnIdentity | None, items: Sequence[RawItem]
    ) -> list[tuple[dict[str, Any], bytes]]:
        """The replies to the first of these items, each with the bytes beside it; none when the child died or hung."""
        request = {
            "network": network,
            "settings": dict(settings),
            "own": asdict(own) if own else None,
            "items": [
                {
                    "external_id": item.external_id,
                    "at": item.at.isoformat() if item.at else None,
                    "meta": dict(item.meta),
                    "size": len(item.body),
                }
                for item in items
            ],
        }
        head = json.dumps(request).encode() + b"\n"
        child, found = self._running(), _Replies()
        try:
            self._exchange(child, b"".join((head, *(item.body for item in items))), found, len(items))
        except (OSError, ValueError):
            found.over = True
        self._done += len(items)
        if found.over or len(found.replies) < len(items):
            self._stop()
        return found.replies

    def _exchange(self, child: subprocess.Popen[bytes], said: bytes, found: _Replies, wanted: int) -> None:
        """Say it and read the answers, both at once: neither side waits for the other to read."""
        assert child.stdin is not None
        assert child.stdout is not None
        source, target = child.stdout.fileno(), child.stdin.fileno()
        left = memoryview(said)
        until = time.monotonic() + WALL_SECONDS
        while len(found.replies) < wanted and not found.over:
            wait = until - time.monotonic()
            ready, free, _ = select.select([source], [target] if left else [], [], max(0.0, wait))
            if wait <= 0 or not (ready or free):
                return
            if free:
                left = left[os.write(target, left) :]
            if ready:
                chunk = os.read(source, 1 << 20)
                if not chunk:
                    return
                if found.feed(chunk):
                    until = time.monotonic() + WALL_SECONDS

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (self._child.poll() is not None or self._done >= ITEMS_A_CHILD):
            self._stop()
        if self._child is None:
            # Only what Python needs: no credentials of ours reach the process that reads hostile bytes.
            env = {
                k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "TMPDIR")
            }
            self._child = subprocess.Popen(
                [sys.executable, "-m", CHILD, str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env=env,
            )
            assert self._child.stdin is not None
            os.set_blocking(self._child.stdin.fileno(), False)
            self._done = 0
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        continue
