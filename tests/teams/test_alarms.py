"""Alarms reach administrators, and nobody twice in a day."""

from __future__ import annotations

import pytest
from django.core import mail

from kith.core import alarms
from kith.teams.models import Notification
from tests.support import house

pytestmark = pytest.mark.django_db


def test_an_alarm_reaches_those_who_run_the_house_once() -> None:
    owner = house.user("Olga", role="owner", language="de")
    house.user("Anna")
    assert alarms.sound("backup", "The nightly backup is missing.")
    assert not alarms.sound("backup", "The nightly backup is missing.")
    assert [n.user_id for n in Notification.objects.all()] == [owner.id]
    assert [m.to for m in mail.outbox] == [[owner.email]]
    assert "nightly backup" in mail.outbox[0].body
