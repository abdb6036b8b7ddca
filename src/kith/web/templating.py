"""The Jinja2 environment of our screens: strict, escaping, translated, with the few globals that every template uses."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.urls import get_script_prefix, reverse
from django.utils import translation
from django.utils.formats import date_format, number_format
from jinja2 import StrictUndefined
from markupsafe import Markup, escape

from kith.base.markup import html_of
from kith.channels.words import in_words
from kith.networks.selectors import manifest_of
from kith.web.compiling import Templates, filled, sentence
from kith.web.encryption import can_be_overheard
from kith.web.inbox.words import (
    log_sentence,
    proof_words,
    tray_name,
    tray_reason,
    unsent_name,
    unsent_reason,
)
from kith.web.people.fields import fact_words, language_words
from kith.web.places import country_words
from kith.web.understanding import words as labels
from kith.workspace.people_facts import label_of
from kith.workspace.search import START, STOP

STATIC = Path(__file__).parent / "static"
MANIFEST = STATIC / "dist" / "manifest.json"
COUNT_CAP = 99
_ANY_ID = uuid.UUID(int=0x5EED)


@lru_cache(maxsize=4)
def _manifest(changed: float) -> dict[str, str]:
    entries = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return {name: settings.STATIC_URL + "dist/" + entry["file"] for name, entry in entries.items()}


@lru_cache(maxsize=1)
def _built() -> dict[str, str]:
    return _manifest(MANIFEST.stat().st_mtime)


def asset(name: str) -> str:
    """The address of a bundled file by its source's name ("src/app.css", "icons.svg"). KeyError for an unknown one."""
    try:
        return (_manifest(MANIFEST.stat().st_mtime) if settings.DEBUG else _built())[name]
    except FileNotFoundError as error:
        raise RuntimeError("the front end is not built; run `make frontend`") from error


@lru_cache(maxsize=4)
def _icon_names(address: str) -> frozenset[str]:
    sprite = (STATIC / address.removeprefix(settings.STATIC_URL)).read_text(encoding="utf-8")
    return frozenset(part.split('"', 1)[0] for part in sprite.split('<symbol id="')[1:])


def icon(name: str, label: str = "", extra: str = "") -> Markup:
    """A Lucide icon; hidden from screen readers unless `label` says what it means. KeyError for one not bundled."""
    return _icon(asset("icons.svg"), name, str(label), extra)


@lru_cache(maxsize=1024)
def _icon(address: str, name: str, label: str, extra: str) -> Markup:
    """A list shows the same few icons over a hundred times."""
    if name not in _icon_names(address):
        raise KeyError(f"icon {name!r} is not in the bundle")
    says = Markup('role="img" aria-label="{0}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon {0}" {1}><use href="{2}#{3}"/></svg>').format(extra, says, address, name)


def network_icon(network: str) -> Markup:
    """The icon of a network with its title for those who can't see it."""
    manifest = manifest_of(network)
    if manifest is None:
        return icon("message-circle", network)
    name = manifest.icon if manifest.icon in _icon_names(asset("icons.svg")) else "message-circle"
    return icon(name, manifest.title)


def network_title(network: str) -> str:
    manifest = manifest_of(network)
    return manifest.title if manifest else network


def time(value: datetime, form: str = "moment", extra: str = "") -> Markup:
    """`<time>` written once; the browser puts it into the reader's zone and language (frontend/src/js/times.js)."""
    moment = value.isoformat(timespec="seconds")  # digits and signs only: nothing in it to escape
    return Markup(f'<time datetime="{moment}"{_time_form(form, extra)}{moment[:10]} {moment[11:16]}</time>')  # noqa: S704


@lru_cache(maxsize=256)
def _time_form(form: str, extra: str) -> Markup:
    return Markup(' data-as="{0}" class="{1}">').format(form, extra)


def _kept(answer: Callable[[str], Any]) -> Callable[[str], Callable[[str], Any]]:
    """For each language a copy that remembers its answers."""
    return lambda _language: lru_cache(maxsize=256)(answer)


def hue(key: object) -> int:
    """One of eight colours of an avatar, always the same for the same person."""
    return (key.int if isinstance(key, uuid.UUID) else sum(str(key).encode())) % 8


def capped(count: int) -> str:
    return f"{COUNT_CAP}+" if count > COUNT_CAP else str(count)


@lru_cache(maxsize=512)
def _around_id(name: str, prefix: str) -> tuple[str, str]:
    """What stands before and after the id in an address with one; `reverse` for each row is a tenth of a list's cost."""
    before, after = reverse(name, args=[_ANY_ID]).split(str(_ANY_ID))
    return before, after


@lru_cache(maxsize=512)
def _address(name: str, args: tuple[str, ...], prefix: str) -> str:
    return reverse(name, args=args or None)


def url(name: str, *args: Any, query: Mapping[str, Any] | None = None, **kwargs: Any) -> str:
    """`reverse`, with a query string of the values that are neither None nor ""."""
    if len(args) == 1 and not kwargs and isinstance(args[0], uuid.UUID):
        before, after = _around_id(name, get_script_prefix())
        address = f"{before}{args[0]}{after}"
    elif not kwargs and all(isinstance(value, str) for value in args):
        address = _address(name, args, get_script_prefix())
    else:
        address = reverse(name, args=args or None, kwargs=kwargs or None)
    wanted = tuple((key, value) for key, value in (query or {}).items() if value not in (None, ""))
    if not wanted:
        return address
    if all(isinstance(value, str) for _, value in wanted):
        return f"{address}?{_query_text(wanted)}"
    return f"{address}?{urlencode(wanted, doseq=True)}"


@lru_cache(maxsize=1024)
def _query_text(wanted: tuple[tuple[str, str], ...]) -> str:
    """Each row of a list carries the same query."""
    return urlencode(wanted)


def addresses(name: str, *, query: Mapping[str, str]) -> Callable[[uuid.UUID], Markup]:
    """Addresses that differ in their id only, for the rows of a list."""
    before, after = url(name, _ANY_ID, query=query).split(str(_ANY_ID))
    before, after = escape(before), escape(after)
    return lambda key: Markup(f"{before}{key}{after}")  # noqa: S704  (both halves are escaped, a UUID is digits)


def _gettext(message: str) -> str:
    return sentence(translation.get_language(), message)


def web_address(text: str) -> str:
    """An address that strangers gave, for a link: "" unless it is one of the web (a script's address is none)."""
    text = text.strip()
    return text if text.lower().startswith(("https://", "http://")) else ""


def marked(text: str) -> Markup:
    """Our own words with their plain formatting; "" where they have none. `html_of` escapes all else."""
    return Markup(html_of(text))  # noqa: S704


def found(text: str) -> Markup:
    """What a search found, its matches as <mark>; all else is text."""
    return Markup(str(escape(text)).replace(START, "<mark>").replace(STOP, "</mark>"))  # noqa: S704


def _translate(message: str, /, **values: Any) -> Markup:
    """`_` in templates, as jinja2's own newstyle gettext does it but in one call: values are escaped, `%%` is a `%`."""
    text = Markup(_gettext(message))  # noqa: S704  (our own sentences and their translations)
    return text % values if "%" in text else text


def environment(**options: Any) -> Templates:
    env = Templates(
        **{
            **options,
            "undefined": StrictUndefined,
            "autoescape": True,
            "trim_blocks": True,
            "lstrip_blocks": True,
            "extensions": ["jinja2.ext.i18n", "jinja2.ext.do"],
        }
    )
    # In development the bundle changes under a running server, so its addresses are asked for each time.
    if not settings.DEBUG:
        env.fixed = {"icon": icon, "asset": asset}
        env.by_language = {f.__name__: _kept(f) for f in (network_icon, network_title)}
    env.install_gettext_callables(  # type: ignore[attr-defined]
        _gettext,
        translation.ngettext,
        newstyle=True,
        pgettext=translation.pgettext,
        npgettext=translation.npgettext,
    )
    env.globals.update(
        _=_translate,
        filled=filled,
        asset=asset,
        icon=icon,
        network_icon=network_icon,
        network_title=network_title,
        time=time,
        hue=hue,
        url=url,
        addresses=addresses,
        capped=capped,
        language=translation.get_language,
        log_sentence=log_sentence,
        tray_name=tray_name,
        tray_reason=tray_reason,
        unsent_name=unsent_name,
        unsent_reason=unsent_reason,
        proof_words=proof_words,
        fact_label=label_of,
        fact_words=fact_words,
        country_words=country_words,
        language_words=language_words,
        overheard=can_be_overheard,
        message_labels=labels.message_labels,
        row_label=labels.row_label,
        label_words=labels.label_words,
        label_value=labels.value_words,
        label_field=labels.field_words,
        label_tier=labels.tier_words,
        label_kind=labels.kind_words,
        label_percent=labels.percent,
        said_words=labels.said_words,
    )
    env.filters.update(
        web_address=web_address,
        marked=marked,
        found=found,
        number=number_format,
        filesize=filesizeformat,
        said=in_words,
        day=date_format,
    )
    return env
