"""A backup put back elsewhere is the same house: every row of every table, every blob, the keys."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kith.core.postgres import cluster, location
from tests.support.database import database_drop, server_for_tests
from tests.support.kithprocess import ROOT, Kith, copy_of, kith

FILL = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests.support.fill import main; main()"
DUMP = """
import hashlib, json
from kith.core.backup import tables
with tables.snapshot() as cursor:
    print(json.dumps({t.name: sorted(b"".join(tables.read(cursor, t)).decode().splitlines()) for t in tables.all_tables(cursor)}))
"""
NEXT_NUMBER = """
from kith.core.models import EventDelivery
import uuid
print(EventDelivery.objects.create(subscriber="x", kind="y", subject_id=uuid.uuid4()).pk)
"""
UNSEAL = """
from kith.core.company import value
from kith.core.secrets import decrypt
print(decrypt(bytes.fromhex(value("sealed"))).decode())
"""


def blobs_of(house: Kith) -> dict[str, str]:
    folder = house.home / "blobs"
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("??/??/*")}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kith, Path, Path]]:
    """A filled house, its backup with keys, and the passphrase file."""
    folder = tmp_path_factory.mktemp("backup")
    passphrase = folder / "passphrase"
    passphrase.write_text("correct horse battery\n")
    with kith(ready=True) as house:
        filled, tables, *left_out = house.python(FILL).split()
        assert int(filled) >= 0.9 * int(tables), f"the test fills too few tables: {left_out}"
        house.run("backup", str(folder / "all.kithbackup"), "--passphrase-file", str(passphrase))
        yield house, folder / "all.kithbackup", passphrase


def rows_of(house: Kith) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(house.python(DUMP))
    return found


@pytest.fixture(scope="module")
def rows(source: tuple[Kith, Path, Path]) -> dict[str, list[str]]:
    """Every row of the filled house, which nothing changes afterwards."""
    return rows_of(source[0])


def test_every_row_blob_and_key_comes_back(
    source: tuple[Kith, Path, Path], rows: dict[str, list[str]]
) -> None:
    house, path, passphrase = source
    with kith() as other:
        done = other.run("restore", str(path), "--passphrase-file", str(passphrase))
        assert "keys included" in done.stderr
        assert rows_of(other) == rows
        assert blobs_of(other) == blobs_of(house)
        assert len(blobs_of(other)) == 4
        assert all(name == digest for name, digest in blobs_of(other).items())
        assert other.python(UNSEAL).strip() == "the channel's password"
        assert (other.home / "keys" / "signing.key").read_bytes() == (
            house.home / "keys" / "signing.key"
        ).read_bytes()
        assert other.run("manage", "migrate", "--check", ok=False).returncode == 0
        assert int(other.python(NEXT_NUMBER)) == 4, "the sequences go on where they stood"


def test_a_full_house_is_not_overwritten_unless_forced(
    source: tuple[Kith, Path, Path], rows: dict[str, list[str]]
) -> None:
    _, path, passphrase = source
    with kith() as other:
        other.run("upgrade")
        other.python(FILL)
        refused = other.run("restore", str(path), ok=False)
        assert refused.returncode == 1
        assert "--force" in refused.stderr
        other.run("restore", str(path), "--force", "--passphrase-file", str(passphrase))
        assert rows_of(other) == rows
        assert list((other.home / "keys").glob("secrets.key.replaced-*"))


def test_without_a_passphrase_the_keys_stay_out_and_it_says_so(
    source: tuple[Kith, Path, Path], tmp_path: Path
) -> None:
    house, path, _ = source
    done = house.run("backup", str(tmp_path / "plain.kithbackup"))
    assert "keys left out" in done.stderr
    assert "Keep a copy of" in done.stderr
    raw = (tmp_path / "plain.kithbackup").read_bytes() + path.read_bytes()
    for name in ("secrets.key", "signing.key"):
        assert (house.home / "keys" / name).read_bytes().strip() not in raw
    assert not any("keys" in name for name in zipfile.ZipFile(tmp_path / "plain.kithbackup").namelist())
    assert (tmp_path / "plain.kithbackup").stat().st_mode & 0o077 == 0


def test_a_wrong_passphrase_changes_nothing(source: tuple[Kith, Path, Path], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("incorrect horse\n")
    with kith() as other:
        refused = other.run("restore", str(source[1]), "--passphrase-file", str(wrong), ok=False)
        assert refused.returncode == 1
        assert "passphrase" in refused.stderr
        assert not (other.home / "blobs").exists()


@pytest.mark.parametrize("where", ["tables/teams_user", "blobs/"])
def test_damage_is_found_before_anything_is_changed(
    source: tuple[Kith, Path, Path], tmp_path: Path, where: str
) -> None:
    damaged = tmp_path / "damaged.kithbackup"
    with zipfile.ZipFile(source[1]) as old, zipfile.ZipFile(damaged, "w") as new:
        name = next(n for n in old.namelist() if n.startswith(where) and old.getinfo(n).file_size > 10)
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info, data[:-2] + b"!\n" if info.filename == name else data)
    with kith() as other:
        refused = other.run("restore", str(damaged), ok=False)
        assert refused.returncode == 1
        assert "damaged" in refused.stderr
        assert not (other.home / "blobs").exists()


def test_half_a_file_is_refused(source: tuple[Kith, Path, Path], tmp_path: Path) -> None:
    half = tmp_path / "half.kithbackup"
    shutil.copy(source[1], half)
    with half.open("r+b") as file:
        file.truncate(half.stat().st_size // 2)
    with kith() as other:
        refused = other.run("restore", str(half), ok=False)
    assert refused.returncode == 1
    assert "not a complete backup" in refused.stderr


def test_it_goes_into_a_server_of_your_own(
    source: tuple[Kith, Path, Path], rows: dict[str, list[str]]
) -> None:
    """DATABASE_URL: the same file restored into a database of another server."""
    _, path, passphrase = source
    with (
        cluster.use(server_for_tests(), durable=False) as place,
        cluster.superuser_connection(place) as server,
    ):
        database_drop(server, "kith_own")
        server.execute("CREATE DATABASE kith_own OWNER kith")
        url = f"postgresql://kith@/kith_own?host={place.socket_folder}"
        try:
            with kith(env={"DATABASE_URL": url}) as other:
                other.run("restore", str(path), "--passphrase-file", str(passphrase))
                assert rows_of(other) == rows
                assert not (other.home / "postgres").exists()
                again = other.run("backup").stdout.strip()
                with zipfile.ZipFile(again) as one, zipfile.ZipFile(path) as two:
                    name = "tables/teams_user"
                    assert one.read(name) == two.read(name)
        finally:
            database_drop(server, "kith_own")


def test_a_failed_upgrade_puts_the_database_back(
    source: tuple[Kith, Path, Path], rows: dict[str, list[str]], tmp_path: Path
) -> None:
    """A migration that destroys and then fails outside a transaction: `kith upgrade` undoes it from its backup."""
    with kith(home=copy_of(source[0].home)) as other:
        before = rows
        module = tmp_path / "breaking" / "__init__.py"
        module.parent.mkdir()
        module.write_text("")
        migrations = module.parent / "migrations"
        migrations.mkdir()
        (migrations / "__init__.py").write_text("")
        (migrations / "0001_break.py").write_text(
            "from django.db import migrations\n"
            "class Migration(migrations.Migration):\n"
            "    atomic = False\n"
            "    dependencies = [('core', '0001_initial'), ('work', '0001_initial')]\n"
            "    operations = [migrations.RunSQL('DELETE FROM work_note'), migrations.RunSQL('DROP TABLE core_auditevent'),"
            " migrations.RunSQL('SELECT 1/0')]\n"
        )
        (tmp_path / "breaking_settings.py").write_text(
            "from kith.config.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'breaking']\n"
        )
        saved = dict(other.env)
        other.env.update(
            DJANGO_SETTINGS_MODULE="breaking_settings", PYTHONPATH=f"{other.env['PYTHONPATH']}:{tmp_path}"
        )
        failed = other.run("upgrade", ok=False)
        other.env = saved
        assert failed.returncode == 1, failed.stderr
        assert "as it was before" in failed.stderr
        assert rows_of(other) == before


def test_the_backup_is_of_one_moment(tmp_path: Path) -> None:
    """Rows written while it is made are in all of its tables or in none."""
    with kith(ready=True) as house, cluster.use(location.of(house.home)) as place:
        stop, written = threading.Event(), []

        def write() -> None:
            with psycopg.connect(host=str(place.socket_folder), user="kith", dbname="kith") as connection:
                while not stop.is_set():
                    key = uuid.uuid4().hex
                    connection.execute("INSERT INTO core_companyvalue VALUES (%s, '1', now())", [key])
                    time.sleep(0.002)
                    connection.execute("INSERT INTO django_session VALUES (%s, '', now())", [key])
                    connection.commit()
                    written.append(key)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            before = len(written)
            house.run("backup", str(tmp_path / "moving.kithbackup"))
            assert len(written) > before + 10, "nothing was written meanwhile"
        finally:
            stop.set()
            thread.join()
    with zipfile.ZipFile(tmp_path / "moving.kithbackup") as archive:
        values, sessions = (
            {line.split(b"\t")[0] for line in archive.read(f"tables/{name}").splitlines()}
            for name in ("core_companyvalue", "django_session")
        )
        assert sessions
        assert sessions == {key for key in values if len(key) == 32}
        for name, content in json.loads(archive.read("manifest.json"))["tables"].items():
            assert len(archive.read(f"tables/{name}").splitlines()) == content["rows"], name
