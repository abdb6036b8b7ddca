"""What people type is text: never a template, a format, a formula, a field that no form has, or another's address."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from tests.web.people import PASSWORD, person, signed_in

pytestmark = pytest.mark.django_db
TEMPLATES = [
    *(
        "{{7*7}}",
        "{% raw %}x{% endraw %}",
        "{{config}}",
        "{{ ''.__class__.__mro__ }}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
    ),
    *(
        "{0.__class__.__init__.__globals__}",
        "{name.__class__}",
        "{user.password}",
        "%(password)s",
        "%s%s%n",
        "$password",
    ),
]
TARGETS = [
    *(
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
    ),
    *(
        "http://testserver@evil.example/",
        "javascript:alert(1)",
        "%2f%2fevil.example",
        "/%09/evil.example",
        "\thttps://evil.example",
    ),
    *(
        "data:text/html,x",
        "https://testserver.evil.example/",
        "//evil.example\\@testserver/",
        "http:///evil.example",
    ),
]


def test_templates_that_users_write_are_not_run() -> None:
    from kith.engagement.models import Macro, SavedReply

    client, _user = signed_in("Olga2", "owner")
    for number, text in enumerate(TEMPLATES):
        SavedReply.objects.create(name=f"{number} {text}"[:120], text=text)
        Macro.objects.create(name=f"{number} {text}"[:120], steps=[{"do": "reply", "text": text}])
    for path in ("/settings/replies/", "/settings/macros/"):
        page = client.get(path).content.decode()
        assert "{{7*7}}" in page
        assert "mappingproxy" not in page
        assert "&lt;class" not in page


@pytest.mark.parametrize("target", TARGETS)
def test_signing_in_leads_to_pages_of_ours_only(target: str) -> None:
    from django.core.cache import cache

    cache.clear()
    person("Ada")
    answer = Client().post(
        "/accounts/login/",
        {"login": "ada@us.example", "password": PASSWORD, "next": target},
        headers={"user-agent": "x"},
    )
    assert answer.status_code in (200, 302)
    # As a browser reads it: backslashes are slashes, and control characters are none.
    location = re.sub(r"[\t\r\n]", "", answer.headers.get("Location", "/")).replace("\\", "/")
    assert urlsplit(urljoin("http://testserver/accounts/login/", location)).netloc == "testserver"
    assert "javascript:" not in answer.headers.get("Location", "")


def test_a_form_changes_only_what_it_shows() -> None:
    client, user = signed_in("Ada", "agent")
    more = {
        "role": "owner",
        "is_superuser": "1",
        "is_staff": "1",
        "email": "evil@evil.example",
        "password": "x",
        "id": "1",
    }
    client.post("/settings/profile/", {"name": "Ada B", "language": "", "time_zone": "", "theme": "", **more})
    user.refresh_from_db()
    assert (user.name, user.role, user.email) == ("Ada B", "agent", "ada@us.example")
    assert user.check_password(PASSWORD)


def test_the_api_takes_no_field_that_it_does_not_name() -> None:
    from kith.teams.services.tokens import api_token_create
    from kith.teams.types import API_PERMISSIONS

    _client, user = signed_in("Ada", "agent")
    _token, raw = api_token_create(user=user, name="t", permissions=API_PERMISSIONS)
    more = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "canonical_id": None,
        "deleted_at": None,
        "role": "owner",
    }
    for key, value in more.items():
        answer = Client().post(
            "/api/v1/people",
            json.dumps({"name": "Eve", key: value}),
            content_type="application/json",
            headers={"authorization": f"Bearer {raw}"},
        )
        assert answer.status_code == 422, (key, answer.content)


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"name":' * 20_000,
        '{"name": ' + "9" * 100_000 + "}",
        '{"name": "' + "x" * 900_000 + '"}',
        "NaN",
    ],
)
def test_json_that_is_a_bomb_is_refused_quickly(body: str) -> None:
    import time

    from kith.teams.services.tokens import api_token_create
    from kith.teams.types import API_PERMISSIONS

    _client, user = signed_in("Ada", "agent")
    _token, raw = api_token_create(user=user, name="t", permissions=API_PERMISSIONS)
    begin = time.process_time()
    answer = Client(raise_request_exception=False).post(
        "/api/v1/people", body, content_type="application/json", headers={"authorization": f"Bearer {raw}"}
    )
    assert answer.status_code in (400, 413, 422), answer.content[:300]
    assert time.process_time() - begin < 3
