"""Finds a connector's class by its network's name: `<name>/connector.py` with a class `Connector`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol, cast

from kith.connectors.contract import Connector, Event, NotSupported, RawItem, Setup
from kith.connectors.manifest import Manifest, manifests
from kith.connectors.words import say


def connector_class(name: str) -> type[Connector]:
    """The class; raises NotSupported for a name that no folder has."""
    if name not in manifests():
        raise NotSupported(say("There is no connector called {name}.", name=repr(name)))
    module = importlib.import_module(f"kith.connectors.{name}.connector")
    return cast("type[Connector]", module.Connector)


def make(name: str, setup: Setup) -> Connector:
    return connector_class(name)(setup)


class Parses(Protocol):
    """All of a connector that the parsing child needs."""

    def parse(self, item: RawItem) -> Sequence[Event]: ...


def make_parsing(name: str, setup: Setup) -> Parses:
    """As `make`, of a connector's own module for it, `<name>/parsing.py` with a class `Parsing`, where it has one: the
    child that parses then loads nothing of what speaks with servers.
    """
    own = f"kith.connectors.{name}.parsing"
    try:
        module = importlib.import_module(own)
    except ModuleNotFoundError as error:
        if error.name is None or not own.startswith(error.name):
            raise
        return make(name, setup)
    return cast("Parses", module.Parsing(setup))


def manifest_of(name: str) -> Manifest | None:
    return manifests().get(name)
