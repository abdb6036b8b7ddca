"""Finds a connector's class by its network's name: `<name>/connector.py` with a class `Connector`."""

from __future__ import annotations

import importlib
from typing import cast

from kith.connectors.contract import Connector, NotSupported, Setup
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


def manifest_of(name: str) -> Manifest | None:
    return manifests().get(name)
