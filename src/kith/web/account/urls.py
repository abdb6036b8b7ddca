"""One's own settings, and invitations. Allauth's own addresses stand in `allauth_urls`."""

from django.urls import path

from kith.web.account import views

app_name = "account"
urlpatterns = [
    path("settings/profile/", views.profile, name="profile"),
    path("settings/notifications/", views.notifications, name="notifications"),
    path("settings/notifications/devices/<uuid:pk>/remove/", views.device_remove, name="device_remove"),
    path("settings/security/", views.security, name="security"),
    path("settings/security/sessions/<int:pk>/end/", views.session_end_one, name="session_end"),
    path("settings/security/sessions/end/", views.sessions_end_others, name="sessions_end"),
    path("settings/tokens/", views.tokens, name="tokens"),
    path("settings/tokens/<uuid:pk>/revoke/", views.token_revoke, name="token_revoke"),
    path("invitation/<str:token>/", views.invitation, name="invitation"),
]
