"""Whose name a mail carries: the colleague's, and what the company put behind it."""

from __future__ import annotations

import pytest

from kith.channels.outgoing import _from_name
from kith.conversations.models import Message
from kith.core import company
from tests.support import house

pytestmark = pytest.mark.django_db


def test_the_company_chooses_what_stands_behind_a_colleagues_name() -> None:
    account = house.mailbox(display_name="Bicycles, info")
    answer = Message(author=house.user("Ann"))
    assert _from_name(answer, account) == "Ann · Bicycles, info"
    company.set_value("outgoing_name", "Bicycles Ltd")
    assert _from_name(answer, account) == "Ann · Bicycles Ltd"
    assert _from_name(Message(), account) == "Bicycles Ltd"
    company.set_value("outgoing_name", "")
    assert _from_name(Message(), account) == "Bicycles, info"
