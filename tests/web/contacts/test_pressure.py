"""The chart of the whole company's offers: its axis, and no week left out."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.test import Client

from kith.base.clock import now
from kith.trust.models import Touch
from kith.web.people.pressure import ticks
from tests.web.people import person


@pytest.mark.parametrize("most", [0, 1, 3, 4, 5, 9, 35, 40, 41, 99, 1200, 123_456])
def test_an_axis_ends_at_a_round_number_that_holds_the_highest(most: int) -> None:
    found = ticks(most)
    assert found[0] == 0
    assert found[-1] >= most
    assert 2 <= len(found) <= 5
    assert len({after - before for before, after in pairwise(found)}) == 1
    assert not most or found[-1] - most < found[1], "a whole step of nothing above the highest"


@pytest.mark.django_db
def test_a_week_without_any_offer_has_its_place(client: Client) -> None:
    client.force_login(person("Olga", "owner"))
    for days in (3, 31):
        Touch.objects.create(
            kind="campaign", channel="email", purpose="offers", state="made", planned_for=now() - timedelta(days=days)
        )  # fmt: skip
    answer = client.get("/attention/")
    page = answer.content.decode()
    assert page.count('<th scope="row"') == 5
    assert page.count("<rect x=") == 2
