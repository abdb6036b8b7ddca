"""DATABASE_URL with a PostgreSQL over TCP, as an ordinary owner with a password: the whole house on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from kith.core.postgres import cluster, location
from tests.support.kithprocess import command_of, free_ports, kith, new_home, wait_for

PASSWORD = "p@ss/w:rd of the house"
ENCODED = "p%40ss%2Fw%3Ard%20of%20the%20house"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """host:port of a server that asks for a password; its database `own` belongs to `owner`, who may do nothing more."""
    (port,) = free_ports(1)
    home = new_home()
    place = location.of(home)
    place = type(place)(place.folder, place.data, place.socket_folder, port=port)
    monkeypatch.setattr(cluster, "SETTINGS", {**cluster.SETTINGS, "listen_addresses": "127.0.0.1"})
    try:
        with cluster.use(place, durable=False):
            rules = place.data / "pg_hba.conf"  # initdb's own let everybody on this machine in
            kept = [line for line in rules.read_text().splitlines() if not line.startswith("host")]
            rules.write_text("\n".join([*kept, "host all all 127.0.0.1/32 scram-sha-256", ""]))
            with cluster.superuser_connection(place) as connection:
                connection.execute("SELECT pg_reload_conf()")
                connection.execute(
                    sql.SQL("CREATE ROLE owner LOGIN NOSUPERUSER PASSWORD {}").format(sql.Literal(PASSWORD))
                )
                connection.execute("CREATE DATABASE own OWNER owner ENCODING 'UTF8' TEMPLATE template0")
            yield f"127.0.0.1:{port}"
    finally:
        cluster.stop(place)
        shutil.rmtree(home, ignore_errors=True)


def test_the_whole_house_on_a_server_of_your_own(server: str, tmp_path: Path) -> None:
    with kith(env={"DATABASE_URL": f"postgresql://owner:{ENCODED}@{server}/own"}) as house:
        house.up()
        count = "from django.db import connection as c; k = c.cursor(); k.execute('SELECT count(*) FROM procrastinate_workers'); print(k.fetchone()[0])"
        wait_for(lambda: house.python(count).strip() == "1", 40, house.log.read_text)
        assert not (house.home / "postgres").exists()
        words = [command_of(pid) for pid in house.tree()]
        assert not any("postgres -D" in word for word in words)
        told = house.run("doctor", "--json", "--no-dns", ok=False).stdout
        findings = json.loads(told)["findings"]
        assert any("(your own) answers" in f["sentence"] for f in findings), findings
        for text in (told, house.log.read_text(), *words):
            assert "p@ss" not in text
            assert "p%40ss" not in text
        assert house.stop() == 0


@pytest.mark.parametrize(("password", "says"), [("wrong", "Check DATABASE_URL"), ("", "Check DATABASE_URL")])
def test_a_wrong_password_is_said_and_not_repeated(server: str, password: str, says: str) -> None:
    with kith(env={"DATABASE_URL": f"postgresql://owner:{password}@{server}/own"}) as house:
        (house.home / "keys").mkdir()
        told = house.run("doctor", "--no-dns", ok=False)
        assert told.returncode == 1
        assert says in told.stdout
        refused = house.run("up", ok=False)
        assert refused.returncode != 0
        assert "Traceback" not in refused.stderr[-2000:]
