"""Numbers that an address bar or a form says: what is none is as if it were not said, and never an error of ours."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from kith.core.fields import as_number
from tests.support.cast import cast_make

NONE = ["", "²", "--5", "-", "1.5", "٣", "9" * 5000, " 7"]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number_is_as_if_not_said(text: str) -> None:
    assert as_number(text, 4) == 4


def test_numbers_are_read() -> None:
    assert (as_number("-5"), as_number("007"), as_number("123456789"), as_number("123456789", digits=9)) == (
        -5, 7, 0, 123456789,
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("text", NONE)
def test_no_screen_falls_over_one(text: str) -> None:
    cast = cast_make()
    client = Client()
    client.force_login(cast.olga)
    after = {"after": f"{text}.{uuid4()}"}
    for path, query in (
        ("/people/", {"last": text}),
        ("/inbox/", {"shown": text}),
        ("/held/", after),
    ):
        assert client.get(path, query).status_code in (200, 302), path
