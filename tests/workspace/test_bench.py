"""What `python -m bench` looks at before it begins."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from bench import __main__ as bench
from bench.fill import few_each


def test_the_bench_says_at_once_that_the_front_end_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="make frontend"):
        bench.ready(["10000"], tmp_path)


def test_the_bench_says_at_once_that_the_disk_is_too_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tmp_path / "src/kith/web/static/dist/manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench.shutil, "disk_usage", lambda place: SimpleNamespace(free=20_000_000_000))
    bench.ready(["10000", "100000"], tmp_path / "new" / "folder")
    with pytest.raises(SystemExit, match=r"25 GB of disk are needed .* 20 GB are free"):
        bench.ready(["10000", "1000000"], None)
    (tmp_path / "1000000" / "postgres").mkdir(parents=True)  # filled before
    bench.ready(["1000000"], tmp_path)


def test_the_few_see_a_full_page_at_each_size() -> None:
    assert [size // few_each(size) for size in (10_000, 100_000, 1_000_000)] == [100, 200, 2000]
