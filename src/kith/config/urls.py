"""Every URL of the house."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("kith.api.urls")),
    path("", include("kith.web.chat.urls")),
    path("", include("kith.web.urls")),
]
