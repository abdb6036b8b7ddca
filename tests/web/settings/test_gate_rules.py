"""The list of the gate's rules, to which their names lead from wherever something is held or denied."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from kith.contacts.models import Identity
from kith.contacts.services import contact_create
from kith.policy.decide import ORDER
from kith.web.mailings.words import RULES
from tests.support.cast import cast_make

pytestmark = pytest.mark.django_db


def test_whoever_works_here_reads_every_rule_in_its_order() -> None:
    client = Client()
    client.force_login(cast_make().carl)
    text = client.get(reverse("settings:gate_rules")).content.decode()
    places = [text.index(f'<li id="{rule.name}"') for rule in ORDER]
    assert places == sorted(places)


@pytest.mark.parametrize("language", ["de", "es"])
def test_every_rule_is_told_in_every_language(language: str) -> None:
    with translation.override("en"):
        english = {rule.name: str(RULES[rule.name]) for rule in ORDER}
    with translation.override(language):
        told = {rule.name: str(RULES[rule.name]) for rule in ORDER}
    assert not {name for name in english if english[name] == told[name] or "%(" in told[name]}


def test_the_name_of_a_rule_leads_to_what_it_says() -> None:
    cast = cast_make()
    client = Client()
    client.force_login(cast.olga)
    ada = contact_create(name="Ada")
    Identity.objects.create(network="email", external_id="ada@x.example", handle="ada@x.example", contact=ada)
    place = reverse("person_by_hand_verdict", args=[ada.pk])
    text = client.get(place, {"kind": "call", "purpose": "offers"}).content.decode()
    assert f'href="{reverse("settings:gate_rules")}#first_contact"' in text
