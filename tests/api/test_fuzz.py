"""Schemathesis asks everything of every operation, in process: no 5xx, and answers that the schema tells of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kith.api import access
from kith.api.application import PREFIX
from kith.api.urls import api as api_itself
from kith.config.wsgi import application
from tests.api.support import furnish

EXAMPLES = 15
KNOWN: dict[str, str] = {}
STATUSES: dict[tuple[str, str], set[int]] = defaultdict(set)
pytestmark = pytest.mark.django_db
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


RAW = json.loads(json.dumps(api_itself.get_openapi_schema(path_prefix=PREFIX), default=str))
OPERATIONS = sorted((method.upper(), path) for path, methods in RAW["paths"].items() for method in methods)


@pytest.fixture
def connection_stays(token: str) -> Iterator[None]:
    """A WSGI request closes its connection when it ends; here it is that of the test's transaction.

    After `token`: Django's test client, which furnishes the house, connects the signals anew.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def token(api_for: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that may do everything, in a house with a person, a company and a conversation to stumble upon."""
    monkeypatch.setattr(access, "A_MINUTE", 10**9)
    api = api_for(role="owner")
    known = furnish(api)
    KNOWN.update(
        person_id=known["person"],
        identity_id=known["identity"],
        organization_id=known["organization"],
        conversation_id=known["conversation"],
        channel_id=known["account"],
        message_id=known["message"],
        attachment_id=known["message"],
        merge_id=known["merge"],
        webhook_id=known["webhook"],
        mailing_id=known["mailing"],
    )
    raw: str = api.raw
    return raw


@pytest.mark.usefixtures("connection_stays")
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_is_sent(method: str, path: str, token: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)

    @given(data=st.data())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def ask(data: Any) -> None:
        mode = data.draw(st.sampled_from(list(GenerationMode)))
        case = data.draw(schema[path][method].as_strategy(generation_mode=mode))
        checks = CHECKS
        if case.path_parameters and data.draw(st.booleans()):
            checks = CHECKS[:-1]  # what made the case a bad one may just have been replaced
            case.path_parameters = {name: KNOWN[name] for name in case.path_parameters}
        if isinstance(case.body, dict) and data.draw(st.booleans()):
            checks = CHECKS[:-1]
            case.body = {name: KNOWN.get(name, value) for name, value in case.body.items()}
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=checks)

        STATUSES[method, path].add(answer.status_code)

    ask()


def test_it_asked_every_operation_and_most_answered() -> None:
    assert len(OPERATIONS) >= 48
    if len(STATUSES) == len(OPERATIONS):  # (all ran in this process)
        silent = [where for where, seen in STATUSES.items() if not any(status < 300 for status in seen)]
        assert len(silent) <= 8, silent
