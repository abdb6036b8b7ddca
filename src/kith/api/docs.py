"""The schema, and a page that shows it: rendered here, with nothing from elsewhere."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from jinja2 import Environment, StrictUndefined

from kith.api.application import PREFIX, KithAPI

HERE = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _kind(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    return str(schema.get("format") or schema.get("type") or "anything")


def _limits(schema: dict[str, Any]) -> str:
    found = []
    if "maxLength" in schema:
        found.append(f"up to {schema['maxLength']} characters")
    if "maxItems" in schema:
        found.append(f"up to {schema['maxItems']}")
    if "minimum" in schema and "maximum" in schema:
        found.append(f"{schema['minimum']} to {schema['maximum']}")
    if schema.get("default") not in (None, "", [], {}):
        found.append(f"default {schema['default']}")
    return ", ".join(found)


class Pages:
    """Views of one API: its schema, its page, and the page's style."""

    def __init__(self, api: KithAPI) -> None:
        self._api = api

    @lru_cache(maxsize=1)  # noqa: B019  (one for the life of the process)
    def _schema(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(
            json.dumps(self._api.get_openapi_schema(path_prefix=PREFIX), default=str)
        )
        return plain

    def schema(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(json.dumps(self._schema()), content_type="application/json")

    def page(self, request: HttpRequest) -> HttpResponse:
        environment = Environment(
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters.update(kind=_kind, limits=_limits)
        template = environment.from_string((HERE / "docs.html").read_text(encoding="utf-8"))
        schema = self._schema()
        groups: dict[str, list[dict[str, Any]]] = {}
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                entry = {**operation, "path": path, "method": method.upper()}
                groups.setdefault(operation.get("tags", ["other"])[0], []).append(entry)
        html = template.render(schema=schema, groups=groups, schemas=schema["components"]["schemas"])
        return HttpResponse(html, headers={"Content-Security-Policy": _POLICY})

    def style(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse((HERE / "docs.css").read_bytes(), content_type="text/css")
