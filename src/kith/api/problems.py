"""Errors in one shape: RFC 9457 problem details, naming the field to blame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Ends a request with this answer. `errors` are (field, message) pairs; `field` is a path like `identities.0.network`.
    `clash` is what stands in the way of an answer, as SCHEMA tells."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        clash: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.clash = status, detail, clash
        self.errors = list(errors)
        self.headers = dict(headers or {})


def blame(field: str, message: str, *, status: int = 422) -> Problem:
    """A problem with one field."""
    return Problem(status, message, errors=[(field, message)])


def answer(problem: Problem) -> HttpResponse:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = [{"field": field, "message": message} for field, message in problem.errors]
    if problem.clash is not None:
        body["clash"] = dict(problem.clash)
    return HttpResponse(
        json.dumps(body, ensure_ascii=False),
        status=problem.status,
        content_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def from_validation(found: list[dict[str, Any]]) -> Problem:
    """Pydantic's findings, with paths as a caller wrote them."""
    errors = []
    for item in found:
        places = [str(part) for part in item.get("loc", ())]
        where = places.pop(0) if places else "body"
        if where in ("body", "query") and places and places[0] in ("body", "query"):
            places.pop(0)
        errors.append((".".join(places) or where, str(item.get("msg", ""))[:300]))
    first = errors[0] if errors else ("body", "is not valid")
    return Problem(422, f"{first[0]}: {first[1]}", errors=errors)


SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "additionalProperties": False,
            },
        },
        "clash": {
            "description": "Why an answer was not taken (409): what stands there by now, or who is typing. "
            "Read it, and send `confirm` with its `key` to answer all the same.",
            "type": "object",
            "required": ["key", "kind", "message_id", "author", "at", "snippet", "count", "typing"],
            "properties": {
                "key": {"type": "string"},
                "kind": {"enum": ["answered", "added", "typing"]},
                "message_id": {"type": ["string", "null"], "format": "uuid"},
                "author": {"type": "string"},
                "at": {"type": ["string", "null"], "format": "date-time"},
                "snippet": {"type": "string"},
                "count": {"type": "integer", "description": "How many messages are new."},
                "typing": {"type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
