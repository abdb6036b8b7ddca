"""What the long version tells while it runs, and its figures at the end (the sampled one keeps them to itself)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator

import pytest

Tell = Callable[[str], None]


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--torture") == "full")


@pytest.fixture
def tell(request: pytest.FixtureRequest, full: bool) -> Iterator[Tell]:
    """Says how far a long test is, at once and on standard error, which a worker shares with the terminal."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    begun = time.monotonic()

    def say(words: str) -> None:
        if full and capture is not None:
            with capture.global_and_fixture_disabled():
                name = request.node.name.partition("[")[0]
                print(
                    f"\n  {time.monotonic() - begun:4.0f} s  {name}: {words}",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
        else:
            print(words)

    return say


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[dict[str, object]], None]:
    """Keeps what a test has counted, for the end of the run."""
    return lambda counted: record_property("figures", json.dumps(counted))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    told = [
        (report.nodeid.rpartition("/")[2], value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "figures" and report.when == "call"
    ]
    if told:
        terminalreporter.section("figures")
        for name, value in told:
            terminalreporter.write_line(f"{name}: {value}")
