"""The first contents of `kith demo`."""

from __future__ import annotations

import importlib

from kith.cli import prepare

LOOPBACK = "http://localhost:"


def contents() -> None:
    """Fill an empty house with the demo company; one that has contents is left as it is."""
    prepare.setup()
    from django.contrib.auth import get_user_model

    if not get_user_model()._default_manager.exists():
        importlib.import_module("kith.workspace.demo").build(prepare.say)
    _address()


def _address() -> None:
    """Mails of the demo name the loopback address that it answers at now, unless somebody gave it another."""
    from django.conf import settings

    from kith.core import company

    if not company.public_url() or company.public_url().startswith(LOOPBACK):
        company.set_value("public_url", f"{LOOPBACK}{settings.KITH.port}")
