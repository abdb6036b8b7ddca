"""Where the database is: `DATABASE_URL`, or the embedded server's socket under KITH_HOME."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kith.config.environment import Environment
from kith.core.postgres import location

# `core.sql.prepared` says which statements it prepares; the number only keeps psycopg from preparing any by itself.
# A plan that is made while a table is empty reads it whole and stays when a million rows have come: so a table is read
# whole only where no index serves.
PREPARED: dict[str, Any] = {
    "prepare_threshold": 1_000_000,
    "options": "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off",
}


def database_settings(env: Environment) -> dict[str, Any]:
    """Django's settings of one database. Connections are kept for ten minutes and checked before use."""
    common: dict[str, Any] = {
        "ENGINE": "kith.core.postgres.backend",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"application_name": "kith", **PREPARED},
    }
    if not env.database_url:
        place = location.of(env.home)
        return {
            **common,
            "NAME": "kith",
            "USER": place.user,
            "HOST": str(place.socket_folder),
            "PORT": str(place.port),
        }
    parts = urlsplit(env.database_url)
    query = dict(parse_qsl(parts.query))
    prepared = {} if query.pop("prepare", "") == "no" else PREPARED
    return {
        **common,
        "NAME": unquote(parts.path.lstrip("/")) or "kith",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": {"application_name": "kith", **prepared, **query},
    }
