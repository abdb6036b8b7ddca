"""Who was erased stays erased when the database is older than the journal: at `kith up`, and in another home by its journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.kithprocess import kith

# Erases somebody, and puts the tables back as a snapshot of the disk would: no hook of ours runs.
ERASE = """
from pathlib import Path
from django.db import transaction
from kith.contacts.services import contact_for_identity, identities_observe
from kith.contacts.types import ObservedIdentity
from kith.contacts.models import Identity
from kith.core.backup import making
from kith.workspace.erasure import erasure_run
from kith.workspace.models import PersonRequest
with transaction.atomic():
    identities_observe([ObservedIdentity("email", "ada@outside.example", display_name="Ada Lovelace")])
    contact = contact_for_identity(identity=Identity.objects.get())
making.make(Path({path!r}))
erasure_run(PersonRequest.objects.create(kind="erasure", contact_id=contact.pk))
making.restore_tables(Path({path!r}))
print(Identity.objects.get().external_id)
"""


def test_who_was_erased_is_erased_again_before_a_house_opens(tmp_path: Path) -> None:
    with kith(ready=True) as house:
        erased = house.python(ERASE.format(path=str(tmp_path / "all.kithbackup")))
        assert erased.split() == ["ada@outside.example"]
        house.up()
        log = house.log.read_text()
    assert log.index("[1/1] Erasing again") < log.index("Kith answers at")


@pytest.mark.long
def test_another_home_is_told_by_the_journal_of_the_old_one(tmp_path: Path) -> None:
    backup = tmp_path / "all.kithbackup"
    with kith(ready=True) as house, kith() as other:
        house.python(ERASE.format(path=str(backup)))
        assert "There is no journal of erasures here" in other.run("restore", str(backup)).stderr
        done = other.run("erasures", "--journal", str(house.home / "erasures.journal"))
        assert "Erasures taken in" in done.stderr
        assert "People found and erased again: 1." in done.stdout
        wrong = other.run("erasures", "--journal", str(backup), ok=False)
        assert wrong.returncode != 0
        assert "is no journal of erasures" in wrong.stderr
        found = json.loads(other.run("doctor", "--json", "--no-dns", ok=False).stdout)["findings"]
        # the key stayed in the other home: they were found by their ids
        assert [f["level"] for f in found if f["about"] == "erasures"] == ["warning", "ok"]
