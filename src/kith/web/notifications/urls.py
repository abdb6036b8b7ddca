from django.urls import path

from kith.web.notifications import views

urlpatterns = [
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/bell/", views.bell, name="bell"),
    path("notifications/read/", views.read_all, name="notifications_read"),
    path("notifications/<uuid:notification_id>/", views.follow, name="notification"),
    path("notifications/<uuid:notification_id>/read/", views.read, name="notification_read"),
]
