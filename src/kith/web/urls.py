"""Every screen's address. A room of screens has a `urls.py` of its own."""

from django.urls import URLPattern, URLResolver, include, path

from kith.web import frame, health

# What is asked for most stands first: addresses are tried in this order.
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("kith.web.inbox.urls")),
    path("", include("kith.web.people.urls")),
    path("", include("kith.web.today.urls")),
    path("", include("kith.web.mailings.urls")),
    path("", include("kith.web.listening.urls")),
    path("theme/", frame.theme, name="theme"),
    path("density/", frame.density, name="density"),
    path("toured/", frame.toured, name="toured"),
    path("palette/", frame.palette, name="palette"),
    path("styleguide/", frame.styleguide, name="styleguide"),
    path("health/", health.ready, name="health"),
    path("health/live/", health.live, name="health_live"),
    path("", include("kith.web.setup.urls")),
    path("accounts/", include("kith.web.account.allauth_urls")),
    path("", include("kith.web.account.urls")),
    path("settings/", include("kith.web.settings.urls")),
    path("", include("kith.web.simulator.urls")),
    path("", include("kith.web.chat.urls")),
    path("", include("kith.web.my.urls")),
    path("", include("kith.web.search.urls")),
    path("", include("kith.web.notifications.urls")),
    path("", include("kith.web.install.urls")),
    path("", include("kith.web.push.urls")),
]
