"""For the few pages in Django's own template language: the bundle's files."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
MANIFEST = Path(__file__).resolve().parents[1] / "static" / "dist" / "manifest.json"


@lru_cache(maxsize=2)
def _read(changed: float) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return loaded


def entry(name: str) -> tuple[str, list[str]]:
    """The script and the style sheets of one entry of the bundle ("plain"), as addresses; ("", []) when it is not built."""
    try:
        manifest = _read(MANIFEST.stat().st_mtime)
    except OSError:
        return "", []
    found = manifest.get(f"src/{name}.js")
    if found is None:
        return "", []
    styles = list(found.get("css", []))
    for other in found.get("imports", []):
        styles += manifest.get(other, {}).get("css", [])
    return static(f"dist/{found['file']}"), [static(f"dist/{path}") for path in dict.fromkeys(styles)]


@register.simple_tag
def bundle(name: str) -> SafeString:
    """`{% bundle "plain" %}`: the tags that load one entry."""
    script, styles = entry(name)
    tags = format_html_join("", '<link rel="stylesheet" href="{}">', ((path,) for path in styles))
    if script:
        tags += format_html('<script type="module" src="{}"></script>', script)
    return tags


@register.simple_tag
def single_sign_on() -> str:
    """The name on the button of single sign-on; "" when none is configured."""
    return str(settings.KITH.oidc_name) if settings.KITH.oidc_url else ""
