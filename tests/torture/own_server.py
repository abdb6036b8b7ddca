"""A PostgreSQL server of the test's own, that writes durably, to kill with SIGKILL."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import connection, connections

from kith.core.postgres import cluster
from kith.core.postgres.errors import ClusterError
from kith.core.postgres.location import Location, make_home
from tests.support.database import _migrate, url_of


class OwnServer:
    def __init__(self, place: Location) -> None:
        self.place = place

    def start(self, *, durable: bool = True) -> None:
        """Start it; after a SIGKILL, as soon as what is left of the old one has gone."""
        end = time.monotonic() + 60
        while True:
            try:
                with cluster.start_lock(self.place):
                    cluster.start(self.place, durable=durable, die_with_parent=True)
                return
            except ClusterError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL to the server: no checkpoint, no farewell; its sessions end as they notice."""
        pid = cluster.running(self.place)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


@contextlib.contextmanager
def own_server() -> Iterator[tuple[OwnServer, str]]:
    """A migrated database on a server of its own, that Django uses inside the block; yields it with its URL."""
    home = Path(tempfile.mkdtemp(prefix="kith-torture-"))
    home.chmod(0o711)
    make_home(home)
    folder = home / "postgres"
    folder.mkdir(mode=0o711)
    server = OwnServer(Location(folder, folder / "data", folder / "run"))
    settings = connections.settings["default"]
    before = dict(settings)
    try:
        server.start(durable=False)
        place = server.place
        connection.close()
        mine = {
            "HOST": str(place.socket_folder),
            "PORT": str(place.port),
            "USER": place.user,
            "PASSWORD": "",
            "NAME": place.database,
        }
        settings.update(mine)
        _migrate(mine, settings)
        connection.close()
        cluster.stop(place)
        server.start()
        yield server, url_of(settings)
    finally:
        connections.close_all()
        settings.update(before)
        with contextlib.suppress(ClusterError):
            cluster.stop(server.place)
        shutil.rmtree(home, ignore_errors=True)
