"""The first contents of `kith demo`."""

from __future__ import annotations

import importlib

from kith.cli import prepare


def contents() -> None:
    """Fill an empty house with the demo company; one that has contents is left as it is."""
    prepare.setup()
    from django.contrib.auth import get_user_model

    if get_user_model()._default_manager.exists():
        return
    importlib.import_module("kith.workspace.demo").build(prepare.say)
