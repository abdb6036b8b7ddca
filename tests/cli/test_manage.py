"""`kith manage` and `python -m kith.cli.manage`."""

from __future__ import annotations

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
