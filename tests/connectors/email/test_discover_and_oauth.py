"""Servers found from an address; tokens asked for and renewed; all with answers made up here."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kith.connectors.contract import BadPayload, ReconnectNeeded, Refused, RetryLater, Setup
from kith.connectors.email.connector import Connector
from kith.connectors.email.discover import discover, http_get, read_autoconfig
from kith.connectors.email.oauth import xoauth2

XML = b"""<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x">
<incomingServer type="pop3"><hostname>pop.shop.example</hostname><port>995</port><socketType>SSL</socketType><username>%EMAILLOCALPART%</username></incomingServer>
<incomingServer type="imap"><hostname>in.shop.example</hostname><port>143</port><socketType>STARTTLS</socketType><username>%EMAILADDRESS%</username></incomingServer>
<incomingServer type="imap"><hostname>in.shop.example</hostname><port>993</port><socketType>SSL</socketType><username>%EMAILLOCALPART%</username></incomingServer>
<outgoingServer type="smtp"><hostname>out.shop.example</hostname><port>587</port><socketType>STARTTLS</socketType></outgoingServer>
</emailProvider></clientConfig>"""


def nothing(url: str) -> None:
    return None


def no_records(name: str, kind: str) -> list[str]:
    raise OSError("no network")


def test_known_providers_need_no_network() -> None:
    def fails(*_: str) -> Any:
        raise AssertionError("asked the network")

    (first,) = discover("Some.One@GMAIL.com", fails, fails)
    assert (first.host, first.port, first.security) == ("imap.gmail.com", 993, "tls")
    assert (first.provider, first.authserv_id, first.sent_copy) == ("google", "mx.google.com", "server")
    assert "Gmail" in first.source


def test_the_settings_that_a_domain_publishes_come_first() -> None:
    asked = []

    def get(url: str) -> bytes | None:
        asked.append(url)
        return XML if url.startswith("https://autoconfig.shop.example/") else None

    found = discover("ben@shop.example", get, no_records)
    assert (found[0].host, found[0].port, found[0].security, found[0].username) == (
        "in.shop.example",
        993,
        "tls",
        "ben",
    )
    assert (found[0].smtp_host, found[0].smtp_port, found[0].smtp_security) == (
        "out.shop.example",
        587,
        "starttls",
    )
    assert "publishes" in found[0].source
    assert [one.host for one in found[1:]] == [
        "imap.shop.example",
        "imap.shop.example",
        "mail.shop.example",
        "mail.shop.example",
    ]
    assert all("guess" in one.source for one in found[1:])
    assert all(url.startswith("https://") for url in asked)


def test_service_records_and_mail_exchangers() -> None:
    records = {
        ("_imaps._tcp.shop.example", "SRV"): ["0 0 0 .", "5 1 993 imap.host.example."],
        ("_submission._tcp.shop.example", "SRV"): ["0 1 587 smtp.host.example."],
        ("shop.example", "MX"): ["10 aspmx.l.google.com."],
    }
    found = discover("ben@shop.example", nothing, lambda name, kind: records.get((name, kind), []))
    assert (found[0].host, found[0].smtp_host, found[0].smtp_security) == (
        "imap.host.example",
        "smtp.host.example",
        "starttls",
    )
    assert found[0].source == "the service records of shop.example"
    assert (found[1].host, found[1].provider) == ("imap.gmail.com", "google")
    assert "mail exchanger" in found[1].source


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<", b"<html/>", b"\xff\xfe<a/>", XML.replace(b"SSL", b"plain").replace(b"STARTTLS", b"plain"),
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + XML, XML.replace(b">993<", b">99999999<").replace(b">143<", b">0<").replace(b">995<", b">x<"),
        XML.replace(b"in.shop", b"in shop").replace(b"pop.shop", b"localhost/"), XML + b" " * 300_000,
    ],
)  # fmt: skip
def test_settings_that_are_broken_or_hostile_are_left_out(body: bytes) -> None:
    assert read_autoconfig(body, "ben@shop.example", "x") is None
    assert len(discover("ben@shop.example", lambda url: body, no_records)) == 4


def test_what_is_no_address_has_no_servers() -> None:
    assert discover("nobody", nothing, no_records) == []
    assert discover("a@[127.0.0.1]", nothing, no_records) == []


def connector(answer: Any, settings: dict[str, str] | None = None, **secrets: str) -> Connector:
    def http(*, headers: dict[str, str] | None = None, follow_redirects: bool = False) -> httpx.Client:
        return httpx.Client(
            transport=httpx.MockTransport(answer), headers=headers, follow_redirects=follow_redirects
        )

    given = {"address": "ben@gmail.com", "auth": "oauth", "client_id": "id-1", **(settings or {})}
    return Connector(Setup(settings=given, secrets=secrets, http=http, guard=lambda host, port: []))


def test_the_page_where_one_allows_it() -> None:
    url = connector(None).authorize_url(redirect_uri="https://kith.example/back", state="s&1")
    query = parse_qs(urlsplit(url).query)
    assert url.startswith("https://accounts.google.com/")
    assert query["state"] == ["s&1"]
    assert query["redirect_uri"] == ["https://kith.example/back"]
    assert query["access_type"] == ["offline"]
    microsoft = connector(None, {"provider": "microsoft"}).authorize_url(
        redirect_uri="https://k.example/", state="x"
    )
    assert "offline_access" in parse_qs(urlsplit(microsoft).query)["scope"][0]
    with pytest.raises(Refused) as caught:
        connector(None, {"client_id": ""}).authorize_url(redirect_uri="https://k.example/", state="x")
    assert caught.value.field == "client_id"


def test_codes_are_exchanged_and_tokens_renewed() -> None:
    forms: list[dict[str, list[str]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        forms.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json={"access_token": "new", "expires_in": 3600, "refresh_token": "r2"})

    made = connector(answer, client_secret="cs", refresh_token="r1")
    first = made.exchange(code="c", redirect_uri="https://k.example/")
    assert first["access_token"] == "new"
    assert first["refresh_token"] == "r2"
    assert int(first["expires_at"]) > 1_700_000_000
    made.refresh()
    assert forms[0]["grant_type"] == ["authorization_code"]
    assert forms[1]["refresh_token"] == ["r1"]
    assert forms[1]["client_secret"] == ["cs"]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), ReconnectNeeded), (httpx.Response(401, json={"error": "invalid_client"}), Refused),
        (httpx.Response(429, headers={"retry-after": "7"}), RetryLater), (httpx.Response(503, text="<html>"), RetryLater),
        (httpx.Response(200, text="<html>"), BadPayload), (httpx.Response(200, text="[1]"), BadPayload),
        (httpx.Response(200, text='{"access_token": '), BadPayload), (httpx.ConnectTimeout("slow"), RetryLater),
    ],
)  # fmt: skip
def test_what_goes_wrong_with_tokens(response: httpx.Response | Exception, error: type[Exception]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        return response

    with pytest.raises(error) as caught:
        connector(answer, refresh_token="secret-token").refresh()
    assert "secret-token" not in str(caught.value)
    if isinstance(response, httpx.Response) and response.status_code == 429:
        assert caught.value.after == 7  # type: ignore[attr-defined]


def test_without_a_refresh_token_one_signs_in_again() -> None:
    with pytest.raises(ReconnectNeeded):
        connector(None).refresh()


def test_no_secret_in_a_repr() -> None:
    made = connector(None, access_token="very-secret", password="also-secret")
    from kith.connectors.email.options import read

    assert "secret" not in repr(made._setup) + repr(read(made._setup)) + repr(made)


def test_places_that_fail_are_left_out() -> None:
    def factory(**_: Any) -> httpx.Client:
        return httpx.Client(
            transport=httpx.MockTransport(
                lambda request: httpx.Response(
                    404 if "well" in str(request.url) else 200, content=b"x" * 300_000
                )
            )
        )

    get = http_get(factory)
    assert get("https://shop.example/.well-known/x") is None
    assert get("https://shop.example/large") is None
    assert get("not an address") is None


def test_xoauth2_answer() -> None:
    assert xoauth2("ben@x.example", "t") == "user=ben@x.example\x01auth=Bearer t\x01\x01"
