"""The live events (server-sent), for any ASGI server; pages are served by `wsgi`."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kith.config.settings")

import django

django.setup(set_prefix=False)
application: Any = import_module("kith.web.live").application
