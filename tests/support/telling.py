"""How far the tests are, file by file; what the long ones tell while they run, and their figures at the end."""

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


class Progress:
    """One line for each file that a worker has done, in place of a dot for each test: how far, since when, what, how long."""

    def __init__(self, reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        self._reporter, self._config, self._begun = reporter, config, time.monotonic()
        self._done = 0
        self._open: dict[
            str, tuple[str, int, float]
        ] = {}  # by worker: the file, how many of its tests, seconds

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        if not isinstance(report, pytest.TestReport) or hasattr(report, "wasxfail"):
            return None
        if report.failed:
            return ("failed", "", "FAILED") if report.when == "call" else ("error", "", "ERROR")
        if report.skipped:
            return "skipped", "", "SKIPPED"
        return ("passed" if report.when == "call" else ""), "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.nodeid.partition("::")[0]
        worker = str(getattr(report, "worker_id", ""))
        before, count, seconds = self._open.get(worker, (file, 0, 0.0))
        if before != file:
            self._tell(before, count, seconds)
            count, seconds = 0, 0.0
        ended = report.when == "teardown"
        self._done += ended
        self._open[worker] = file, count + ended, seconds + report.duration
        if report.failed:
            self._reporter.write_line(f"{'':15}FAILED {report.nodeid} ({report.when})", red=True)
            self._reporter.flush()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        for file, count, seconds in self._open.values():
            self._tell(file, count, seconds)
        self._open.clear()

    def _tell(self, file: str, count: int, seconds: float) -> None:
        scheduler = getattr(self._config.pluginmanager.getplugin("dsession"), "sched", None)
        every = len(getattr(scheduler, "collection", None) or ()) or self._done
        minutes, rest = divmod(int(time.monotonic() - self._begun), 60)
        many = f"{count} tests" if count != 1 else "1 test"
        self._reporter.write_line(
            f"[{100 * self._done // every:3}%] {minutes:3}:{rest:02}  {file}: {many}, {seconds:.0f} s"
        )
        self._reporter.flush()


def progress_told(config: pytest.Config) -> None:
    """Where workers share the tests and nobody asked for more words or fewer."""
    workers = getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput")
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if workers and reporter is not None and config.get_verbosity() == 0:
        config.pluginmanager.register(Progress(reporter, config), "progress")
