"""Bytes by content: attachments, avatars and large raw mails, under KITH_HOME/blobs by their SHA-256.

Written and synced before the commit that names them; a file that nobody names is swept by a job (`core.sweep`). Storing
bytes that are there already makes the file young again, so that the sweep leaves it to whoever is about to name it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from psycopg.errors import DiskFull

CHUNK = 1024 * 1024
ASIDE = "blobs.replaced-"
ABANDONED = 3600  # seconds
_NAME = re.compile(r"[0-9a-f]{64}")
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})


class StoreFull(OSError):
    """Bytes can't be written now, whatever they are; says what to do. Nothing is lost by trying again later."""


@contextlib.contextmanager
def told_when_full(where: Path) -> Iterator[None]:
    """Inside the block, an error of the disk (none of the bytes) is raised as StoreFull."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM or isinstance(error, StoreFull):
            raise
        raise StoreFull(
            error.errno,
            f"There is no room to store it ({error.strerror}). Make room under {where}; then Kith goes on by itself.",
        ) from error


def no_room(error: BaseException | None) -> bool:
    """Whether the disk was full, ours or the database's, in an error or in what caused it."""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or isinstance(error, DiskFull):
            return True
        error = error.__cause__
    return False


def folder() -> Path:
    path: Path = settings.KITH.home / "blobs"
    return path


def path_of(digest: str) -> Path:
    """Where a blob lies; raises ValueError for anything that is not a digest."""
    if not _NAME.fullmatch(digest):
        raise ValueError("not a SHA-256")
    return folder() / digest[:2] / digest[2:4] / digest


def put(chunks: bytes | Iterable[bytes]) -> tuple[str, int]:
    """Store bytes once; returns (digest, size). Durable when this returns. Raises StoreFull when the disk is full."""
    if isinstance(chunks, bytes):
        digest = hashlib.sha256(chunks).hexdigest()
        if _is_there(digest):
            return digest, len(chunks)
        chunks = (chunks,)
    with told_when_full(folder()):
        return _write(chunks)


@contextlib.contextmanager
def _store(mode: int) -> Iterator[None]:
    """Shared by those who bring a file, alone for the sweep that takes one: it never takes what was brought meanwhile."""
    descriptor = os.open(folder() / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, mode)
        yield
    finally:
        os.close(descriptor)


def _is_there(digest: str) -> bool:
    path = path_of(digest)
    if not path.exists():
        return False
    with _store(fcntl.LOCK_SH):
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
    return True


def _write(chunks: Iterable[bytes]) -> tuple[str, int]:
    root = folder()
    drafts = root / "new"
    if not drafts.is_dir():
        drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = drafts / f"{os.getpid()}-{os.urandom(8).hex()}"
    hasher, size = hashlib.sha256(), 0
    try:
        with draft.open("wb") as file:
            for chunk in chunks:
                hasher.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        target = path_of(hasher.hexdigest())
        made = [place.parent for place in (target.parent, target.parent.parent) if not place.is_dir()]
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _store(fcntl.LOCK_SH):
            draft.rename(target)
        for changed in (target.parent, *made):
            _sync(changed)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return hasher.hexdigest(), size


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_file(source: BinaryIO) -> tuple[str, int]:
    """As `put`; what fits into one chunk is looked for before it is written: the same logo comes with every mail."""
    first = source.read(CHUNK)
    if len(first) < CHUNK:
        return put(first)
    return put(chain((first,), iter(lambda: source.read(CHUNK), b"")))


def read(digest: str) -> bytes:
    return path_of(digest).read_bytes()


def open_blob(digest: str) -> BinaryIO:
    return path_of(digest).open("rb")


def exists(digest: str) -> bool:
    return path_of(digest).exists()


def remove(digest: str) -> None:
    path_of(digest).unlink(missing_ok=True)


def remove_aside(digest: str) -> None:
    """Remove it from the folders that restores have set aside, too (see `backup.making`)."""
    path = path_of(digest).relative_to(folder())
    for aside in folder().parent.glob(f"{ASIDE}*"):
        (aside / path).unlink(missing_ok=True)


def drafts_sweep() -> None:
    """Remove files that were begun an hour ago and never finished: their writer died."""
    for draft in (folder() / "new").glob("*"):
        with contextlib.suppress(OSError):
            if draft.stat().st_mtime < time.time() - ABANDONED:
                draft.unlink()


def remove_if_older(digest: str, than: float) -> int | None:
    """Remove a file that nobody brought since `than` (seconds since 1970); its size, or None when it was left."""
    path = path_of(digest)
    with _store(fcntl.LOCK_EX):
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        if found.st_mtime >= than:
            return None
        path.unlink()
    return found.st_size


def all_digests() -> Iterator[str]:
    for path in folder().glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
        yield path.name


def older_digests(than: float) -> Iterator[str]:
    """Those that nobody brought since `than`, and what other work left in the folder is not among them."""
    for digest in all_digests():
        with contextlib.suppress(OSError):
            if _NAME.fullmatch(digest) and path_of(digest).stat().st_mtime < than:
                yield digest
