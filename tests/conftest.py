"""What every test gets: settings of its own, a KITH_HOME that goes away, and a database when it asks for one."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.telling import figures, full, progress_told, pytest_terminal_summary, tell

__all__ = ["figures", "full", "pytest_terminal_summary", "tell"]

KEPT = {"KITH_SHARED_DATA", "KITH_SPAMASSASSIN", "KITH_ATPROTO_DIR", "KITH_TEST_PARTS", "KITH_SNAC"}

# What may be skipped where KITH_TEST_PARTS=required (CI): what can't be had by installing something.
MAY_BE_SKIPPED = re.compile(r"by design:|set KITH_SHARED_DATA")


def _prepare_environment() -> None:
    """Before Django reads its settings: nothing of the person's own environment, a home for this process alone."""
    for name in [name for name in os.environ if name.startswith("KITH_") and name not in KEPT]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="kith-home-"))
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(home, ignore_errors=True)

    atexit.register(remove)
    # Compiled code is kept, whoever calls pytest: the tests start hundreds of processes.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # No test cuts the power: what this process writes needs no disk. Processes that tests start and kill do sync.
    os.fsync = lambda _file: None
    os.environ.update(KITH_ENV="test", KITH_HOME=str(home), DJANGO_SETTINGS_MODULE="kith.config.settings")


_prepare_environment()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--torture",
        choices=("sampled", "full"),
        default="sampled",
        help="how long the tests that kill go on: a sample, or as long as `make torture` does",
    )
    parser.addoption(
        "--pictures", action="store_true", help="take the pictures of the README anew (docs/pictures)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings now; pytest-django, whose turn comes later, then sets Django up."""
    from django.conf import settings

    assert settings.DATABASES
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        # Workers inherit the environment: with the settings named in it, pytest-django would read them before this file
        # gives the worker a home of its own.
        del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    progress_told(session.config)


# Longest first, so that no worker has a long one left when the other is done. The tests of SPREAD share nothing.
LONGEST = [
    "torture/test_sending.py",
    "safety/test_foreign_html.py",
    "core/backup/test_round_trip.py",
    "cli/test_up.py",
    "web/contacts/test_screens.py",
    "web/settings/test_settings_browser.py",
    "web/test_one_house.py",
    "cli/test_memory.py",
    "cli/test_upgrade.py",
    "web/inbox/test_list_screens.py",
    "web/chat/test_widget.py",
    "web/inbox/test_flows.py",
    "cli/test_own_server.py",
    "web/inbox/test_screens.py",
    "connectors/bluesky/test_network.py",
    "web/install/test_tour.py",
    "safety/test_nasty_values.py",
    "torture/test_reading.py",
    "torture/test_mails.py",
    "torture/test_hostile_core.py",
    "connectors/mastodon/test_snac.py",
    "cli/test_doctor.py",
    "torture/test_exits.py",
    "torture/test_storm.py",
    "workspace/test_imports.py",
    "connectors/email/test_corpora.py",
    "web/account/test_passkeys.py",
    "web/install/test_pictures.py",
    "architecture/test_permissions.py",
    "channels/test_real_mail.py",
    "core/test_jobs.py",
    "cli/test_manage.py",
    "contacts/test_merges.py",
    "connectors/feeds/test_corpus.py",
    "connectors/scaffold/test_scaffold.py",
    "api/test_fuzz.py",
]
SPREAD = {
    "safety/test_foreign_html.py",
    "torture/test_hostile_core.py",
    "web/inbox/test_screens.py",
    "safety/test_nasty_values.py",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--torture") != "full":
        later = pytest.mark.skip(reason="by design: only in the long version (make torture)")
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(later)
    if hasattr(config, "workerinput"):
        here = Path(__file__).parent
        rank = {name: number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: rank.get(item.path.relative_to(here).as_posix(), len(rank)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, as they share servers; those of SPREAD go to whoever is free."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            name = nodeid.partition("::")[0]
            return nodeid if name.removeprefix("tests/") in SPREAD else name

    return ByFile(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped for a missing part fails where all parts must be there."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("KITH_TEST_PARTS") == "required":
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not MAY_BE_SKIPPED.search(reason):
            report.outcome, report.longrepr = "failed", f"must not be skipped here: {reason}"
    return report


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """A migrated database for this process; pytest-django calls it when the first test asks for one."""
    from django.db import connection, connections

    from tests.support.database import own_database

    with django_db_blocker.unblock():
        connection.close()
        with own_database(connections.settings["default"]):
            yield
            connections.close_all()


@pytest.fixture(autouse=True)
def queue_is_empty(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """Jobs that a test committed, and workers that it killed, are not there for the next: Django empties its own tables."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if (marker and marker.kwargs.get("transaction")) or {"transactional_db", "live_server"} & set(
        request.fixturenames
    ):
        from django.db import connection

        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


@pytest.fixture
def database_url(db: None) -> str:
    """DATABASE_URL of the test's database, for processes that it starts (use with `transactional_db`)."""
    from django.db import connections

    from tests.support.database import url_of

    return url_of(connections.settings["default"])


@pytest.fixture
def kith_home() -> Path:
    """The KITH_HOME of this test process."""
    return Path(os.environ["KITH_HOME"])
