"""Every URL of the house."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("kith.api.urls")),
    path("hooks/", include("kith.api.hooks")),
    path("", include("kith.web.urls")),
]

handler400 = "kith.web.errors.bad_request"
handler403 = "kith.web.errors.forbidden"
handler404 = "kith.web.errors.not_found"
handler429 = "kith.web.errors.too_often"
handler500 = "kith.web.errors.broken"
