"""`kith new-connector NAME`: a folder that works and passes the conformance suite as it is written."""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from string import Template

from kith.connectors.manifest import manifests

TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9_]{1,38}[a-z0-9]")
_FILES = {
    "manifest.toml": "manifest.toml",
    "connector.py": "connector.py.txt",
    "README.md": "README.md",
    "fixtures/inbound/message.json": "message.json",
    "fixtures/inbound/deleted.json": "deleted.json",
}


class ScaffoldError(ValueError):
    """Why no connector was made; a sentence for a person."""


def create_connector(name: str, destination: Path, *, tests: Path | None = None) -> list[Path]:
    """Write `destination/<name>/` and a test beside it; returns the files, in the order to read them.

    `destination` is the folder of connectors (`src/kith/connectors`), `tests` that of their tests (otherwise the test
    lies in the connector's folder). Raises ScaffoldError for a name that can't be used, or one that is taken.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ScaffoldError(
            f"{name!r} can't be a connector's name: 3 to 40 small letters, digits and underscores, a letter first."
        )
    folder = destination / name
    if folder.exists() or name in manifests():
        raise ScaffoldError(f"There is a connector called {name!r} already.")
    inside = "kith.connectors" if _is_ours(destination) else ""
    module = f"{inside}.{name}.connector" if inside else f"{name}.connector"
    title = name.replace("_", " ").capitalize()
    values = {
        "name": name,
        "title": title,
        "klass": title.title().replace(" ", ""),
        "imports": _imports(module),
    }
    written = [_write(folder / path, template, values) for path, template in _FILES.items()]
    written.append(_write(folder / "__init__.py", "", values))
    written += _expected(folder)
    test = (tests / name if tests else folder) / "test_conformance.py"
    written.append(_write(test, "test_conformance.py.txt", values))
    return written


def _imports(module: str) -> str:
    """The test's imports in the order that the linter wants."""
    suite = [
        "from kith.connectors.conformance import Answer, Asked, ConnectorConformance, serving",
        "from kith.connectors.contract import Outgoing, Party, Setup",
    ]
    return "\n".join(sorted([*suite, f"from {module} import Connector"]))


def _is_ours(destination: Path) -> bool:
    return destination.resolve() == Path(__file__).resolve().parents[1]


def _write(path: Path, template: str, values: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (TEMPLATES / template).read_text(encoding="utf-8") if template else ""
    path.write_text(Template(text).substitute(values), encoding="utf-8")
    return path


def _expected(folder: Path) -> list[Path]:
    """What the two fixtures become, written by hand as a connector's author would."""
    inbound = folder / "fixtures" / "inbound"
    at = "2026-03-01T09:00:00+00:00"
    message = {
        "kind": "message_received",
        "external_id": "41",
        "at": at,
        "parties": [{"external_id": "u8", "handle": "ada", "display_name": "Ada", "verified": "network"}],
        "text": "Where is my bicycle?",
        "thread_keys": ["t7"],
        "own_thread_key": "t7",
    }
    gone = {"kind": "message_deleted", "external_id": "41", "at": at}
    found = []
    for stem, event in (("message", message), ("deleted", gone)):
        path = inbound / f"{stem}.expected.json"
        said = {"item": {"external_id": f"{stem}:41"}, "events": [event]}
        path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        found.append(path)
    return found
