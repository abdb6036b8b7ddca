"""What every command does first: a private umask, Django's settings, a database."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from kith.core.postgres import cluster, location
from kith.core.postgres.errors import ClusterError

Environment = Any  # kith.config.environment.Environment, which lies above this room


class CommandError(Exception):
    """A command can't do its work; the message says why and what to do."""


def say(text: str) -> None:
    """A line of progress, on standard error so that standard output is the command's own."""
    print(text, file=sys.stderr, flush=True)


def silent(_: str) -> None:
    """For commands whose progress nobody reads."""


def settings() -> Environment:
    """Kith's settings, read once; a wrong value ends the process with a sentence."""
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kith.config.settings")
    from django.conf import settings as django_settings

    environment: Environment = django_settings.KITH
    return environment


def setup() -> Environment:
    """Settings and Django, without a database."""
    environment = settings()
    import django

    django.setup(set_prefix=False)
    return environment


@contextlib.contextmanager
def database(
    report: Callable[[str], None] = silent, *, die_with_parent: bool = False
) -> Iterator[Environment]:
    """The embedded server inside the block, started if nobody has; nothing to do where DATABASE_URL names one."""
    environment = settings()
    if environment.database_url:
        yield environment
        return
    try:
        with cluster.use(
            location.of(environment.home),
            durable=not environment.test,
            die_with_parent=die_with_parent,
            report=report,
        ):
            yield environment
    except ClusterError as error:
        raise CommandError(str(error)) from error
