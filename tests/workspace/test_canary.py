"""A canary in every field of a person is found nowhere once they were erased: in a real house, by its own jobs."""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any

import pytest
from django.db import IntegrityError

from kith.contacts.models import Identity
from kith.core.logs import Line
from tests.support import canary
from tests.support.kithprocess import ROOT, kith

SCRIPT = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests.support.canary import house_main; house_main()"
# What is planted beside the registry, and must be found before it can be missed.
BESIDE = {
    "core_auditevent", "core_eventdelivery", "teams_notification", "teams_systemmail", "workspace_import", "core_cache",
    "api_idempotentanswer", "channels_rawitem", "channels_webhookdelivery", "channels_webhooksubscription", "django_session",
    "networks_channelhealth", "engagement_savedview", "engagement_assignmentrule", "work_task", "conversations_draft",
    "procrastinate_jobs", "contacts_nameword",
}  # fmt: skip


def test_every_model_is_accounted_for() -> None:
    """A new model that may hold words of people is registered by its room, or planted or explained in `support.canary`."""
    assert canary.unaccounted() == []


def test_no_table_no_file_no_log_and_no_export_has_a_canary() -> None:
    """The job's first worker is killed midway, another goes on. Backups hold them until they are renewed; a copy of one
    that somebody keeps elsewhere brings them back for as long as its restore takes, and no longer."""
    with kith(ready=True) as house:
        told: dict[str, Any] = json.loads(house.python(SCRIPT).splitlines()[-1])
        log = (house.home / "postgres" / "server.log").read_text()
    assert set(told["tables"]) >= BESIDE
    assert len(told["unsown"]) <= 3  # what is built anew from what was sown
    assert told["refused"]
    assert "duplicate key value violates" in log
    assert (told["killed"], told["midway"][0], told["state"]) == (-9, "running", "done")
    assert told["midway"][1] >= 1
    assert {where: fields for where, fields in told["left"].items() if fields} == {}
    assert (told["in_backup"], told["old"], len(told["kept"])) == (True, 1, 1)
    assert {where: fields for where, fields in told["left_in_home"].items() if fields} == {}
    assert any("[1/1] Erasing again" in line for line in told["restored"])
    assert {where: fields for where, fields in told["left_by_restore"].items() if fields} == {}


@pytest.mark.django_db
def test_no_row_is_told_by_an_error_in_the_log() -> None:
    address = f"{uuid.uuid4()}@birds.example"
    Identity.objects.create(network="email", external_id=address)
    record = logging.makeLogRecord({"msg": "it failed"})
    try:
        Identity.objects.create(network="email", external_id=address)
    except IntegrityError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    line = Line("%(message)s").format(record)
    assert "duplicate key value violates" in line
    assert "Traceback" in line
    assert address not in line
