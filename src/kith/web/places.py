"""Countries, regions and time zones in words, in the reader's language; what is stored stays a code.

The names are those of CLDR, which Babel carries.
"""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.core import get_global
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.contacts.names import sort_key

Choices = list[tuple[str, str]]
# Codes of CLDR that are no place where people live: unions, tests, unknown.
_NO_COUNTRY = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


@lru_cache(maxsize=16)
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


def _here() -> Locale:
    return _locale(get_language() or "en")


@lru_cache(maxsize=16)
def _countries(locale: Locale) -> Choices:
    found = [
        (code, name)
        for code, name in locale.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY
    ]
    return sorted(found, key=lambda item: sort_key(item[1]))


def country_words(code: str) -> str:
    """A country by its name; a code that nobody knows as it is."""
    found = code.strip().upper()
    return code if found in _NO_COUNTRY else str(_here().territories.get(found, code))


def country_choices(chosen: str = "") -> Choices:
    """Countries to choose from, by name; what stands there already stays a choice, whatever it is."""
    known = _countries(_here())
    other = [(chosen, chosen)] if chosen and all(code != chosen for code, _name in known) else []
    return [("", ""), *other, *known]


def _canonical(zone: str) -> str:
    return str(get_global("zone_aliases").get(zone, zone))


def _city(locale: Locale, zone: str) -> str:
    told = locale.time_zones.get(_canonical(zone), {}).get("city")
    return str(told or zone.rpartition("/")[2].replace("_", " "))


def _offset(zone: str, at: datetime) -> str:
    """How far a zone is from UTC: "UTC+1", "UTC−3:30"; "" for one that nobody knows."""
    try:
        away = at.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset() or timedelta()
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return ""
    minutes = round(away.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    if not minutes:
        return "UTC"
    return f"UTC{'−' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"


@lru_cache(maxsize=1)
def _offsets(hour: datetime) -> dict[str, str]:
    """All zones that people choose from; a zone's file is read each time, so their offsets are kept for an hour."""
    there = zoneinfo.available_timezones()
    zones = (z for z in get_global("zone_territories") if z in there and not z.startswith("Etc/"))
    return {zone: _offset(zone, hour) for zone in zones}


def zone_words(zone: str) -> str:
    """A time zone by its city and what it is away from UTC today: "Berlin (UTC+1)"; an unknown one as it is."""
    if not zone or zone == "UTC":
        return zone
    away = _offset(zone, now())
    return f"{_city(_here(), zone)} ({away})" if away else zone


def zone_choices(chosen: str = "") -> list[tuple[str, Any]]:
    """Time zones by region, each region a mapping of its zones by city; what stands there already stays a choice.

    One that `chosen` calls by another name ("Asia/Kolkata" for "Asia/Calcutta") stands there under that name.
    """
    regions = {
        "Africa": _("Africa"),
        "America": _("America"),
        "Antarctica": _("Antarctica"),
        "Arctic": _("Arctic"),
        "Asia": _("Asia"),
        "Atlantic": _("Atlantic"),
        "Australia": _("Australia"),
        "Europe": _("Europe"),
        "Indian": _("Indian Ocean"),
        "Pacific": _("Pacific"),
    }
    locale, groups = _here(), {region: list[tuple[str, str]]() for region in regions}
    same = _canonical(chosen)
    known = chosen in ("", "UTC")
    for zone, away in _offsets(now().replace(minute=0, second=0, microsecond=0)).items():
        name = chosen if chosen and zone == same else zone
        known = known or name == chosen
        groups[zone.partition("/")[0]].append((name, f"{_city(locale, zone)} ({away})"))
    found = [
        (regions[region], dict(sorted(zones, key=lambda item: sort_key(item[1]))))
        for region, zones in sorted(groups.items(), key=lambda item: sort_key(regions[item[0]]))
        if zones
    ]
    return [*([] if known else [(chosen, zone_words(chosen))]), ("UTC", "UTC"), *found]
