"""Every screen's address. A room of screens has a `urls.py` of its own."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from kith.web import frame

PARTS = (
    ("", "kith.web.setup.urls"),
    ("accounts/", "kith.web.account.allauth_urls"),
    ("", "kith.web.account.urls"),
    ("settings/", "kith.web.settings.urls"),
    ("", "kith.web.simulator.urls"),
    ("", "kith.web.chat.urls"),
    ("", "kith.web.search.urls"),
    ("", "kith.web.notifications.urls"),
    ("", "kith.web.inbox.urls"),
    ("", "kith.web.people.urls"),
    ("", "kith.web.today.urls"),
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("theme/", frame.theme, name="theme"),
    path("palette/", frame.palette, name="palette"),
    path("styleguide/", frame.styleguide, name="styleguide"),
    *(path(prefix, include(module)) for prefix, module in PARTS if find_spec(module)),
]
