"""`kith doctor` on a real house: sound it ends with 0, and every break is named with its remedy."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kithprocess import Kith, kith


@pytest.fixture(scope="module")
def house() -> Iterator[Kith]:
    with kith(ready=True) as made:
        yield made


def ask(house: Kith, *, problems: bool) -> dict[str, list[dict[str, Any]]]:
    """The findings by what they are about."""
    done = house.run("doctor", "--json", "--no-dns", ok=False)
    answer = json.loads(done.stdout)
    assert done.returncode == (1 if answer["problems"] else 0)
    assert bool(answer["problems"]) is problems, answer
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in answer["findings"]:
        found.setdefault(finding["about"], []).append(finding)
    return found


def test_a_sound_house(house: Kith) -> None:
    house.env["KITH_BACKUP_HOUR"] = "3"
    found = ask(house, problems=False)
    assert "embedded" in found["database"][0]["sentence"]
    assert found["address"][0]["level"] == "warning"
    words = house.run("doctor", "--no-dns").stdout
    assert words.strip().endswith("Nothing is wrong.")
    assert "chat on your site, one-click links" in words


@pytest.mark.parametrize(("how", "language"), [(["--language", "es_MX"], "es"), ([], "de"), ([], "")])
def test_it_speaks_the_language_of_who_asks(house: Kith, how: list[str], language: str) -> None:
    """Every sentence, and none in another: by the option, else by the shell, else English."""
    english = json.loads(house.run("doctor", "--json", "--no-dns").stdout)["findings"]
    house.env["LANG"] = "de_AT.UTF-8" if language == "de" and not how else "fr_FR.UTF-8"
    try:
        said = json.loads(house.run("doctor", "--json", "--no-dns", *how).stdout)["findings"]
        text = house.run("doctor", "--no-dns", *how).stdout
    finally:
        house.env["LANG"] = "C"
    assert [f["about"] for f in said] == [f["about"] for f in english]
    # commands and versions are the same everywhere
    pairs = [
        (here[part], there[part])
        for here, there in zip(said, english, strict=True)
        for part in ("sentence", "remedy")
        if there[part] and not there[part].startswith(("chmod", "Python"))
    ]
    same = [here for here, there in pairs if here == there]
    assert same == ([] if language else [there for _here, there in pairs])
    end = {"de": "Alles ist in Ordnung.", "es": "Todo está en orden.", "": "Nothing is wrong."}
    assert text.strip().endswith(end[language])
    warned = {"de": "Warnung  Adresse: ", "es": "aviso     dirección: ", "": "warning  address: "}
    assert warned[language] in text


def test_a_language_that_it_does_not_speak(house: Kith) -> None:
    done = house.run("doctor", "--no-dns", "--language", "fr", ok=False)
    assert done.returncode == 1
    assert "en, de, es" in done.stderr


def test_keys_that_others_can_read(house: Kith) -> None:
    key = house.home / "keys" / "secrets.key"
    key.chmod(0o644)
    try:
        bad = [f for f in ask(house, problems=True)["keys"] if f["level"] == "problem"]
        assert bad[0]["remedy"] == f"chmod 0600 {key}"
        key.rename(key.with_suffix(".gone"))
        assert "is not there" in ask(house, problems=True)["keys"][0]["sentence"]
    finally:
        key.with_suffix(".gone").rename(key)
        key.chmod(0o600)


def test_migrations_that_wait(house: Kith) -> None:
    house.run("manage", "migrate", "sessions", "zero")
    try:
        assert ask(house, problems=True)["database"][-1]["remedy"] == "Run: kith upgrade"
    finally:
        house.run("upgrade")


def test_failed_jobs_events_set_aside_and_a_channel_to_reconnect(house: Kith) -> None:
    house.python(
        "import uuid; from django.utils import timezone; from kith.core.models import EventDelivery\n"
        "from kith.networks.models import ChannelAccount; from kith.teams.models import Scope\n"
        "EventDelivery.objects.create(subscriber='s', kind='k', subject_id=uuid.uuid4(), set_aside=True)\n"
        "scope = Scope.objects.create(kind='everyone', name='all')\n"
        "ChannelAccount.objects.create(network='n', name='Shop', scope=scope, state='reconnect', history_until=timezone.now())"
    )
    found = ask(house, problems=True)
    assert "could not take in: 1" in found["events"][0]["sentence"]
    assert found["channel Shop"][0]["level"] == "problem"
    house.python("from kith.core.models import EventDelivery; EventDelivery.objects.all().delete()\n"
                 "from kith.networks.models import ChannelAccount; ChannelAccount.objects.all().delete()")  # fmt: skip


def test_a_backup_that_is_missing(house: Kith) -> None:
    house.run("backup")
    assert ask(house, problems=False)["backup"][0]["level"] == "ok"
    old = time.time() - 3 * 86400
    for path in (house.home / "backups").iterdir():
        os.utime(path, (old, old))
    finding = ask(house, problems=True)["backup"][0]
    assert "3 days old" in finding["sentence"]
    assert finding["remedy"] == "Run: kith backup"


def test_a_database_that_does_not_answer() -> None:
    with kith(env={"DATABASE_URL": "postgresql://kith:secret-word@127.0.0.1:1/kith"}) as other:
        other.home.joinpath("keys").mkdir()
        found = ask(other, problems=True)
        assert found["database"][0]["remedy"] == "Check DATABASE_URL."
        assert "secret-word" not in json.dumps(found)
