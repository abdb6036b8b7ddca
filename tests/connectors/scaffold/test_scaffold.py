"""A new connector passes its own conformance test, ruff and mypy, before anybody has touched it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kith.connectors import scaffold
from kith.connectors.scaffold import ScaffoldError, create_connector

ROOT = Path(__file__).resolve().parents[3]


def run(*command: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(cwd), str(ROOT / "src")])}
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    return ended.stdout


def test_it_passes_its_own_conformance_test(tmp_path: Path) -> None:
    written = create_connector("pigeon_post", tmp_path)
    assert all(path.is_file() for path in written)
    said = run(
        "pytest", "-q", "-p", "no:django", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "pigeon_post",
        cwd=tmp_path,
    )  # fmt: skip
    assert " passed" in said
    assert "skipped" not in said
    assert int(said.split(" passed")[0].split()[-1]) >= 20


def test_it_is_clean(tmp_path: Path) -> None:
    create_connector("pigeon_post", tmp_path)
    # inside the repository the linter finds by itself which modules are ours
    ours = 'lint.isort.known-first-party = ["kith", "pigeon_post"]'
    run(
        "ruff",
        "check",
        "--config",
        str(ROOT / "pyproject.toml"),
        "--config",
        ours,
        "pigeon_post",
        cwd=tmp_path,
    )
    run("ruff", "format", "--check", "--config", str(ROOT / "pyproject.toml"), "pigeon_post", cwd=tmp_path)


def test_a_broken_one_does_not_pass(tmp_path: Path) -> None:
    """The suite says no to a connector that swallows a timeout after sending."""
    create_connector("pigeon_post", tmp_path)
    code = tmp_path / "pigeon_post" / "connector.py"
    text = code.read_text()
    assert "writes=True, json=said" in text
    code.write_text(text.replace("writes=True, json=said", "json=said"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:django",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])}
    ended = subprocess.run(
        [*command, "pigeon_post"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "test_send_names_errors" in ended.stdout


@pytest.mark.parametrize("name", ["", "Mail", "my-net", "1net", "a", "class", "../evil", "x" * 60, "net_"])
def test_names_that_can_not_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError):
        create_connector(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    create_connector("pigeon_post", tmp_path)
    with pytest.raises(ScaffoldError, match="already"):
        create_connector("pigeon_post", tmp_path)
    with pytest.raises(ScaffoldError, match="already"):
        create_connector("simulator", tmp_path)


def test_the_test_can_lie_elsewhere(tmp_path: Path) -> None:
    create_connector("pigeon_post", tmp_path / "src", tests=tmp_path / "tests")
    assert (tmp_path / "tests" / "pigeon_post" / "test_conformance.py").is_file()
    assert len((scaffold.TEMPLATES / "test_conformance.py.txt").read_text().splitlines()) < 30
