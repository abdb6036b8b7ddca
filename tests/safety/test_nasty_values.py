"""Whatever stands in a form's fields or behind the question mark: a page answers, and never breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import transaction
from django.urls import resolve

import kith.web
from tests.architecture.routes import all_routes
from tests.safety.test_foreign_html import World, _is_there

# What thousands of requests wrote and took back in one transaction, each that follows would walk through.
pytestmark = [pytest.mark.torture, pytest.mark.django_db(transaction=True)]
NASTY = [
    "a\0b",
    "99999999999999999999999",
    "-1",
    "\ufffe\x85\u2028",
    "not-a-uuid",
    "[]",
    "{",
    "2026-13-45",
    "x" * 10_000,
    "%00",
    "０１",
    "1e999",
]
NOT_ASKED = ("account_logout",)


def _names() -> list[str]:
    """What any form of ours calls its fields, and what any page reads of its address."""
    root = Path(kith.web.__file__).parent
    text = "".join(p.read_text() for p in root.rglob("*.html"))
    code = "".join(p.read_text() for p in root.rglob("*.py"))
    found = set(re.findall(r'\bname="([a-z_0-9-]+)"', text))
    found |= set(re.findall(r'(?:GET|POST|data)(?:\.get|\.getlist)?[\[(]"([a-z_0-9-]+)"', code))
    return sorted(found)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_value_breaks_a_page(
    method: str, full: bool, figures: Callable[[dict[str, object]], None]
) -> None:
    """Every address of the house, as its owner, with the same nasty value in every field that any form has; all values in
    the long version, otherwise two of them for each address."""
    with transaction.atomic():
        world = World()
    names = _names()
    assert len(names) > 80
    known: dict[str, str] = {}
    for path in world.screens():
        if _is_there(world, path):
            match = resolve(path.split("?")[0])
            for name, value in match.kwargs.items():
                known[f"{match.view_name}.{name}"] = known[name] = str(value)
    call = world.client.get if method == "GET" else world.client.post
    asked, broken = 0, []
    for number, route in enumerate(all_routes()):
        if route.pattern.startswith("api/") or route.name in NOT_ASKED:
            continue
        values = {n: known.get(f"{route.name}.{n}", known.get(n)) for n, _ in route.arguments}
        path = route.address(**{n: v for n, v in values.items() if v})
        for nasty in NASTY if full else (NASTY[0], NASTY[1 + number % (len(NASTY) - 1)]):
            cache.clear()
            asked += 1
            sent = nasty[:500] if method == "GET" else nasty
            try:
                with transaction.atomic():
                    status = call(path, dict.fromkeys(names, sent), HTTP_HOST="localhost:8000").status_code
                    transaction.set_rollback(True)
            except Exception as error:  # noqa: BLE001  (whatever it is, it is told with its address)
                broken.append(f"{route.name} {nasty[:12]!r}: {type(error).__name__}: {str(error)[:100]}")
            else:
                if status >= 500:
                    broken.append(f"{route.name} {nasty[:12]!r}: {status}")
    figures({"asked": asked, "fields": len(names), "broken": len(broken)})
    assert broken == [], "\n".join(broken)
