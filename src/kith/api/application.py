"""The API as one application: Ninja's operations inside our own door (token, size, transaction, errors)."""

from __future__ import annotations

import copy
import functools
import logging
import re
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from kith.api import access, idempotency, problems
from kith.api.problems import Problem, blame
from kith.contacts.services.contacts import ContactError
from kith.conversations.services.actions import ActionError
from kith.teams.errors import NotAllowed, TeamsError

log = logging.getLogger(__name__)
PREFIX = "/api/v1/"
LARGEST = 1024 * 1024  # bytes of a request's body
WRITES = ("POST", "PUT", "PATCH", "DELETE")
View = Callable[..., HttpResponseBase]

_TOLD = {
    400: "The request can't be read.",
    401: "The token is missing, unknown or has ended.",
    403: "The token or its user may not do this.",
    404: "There is no such thing, or the token's user may not see it.",
    405: "This address does not take this method.",
    409: "The state of things does not allow it; the sentence says why.",
    413: "The body is larger than a megabyte.",
    415: "The body is not application/json.",
    422: "A field is wrong; `errors` names it.",
    429: "Too many requests; Retry-After says how many seconds to wait.",
}


class KithAPI(NinjaAPI):
    """Ninja with our errors, and with a schema that tells of them and of Idempotency-Key."""

    def get_openapi_schema(self, **rest: Any) -> Any:
        schema = super().get_openapi_schema(**rest)
        schema["components"].setdefault("schemas", {})["Problem"] = problems.SCHEMA
        content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for methods in schema["paths"].values():
            for method, operation in list(methods.items()):
                # Ninja shares one dict among the methods of an operation
                methods[method] = operation = copy.deepcopy(operation)
                for status, told in _TOLD.items():
                    answer: dict[str, Any] = {"description": told, "content": content}
                    if status == 429:
                        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
                    operation["responses"].setdefault(status, answer)
                if method.upper() in WRITES:
                    operation["parameters"].append(
                        {
                            "in": "header",
                            "name": idempotency.HEADER,
                            "required": False,
                            "description": "The same key with the same request is done once; its answer is kept for a day.",
                            "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
                        }
                    )
        return schema

    @functools.cached_property
    def query_names(self) -> dict[tuple[str, str], frozenset[str]]:
        """Which query parameters each (method, path) takes."""
        return {
            (method.upper(), path): frozenset(p["name"] for p in found["parameters"] if p["in"] == "query")
            for path, methods in self.get_openapi_schema(path_prefix=PREFIX)["paths"].items()
            for method, found in methods.items()
        }

    def check_query(self, request: HttpRequest) -> None:
        """A filter that is misspelt would give everything; so it is refused. Raises Problem 422."""
        match = request.resolver_match
        if not request.GET or match is None or request.method is None:
            return
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", match.route)
        known = self.query_names.get((request.method, path))
        if known is not None and (unknown := sorted(set(request.GET) - known)):
            raise blame(unknown[0][:100], "There is no such parameter.")


def _on_error(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return problems.answer(_problem_of(error if isinstance(error, Exception) else error()))


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return problems.from_validation(error.errors)
    if isinstance(error, Http404):
        return Problem(404, "There is no such thing, or you may not see it.")
    if isinstance(error, NotAllowed):
        return Problem(403, str(error))
    if isinstance(error, (TeamsError, ContactError, ActionError)):
        field = getattr(error, "field", "")
        return Problem(409, str(error), errors=[(field, str(error))] if field else [])
    if isinstance(error, HttpError):
        return Problem(error.status_code, str(error))
    log.exception("the API failed", exc_info=error)
    return Problem(500, "Something went wrong here; it is logged.")


def make(title: str, description: str) -> KithAPI:
    api = KithAPI(
        title=title,
        version="1",
        description=description,
        docs_url=None,
        urls_namespace="api",
        openapi_url=None,
    )
    for kind in (Problem, ValidationError, Http404, HttpError, Exception):
        api.add_exception_handler(kind, _on_error)
    return api


def _check_body(request: HttpRequest) -> None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > LARGEST:
        raise Problem(413, f"A request has at most {LARGEST} bytes.")
    if request.method in WRITES and int(length) and request.content_type != "application/json":
        raise Problem(415, "Send application/json.")


def _door(api: KithAPI, view: View) -> View:
    """Around every operation: caller, size, one transaction, Idempotency-Key, and errors in one shape."""

    @functools.wraps(view)
    def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            caller = access.enter(request)
            _check_body(request)
            api.check_query(request)
        except Problem as problem:
            return problems.answer(problem)
        request.kith_caller = caller  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                response = _once(view, request, caller, args, kwargs)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
        except Problem as problem:
            response = problems.answer(problem)
        except IntegrityError:
            log.exception("the API met a conflict")
            response = problems.answer(Problem(409, "Somebody else changed the same thing; try again."))
        if response.status_code == 405 and response.headers.get("Content-Type") != problems.MEDIA_TYPE:
            allowed = {"Allow": response.headers.get("Allow", "")}
            response = problems.answer(
                Problem(405, "This address does not take this method.", headers=allowed)
            )
        response.headers["X-RateLimit-Remaining"] = str(max(0, caller.remaining))
        response.headers["Cache-Control"] = "no-store"
        return response

    return csrf_exempt(transaction.non_atomic_requests(inside))


def _once(
    view: View, request: HttpRequest, caller: access.Caller, args: Any, kwargs: Any
) -> HttpResponseBase:
    mine = idempotency.begin(request, caller)
    if isinstance(mine, HttpResponse):
        return mine
    response = view(request, *args, **kwargs)
    if mine is not None and isinstance(response, HttpResponse) and response.status_code < 400:
        idempotency.store(mine, request, response, caller)
    return response


@csrf_exempt
@transaction.non_atomic_requests
def nothing_here(request: HttpRequest) -> HttpResponse:
    return problems.answer(Problem(404, "There is no such address in the API."))


def urls(api: KithAPI, schema: View, docs: View, style: View) -> list[URLPattern]:
    """Ninja's patterns behind the door, the schema and its page in front of it, and an answer for all else."""
    found: list[URLPattern] = [
        path("openapi.json", schema, name="api-schema"),
        path("docs", docs, name="api-docs"),
        path("docs.css", style, name="api-docs-style"),
    ]
    for pattern in api.urls[0]:
        if not isinstance(pattern, URLPattern) or pattern.name in ("api-root",):
            continue
        found.append(
            URLPattern(pattern.pattern, _door(api, pattern.callback), pattern.default_args, pattern.name)
        )
    return [*found, re_path("", nothing_here, name="api-nothing")]
