"""Where an embedded server keeps its data and its socket, found without starting anything.

A normal user's server lies under KITH_HOME/postgres. PostgreSQL refuses to run as root, so root's server runs as the
first of the users `kith`, `postgres` and `nobody` that there is. That user must be able to walk down to the data folder;
where a parent of KITH_HOME forbids it (/root is 0700), no permission is widened: the data go to /var/lib/kith/<hash>
instead, and KITH_HOME/postgres/place says so from then on.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

PORT = 5432
MAX_SOCKET_PATH = 85  # a Unix socket's path holds 107 bytes, with the file's own name
SYSTEM_FOLDER = Path("/var/lib/kith")
SERVER_USERS = ("kith", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom the server runs as; `switch` is true when that is not the user who runs Kith."""

    uid: int
    gid: int
    switch: bool

    @property
    def name(self) -> str:
        """The user's name, or nothing where the machine has no entry for the number (containers)."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return ""


@dataclass(frozen=True, slots=True)
class Location:
    """`data` is the cluster's folder (0700); the server listens on a socket in `socket_folder` and nowhere else.

    `folder` holds the locks and the server's log and belongs to the user who runs Kith.
    """

    folder: Path
    data: Path
    socket_folder: Path
    user: str = "kith"
    database: str = "kith"
    port: int = PORT

    @property
    def socket(self) -> Path:
        return self.socket_folder / f".s.PGSQL.{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def place_file(self) -> Path:
        return self.folder / "place"

    @property
    def owner(self) -> Owner:
        """The owner of the data that are there, else the user that new data would belong to."""
        try:
            status = self.data.stat()
        except OSError:
            return server_owner()
        mine = os.geteuid()
        return Owner(status.st_uid, status.st_gid, switch=mine == 0 and status.st_uid != 0)


def server_owner() -> Owner:
    """Whom a new server runs as: the caller, or an unprivileged user for root."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), switch=False)
    for name in SERVER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Owner(entry.pw_uid, entry.pw_gid, switch=True)
    return Owner(65534, 65534, switch=True)


def reachable(path: Path, owner: Owner) -> bool:
    """Whether `owner` may walk through every existing folder of `path`, itself included."""
    for folder in (path, *path.parents):
        try:
            status = folder.stat()
        except FileNotFoundError:
            continue
        except OSError:
            return False
        if status.st_uid == owner.uid:
            allowed = status.st_mode & stat.S_IXUSR
        elif status.st_gid == owner.gid:
            allowed = status.st_mode & stat.S_IXGRP
        else:
            allowed = status.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def make_home(home: Path) -> None:
    """Make KITH_HOME for its owner alone; root lets others walk through it (not look), for the server's user."""
    if not home.exists():
        home.mkdir(parents=True, mode=0o700, exist_ok=True)
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)


def of(home: Path) -> Location:
    """The place for a KITH_HOME."""
    folder = home / "postgres"
    short = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    if os.geteuid() != 0:
        socket_folder = folder / "run"
        if len(str(socket_folder)) > MAX_SOCKET_PATH:
            socket_folder = Path("/tmp") / f"kith-{os.geteuid()}-{short}"  # noqa: S108  (0700, its owner is checked)
        return Location(folder, folder / "data", socket_folder)
    system = SYSTEM_FOLDER / short
    try:
        data = Path((folder / "place").read_text(encoding="utf-8").strip())
    except OSError:
        inside = (folder / "data" / "PG_VERSION").exists() or reachable(folder, server_owner())
        data = folder / "data" if inside else system / "data"
    inside = data.parent == folder and len(str(folder / "run")) <= MAX_SOCKET_PATH
    return Location(folder, data, folder / "run" if inside else system / "run")
