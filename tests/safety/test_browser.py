"""The browser that looks for scripts of strangers: a Chromium that hangs is ended and tried once more."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from django.test import Client

from tests.safety import browser
from tests.safety.browser import Hung, once_more, processes_of, watched

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


def _switches(process: int) -> list[str]:
    words = Path(f"/proc/{process}/cmdline").read_text().split("\0")
    return [word.partition("=")[2] for word in words if word.startswith("--disable-features=")]


def test_a_chromium_that_hangs_is_ended_and_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[list[int]] = []

    def visit() -> str:
        with watched(Client()) as seen:
            monkeypatch.setattr(browser, "PATIENCE", 75.0)
            seen.answers["/a"] = seen.answers["/b"] = 200, {"Content-Type": "text/html"}, b"<title>A</title>"
            seen.visit("/a")
            tries.append(processes_of(seen.port))
            if len(tries) == 1:
                monkeypatch.setattr(browser, "PATIENCE", 1.5)
                for process in tries[0]:
                    os.kill(process, signal.SIGSTOP)
            seen.visit("/b")
            return str(seen.page.title())

    assert once_more(visit) == "A"
    assert len(tries) == 2
    assert tries[0]
    assert not [process for process in tries[0] if Path(f"/proc/{process}/cmdline").exists()]


def test_one_that_hangs_again_is_told() -> None:
    tries = []

    def visit() -> None:
        tries.append(1)
        raise Hung("/b")

    with pytest.raises(Hung):
        once_more(visit)
    assert len(tries) == 2


def test_an_error_of_the_page_is_no_hang() -> None:
    with pytest.raises(Exception, match="ERR_"), watched(Client()) as seen:  # noqa: PT012
        seen.answers["/a"] = 204, {}, b""
        seen.visit("/a")


def test_no_switch_of_ours_takes_back_one_of_playwrights() -> None:
    """Chromium listens to the last `--disable-features` alone."""
    with watched(Client()) as seen:
        first, *_, last = _switches(processes_of(seen.port)[0])
    assert set(first.split(",")) <= set(last.split(","))
    assert "AvoidUnnecessaryBeforeUnloadCheckSync" in last
