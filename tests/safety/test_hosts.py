"""The Host header is the caller's word: only names of ours are answered, and none of it gets into a link."""

from __future__ import annotations

import pytest
from django.test import Client

from kith.core import company

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _company() -> None:
    company.set_value("name", "Us")
    company.set_value("public_url", "https://kith.us.example")


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "kith.us.example.evil.example",
            "evilkith.us.example",
            "kith.us.example@evil.example",
        ),
        *(
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "rebind.network",
            "kith.us.example/..",
            "",
            "a b",
            "x" * 300,
        ),
        *("kith.us.example\\.evil.example", "kith.us.example:80:80", "*"),
    ],
)
def test_a_foreign_name_is_not_answered(host: str) -> None:
    answer = Client(HTTP_HOST=host).get("/accounts/login/")
    assert answer.status_code == 400
    assert host not in answer.content.decode() or not host


@pytest.mark.parametrize(
    "host",
    [
        "kith.us.example",
        "KITH.us.example:443",
        "localhost:8000",
        "127.0.0.1:8000",
        "[::1]:8000",
        "192.168.1.5",
        "a.localhost",
    ],
)
def test_names_of_ours_are(host: str) -> None:
    assert Client(HTTP_HOST=host).get("/accounts/login/").status_code == 200


def test_a_forwarded_host_of_a_stranger_counts_for_nothing() -> None:
    answer = Client().get(
        "/accounts/login/", HTTP_X_FORWARDED_HOST="evil.example", HTTP_X_FORWARDED_PROTO="https"
    )
    assert answer.status_code == 200
    assert "evil.example" not in answer.content.decode()
