"""Every folder with a manifest has a conformance test, and keeps what the suite can check without its help."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kith.connectors import registry
from kith.connectors.conformance import ChannelConformance, ConnectorConformance, FolderConformance
from kith.connectors.manifest import FOLDER, Manifest, load, manifests

TESTS = Path(__file__).parent
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/manifest.toml"))


def _tests_of(name: str) -> list[type[FolderConformance]]:
    """The suite's descendants in `tests/connectors/<name>/` that test this connector."""
    found: list[type[FolderConformance]] = []
    for path in sorted((TESTS / name).glob("test_*.py")):
        if "Conformance" not in path.read_text(encoding="utf-8"):
            continue
        for value in vars(_module(path)).values():
            if not (
                inspect.isclass(value) and issubclass(value, FolderConformance) and "connector" in vars(value)
            ):
                continue
            if value.__name__.startswith("Test") and value.connector is registry.connector_class(name):
                found.append(value)
    return found


def _module(path: Path) -> ModuleType:
    name = "tests.connectors." + ".".join(path.relative_to(TESTS).with_suffix("").parts)
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def test_there_are_connectors() -> None:
    assert {"mastodon", "webhook", "simulator", "chat", "hostile"} <= set(NAMES)
    assert set(NAMES) == set(manifests())


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_conformance_test(name: str) -> None:
    found = _tests_of(name)
    assert found, f"no test in tests/connectors/{name}/ inherits ConnectorConformance"
    if load(FOLDER / name / "manifest.toml").availability != "internal":
        assert any(issubclass(one, ChannelConformance) for one in found), f"{name}: the whole suite is needed"


@pytest.mark.parametrize("name", NAMES)
def test_what_it_leaves_out_has_a_reason(name: str) -> None:
    """A test may only be left out by the suite's own rules, never by overriding it."""
    suite = {attribute for attribute in dir(ConnectorConformance) if attribute.startswith("test_")}
    for one in _tests_of(name):
        for parent in one.__mro__[: one.__mro__.index(FolderConformance)]:
            if parent in (ConnectorConformance, ChannelConformance):
                continue
            overridden = (suite & set(vars(parent))) - set(one.not_applicable)
            assert not overridden, f"{one.__name__} overrides {sorted(overridden)}"
        assert all(one.not_applicable.values())


@pytest.mark.parametrize("name", NAMES)
class TestTheFolder:
    """The parts of the suite that need nothing from the connector's own test."""

    def _suite(self, name: str) -> FolderConformance:
        return type("Suite", (FolderConformance,), {"connector": registry.connector_class(name)})()  # type: ignore[no-any-return]

    def test_claims(self, name: str) -> None:
        self._suite(name).test_claims_are_what_is_implemented()

    def test_manifest(self, name: str) -> None:
        self._suite(name).test_manifest()

    def test_readme(self, name: str) -> None:
        self._suite(name).test_readme()

    def test_it_is_found_by_its_name(self, name: str) -> None:
        found = registry.manifest_of(name)
        assert isinstance(found, Manifest)
        assert registry.connector_class(name).manifest == found

    def test_it_knows_no_other_connector(self, name: str) -> None:
        for path in (FOLDER / name).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for module in modules:
                    other = module.removeprefix("kith.connectors.").split(".")[0]
                    assert not (module.startswith("kith.connectors.") and other in NAMES and other != name), (
                        f"{path.name} imports {module}"
                    )
