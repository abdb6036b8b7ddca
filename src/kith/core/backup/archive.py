"""The file of a backup: written beside its name and renamed when it is complete and on disk; read with every checksum."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from kith.core.backup.errors import BackupError

FORMAT = 1
MANIFEST = "manifest.json"
CHUNK = 1024 * 1024


class Writer:
    """Adds members to a new file; nothing is left at `path` unless `finish` was reached."""

    def __init__(self, path: Path) -> None:
        self.path, self._draft = path, path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise BackupError(f"Can't write to {path.parent}: {error.strerror}.") from error
        self._file = os.fdopen(descriptor, "w+b")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=3)
        self._sums: dict[str, str] = {}

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def add(self, name: str, chunks: Iterable[bytes], *, compress: bool = True) -> int:
        """Add a member; returns its size in bytes."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=True) as member:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                member.write(chunk)
        self._sums[name] = digest.hexdigest()
        return size

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest with all checksums, sync, and give the file its name."""
        self._zip.writestr(
            MANIFEST, json.dumps({"format": FORMAT, **manifest, "sha256": self._sums}, indent=1)
        )
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._draft.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Reader:
    """Reads a backup; raises BackupError for a file that is damaged, incomplete or of a newer format."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest: dict[str, Any] = json.loads(self._zip.read(MANIFEST))
        except OSError as error:
            raise BackupError(f"{path} can't be read: {error.strerror or error}.") from error
        except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, KeyError, ValueError) as error:
            raise BackupError(f"{path} is not a complete backup of Kith ({error}).") from error
        if not isinstance(self.manifest, dict):
            raise BackupError(f"{path} is not a complete backup of Kith (its manifest is none).")
        if self.manifest.get("format") != FORMAT:
            raise BackupError(
                f"{path} was made by a newer Kith ({self.manifest.get('kith')}). Install that one first."
            )
        missing = sorted(set(self.manifest["sha256"]) - set(self._zip.namelist()))
        if missing:
            raise BackupError(f"{path} is incomplete: {missing[0]} is missing.")

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def names(self, prefix: str) -> list[str]:
        return [name for name in self.manifest["sha256"] if name.startswith(prefix)]

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member's bytes; raises BackupError at their end when they are not what was written."""
        digest = hashlib.sha256()
        try:
            with self._zip.open(name) as member:
                while chunk := member.read(CHUNK):
                    digest.update(chunk)
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError) as error:
            raise BackupError(f"{name} in the backup is damaged ({error}).") from error
        if digest.hexdigest() != self.manifest["sha256"][name]:
            raise BackupError(f"{name} in the backup is damaged (its checksum differs).")

    def read(self, name: str) -> bytes:
        return b"".join(self.chunks(name))

    def check(self) -> None:
        """Read every byte once; raises BackupError."""
        for name in self.manifest["sha256"]:
            for _ in self.chunks(name):
                pass
