"""Parses raw items in a capped child process, which lives on between items and is replaced when it dies."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from kith.connectors.codec import event_from_dict
from kith.connectors.contract import BadPayload, Event, Media, MessageReceived, OwnIdentity
from kith.connectors.words import say

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
        external_id: str,
        body: bytes,
        at: datetime | None,
        meta: Mapping[str, Any],
    ) -> Parsed:
        """What one raw item means. Never raises for what is in it."""
        request = {
            "network": network,
            "settings": dict(settings),
            "own": asdict(own) if own else None,
            "item": {"external_id": external_id, "at": at.isoformat() if at else None, "meta": dict(meta)},
            "size": len(body),
        }
        reply = self._ask(json.dumps(request).encode() + b"\n", body)
        if reply is None:
            return Parsed(problem="crash", error=say("the parser died or hung on it"))
        if "events" not in reply:
            return Parsed(problem=str(reply.get("problem")), error=str(reply.get("error")))
        if len(reply["events"]) > MAX_EVENTS:
            return Parsed(
                problem="bad_payload", error=say("means {count} things at once", count=len(reply["events"]))
            )
        try:
            return Parsed(events=tuple(self._own_files(event_from_dict(e)) for e in reply["events"]))
        except BadPayload as error:
            return Parsed(problem="bad_payload", error=str(error))

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

    def _ask(self, head: bytes, body: bytes) -> dict[str, Any] | None:
        child = self._running()
        assert child.stdin is not None
        try:
            child.stdin.write(head)
            child.stdin.write(body)
            child.stdin.flush()
            line = self._read_line(child)
            self._done += 1
            reply: dict[str, Any] | None = json.loads(line) if line else None
        except (OSError, ValueError):
            reply = None
        if reply is None or reply.get("problem") in ("memory", "time"):
            self._stop()
        return reply

    def _read_line(self, child: subprocess.Popen[bytes]) -> bytes:
        assert child.stdout is not None
        descriptor, until = child.stdout.fileno(), time.monotonic() + WALL_SECONDS
        parts: list[bytes] = []
        size = 0
        while (left := until - time.monotonic()) > 0 and size <= MAX_REPLY:
            ready, _, _ = select.select([descriptor], [], [], left)
            if not ready:
                break
            chunk = os.read(descriptor, 1 << 20)
            if not chunk:
                break
            parts.append(chunk)
            size += len(chunk)
            if chunk.endswith(b"\n"):
                return b"".join(parts)
        return b""

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (self._child.poll() is not None or self._done >= ITEMS_A_CHILD):
            self._stop()
        if self._child is None:
            # Only what Python needs: no credentials of ours reach the process that reads hostile bytes.
            env = {
                k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "TMPDIR")
            }
            self._child = subprocess.Popen(
                [sys.executable, "-m", "kith.connectors.child", str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=env,
            )
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
