"""`kith manage`, `kith new-connector`, `kith --help`."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from tests.support.kithprocess import kith


def test_what_a_house_writes_is_private_and_sources_are_not(tmp_path: Path) -> None:
    app = tmp_path / "small"
    app.mkdir()
    (app / "__init__.py").write_text("")
    (app / "models.py").write_text("from django.db import models\nclass Thing(models.Model):\n    pass\n")
    (tmp_path / "small_settings.py").write_text(
        "from kith.config.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'small']\n"
    )
    with kith() as house:
        house.env["PYTHONPATH"] += f":{tmp_path}"
        house.env["DJANGO_SETTINGS_MODULE"] = "small_settings"
        house.run("manage", "makemigrations", "small")
        made = app / "migrations" / "0001_initial.py"
        assert stat.S_IMODE(made.stat().st_mode) & 0o044 == 0o044
        assert stat.S_IMODE((house.home / "keys").stat().st_mode) == 0o700
        assert stat.S_IMODE((house.home / "keys" / "signing.key").stat().st_mode) == 0o600


def test_a_new_connector_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    with kith() as house:
        done = house.run("new-connector", "pigeon_post", "--into", str(tmp_path))
        assert (tmp_path / "pigeon_post" / "manifest.toml").exists()
        assert all(Path(line).exists() for line in done.stdout.split())
        refused = house.run("new-connector", "Pigeon Post", "--into", str(tmp_path), ok=False)
        assert refused.returncode == 1
        assert "can't be a connector's name" in refused.stderr
        assert not (house.home / "postgres").exists(), "it needs no database"


def test_every_command_says_what_it_does() -> None:
    with kith() as house:
        words = house.run("--help").stdout
        for command in ("up", "demo", "doctor", "backup", "restore", "upgrade", "manage", "new-connector"):
            assert command in words
        assert not any(house.home.iterdir()), "help touches nothing"


def test_a_demo_is_never_made_in_the_home_of_a_company() -> None:
    with kith() as house:
        house.env["XDG_DATA_HOME"] = str(house.home / "share")
        house.env.pop("KITH_HOME")
        house.env["KITH_WEB_THREADS"] = "many"
        house.run("demo", ok=False)
        assert not (house.home / "share" / "kith").exists()


def test_an_import_is_named_listed_and_taken_back(tmp_path: Path) -> None:
    good = tmp_path / "people.csv"
    good.write_text("Name,Email\nAda,ada@example.org\nBo,bo@example.org\n")
    broken = tmp_path / "broken.csv"
    rows = "".join(f"Person {n},person{n}@example.org\n" for n in range(250))
    broken.write_text(f'Name,Email\n{rows}"{"x" * 2_000_000}",big@example.org\n')
    with kith(ready=True) as house:
        said = house.run("import", "csv", str(good)).stderr
        found = re.search(r"kith import-undo ([0-9a-f-]{36})", said)
        assert found
        refused = house.run("import", "csv", str(broken), ok=False)
        assert refused.returncode == 2
        assert "Before that, 200 came in" in refused.stderr
        again = re.search(r"kith import-undo ([0-9a-f-]{36})", refused.stderr)
        assert again
        assert house.run("import-undo", again[1]).stdout.strip() == "200 taken back"
        listed = house.run("import-undo").stdout
        assert re.search(rf"{found[1]} .* done +2 ", listed)
        assert re.search(rf"{again[1]} .* undone +200 ", listed)
        twice = house.run("import-undo", again[1], ok=False)
        assert (twice.returncode, "already" in twice.stderr) == (2, True)
