"""Every URL of the house."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("kith.api.urls")),
    path("hooks/", include("kith.api.hooks")),
    path("", include("kith.web.urls")),
]
