"""`kith upgrade` on a house with contents: it backs up first, and that file is the way back."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.kithprocess import kith

NAME = "from kith.core import company; print(company.name())"


def test_the_backup_before_an_upgrade_leads_back() -> None:
    with kith(ready=True) as house:
        house.python("from kith.core import company; company.set_value('name', 'As it was')")
        again = house.run("upgrade")
        assert "Backing up" not in again.stderr, "nothing to do, nothing to back up"
        house.run("manage", "migrate", "usersessions", "zero")  # as an older version leaves it
        told = house.run("upgrade").stderr
        found = re.search(r"Backing up to (\S+)", told)
        assert found is not None, told
        path = Path(found[1])
        assert path.name.startswith("kith-before-upgrade-")
        assert path.stat().st_mode & 0o077 == 0
        house.python("from kith.core import company; company.set_value('name', 'Gone wrong')")
        refused = house.run("restore", str(path), ok=False)
        assert refused.returncode == 1
        assert "--force" in refused.stderr
        assert house.python(NAME).strip() == "Gone wrong"
        house.run("restore", "--force", str(path))
        assert house.python(NAME).strip() == "As it was"
        assert "waits" not in house.run("doctor", "--no-dns", ok=False).stdout
        assert house.run("upgrade").returncode == 0
