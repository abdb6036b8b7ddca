"""Canaries: secrets that are put in, and looked for in everything that comes out."""

from __future__ import annotations

import io
import logging
import logging.config
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, RequestFactory
from django.views.debug import technical_500_response

from kith.channels import gateway
from kith.config import environment
from kith.core import secrets
from kith.core.logs import hide_secrets
from kith.networks.models import ChannelAccount
from tests.support import house

CANARY = "Kanarie-7f3c9e-Vogel"

LINES = [
    f"password={CANARY}",
    f"the access_token={CANARY}&x=1",
    f"refresh_token: {CANARY}",
    f'{{"password": "{CANARY}", "user": "x"}}',
    f"{{'client_secret': '{CANARY}'}}",
    f"{{'smtp_password': b'{CANARY}'}}",
    f"Authorization: Bearer {CANARY}",
    f"('Authorization', 'Basic {CANARY}')",
    f"Cookie: sessionid={CANARY}; csrftoken=x",
    f"https://us:{CANARY}@mail.example/inbox",
    f"smtp://:{CANARY}@mail.example",
    f"GET /x?api_key={CANARY} HTTP/1.1",
    f"X-Api-Key={CANARY}",
    f"/invitation/{CANARY}/",
    f"Gone: /accounts/password/reset/key/1-{CANARY}/",
    f"kith_{CANARY}abcdefghijklmnop",
    f"passphrase => '{CANARY} with spaces'",
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_written_without_its_secret(line: str) -> None:
    assert CANARY not in hide_secrets(f"before {line} after")


@pytest.mark.parametrize(
    "line",
    [
        "the token of a visitor",
        "a secret life",
        "no password was given",
        "https://example.org/a:b",
        "keys are kept",
    ],
)
def test_ordinary_words_stay(line: str) -> None:
    assert hide_secrets(line) == line


def _logged(write: Any) -> str:
    """What `write` sends through the handler that the settings make."""
    made = logging.config.DictConfigurator(
        {**settings.LOGGING, "loggers": {}, "root": {}, "incremental": False}
    )
    made.config["formatters"] = settings.LOGGING["formatters"]
    formatter = made.configure_formatter(settings.LOGGING["formatters"]["line"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    log = logging.Logger("canary")
    log.addHandler(handler)
    write(log)
    return stream.getvalue()


def test_a_traceback_is_written_without_its_secret() -> None:
    def fail(log: logging.Logger) -> None:
        try:
            raise OSError(f"no answer from https://api.example/?access_token={CANARY}")
        except OSError:
            log.exception("a channel failed, password=%s", CANARY)

    text = _logged(fail)
    assert "no answer from" in text
    assert "Traceback" in text
    assert CANARY not in text


def test_hiding_is_linear() -> None:
    """Lines of strangers pass here: none may take long (200 kB in less than 2 s)."""
    import time

    for evil in (
        "token" * 40_000,
        "a" * 200_000,
        "://" + "a" * 200_000,
        "password" + " " * 200_000,
        "_-" * 100_000,
    ):
        begin = time.process_time()
        hide_secrets(evil)
        assert time.process_time() - begin < 2, evil[:20]


def test_settings_are_shown_without_secrets() -> None:
    given = {
        "KITH_ENV": "development",
        "KITH_SECRET_KEY": CANARY,
        "DATABASE_URL": f"postgresql://kith:{CANARY}@db.example/kith",
        "KITH_MAIL_URL": f"smtp://kith:{CANARY}@mail.example:587",
        "KITH_OIDC_CLIENT_SECRET": CANARY,
        "KITH_HOME": "/srv/kith",
    }
    loaded = environment.load(given)
    assert CANARY in loaded.mail_url
    assert CANARY not in repr(loaded)
    assert CANARY not in f"{loaded} {loaded!s}"
    assert "/srv/kith" in repr(loaded)
    with pytest.raises(Exception, match="DATABASE_URL") as caught:
        environment.load({**given, "DATABASE_URL": f"mysql://kith:{CANARY}@db.example/kith"})
    assert CANARY not in str(caught.value)


def test_the_error_page_of_development_shows_no_secret(settings: Any) -> None:
    settings.KITH = environment.load(
        {"KITH_ENV": "development", "KITH_MAIL_URL": f"smtp://k:{CANARY}@m.example"}
    )
    settings.SECRET_KEY = CANARY
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [{"client_id": "x", "secret": CANARY}]}}
    request = RequestFactory().post("/x", {"password": CANARY}, HTTP_COOKIE=f"sessionid={CANARY}")
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {CANARY}"
    try:
        raise ValueError("a bug")
    except ValueError as error:
        page = technical_500_response(request, type(error), error, error.__traceback__)
    text = page.content.decode()
    shown = text[text.index('id="settings-info"') :] if "settings-info" in text else text
    assert "KITH" in shown
    assert CANARY not in shown


@pytest.mark.django_db
def test_credentials_lie_encrypted_and_show_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    account = house.mailbox(secrets={"password": CANARY, "token": CANARY})
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text, secrets FROM networks_channelaccount t")
        for text, stored in cursor.fetchall():
            assert CANARY not in text
            assert CANARY.encode() not in bytes(stored)
    kept = ChannelAccount.objects.get(pk=account.pk)
    assert kept.secrets["password"] == CANARY
    assert CANARY not in repr(kept)
    assert CANARY not in str(kept)
    connector: Any = gateway.connector_for(kept)
    setup = next(value for value in vars(connector).values() if type(value).__name__ == "Setup")
    assert CANARY not in repr(setup)
    assert CANARY not in caplog.text


def test_a_changed_secret_is_noticed_not_read() -> None:
    stored = bytearray(secrets.encrypt(CANARY.encode()))
    for at in (0, 3, 10, 20, len(stored) - 1):
        broken = bytearray(stored)
        broken[at] ^= 1
        with pytest.raises(secrets.SecretsUnreadable) as caught:
            secrets.decrypt(bytes(broken))
        assert CANARY not in str(caught.value)


@pytest.mark.django_db
def test_no_child_process_gets_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser of hostile bytes and PostgreSQL: nothing of ours in their environment or arguments."""
    import subprocess
    from pathlib import Path

    from kith.channels.parser import Parser
    from kith.core.postgres import cluster

    monkeypatch.setenv("KITH_MAIL_URL", f"smtp://k:{CANARY}@m.example")
    monkeypatch.setenv("KITH_SECRET_KEY", CANARY)
    seen: list[str] = []
    real = subprocess.Popen

    class Popen(real):  # type: ignore[type-arg,misc]
        def __init__(self, args: Any, **rest: Any) -> None:
            seen.append(f"{args} {rest.get('env')}")
            assert rest.get("env") is not None
            super().__init__(args, **rest)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with Parser() as parser:
        child = parser._running()
        there = Path(f"/proc/{child.pid}/environ")
        if there.exists():
            assert CANARY.encode() not in there.read_bytes()
    assert CANARY not in str(cluster._environment())
    assert seen
    assert CANARY not in " ".join(seen)


@pytest.mark.django_db
def test_a_wrong_password_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    house.user("Ada")
    caplog.set_level(logging.DEBUG)
    Client().post("/accounts/login/", {"login": "ada@us.example", "password": CANARY})
    assert CANARY not in caplog.text
