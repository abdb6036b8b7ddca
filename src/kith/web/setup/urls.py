"""The first start."""

from django.urls import path

from kith.web.setup import views

app_name = "setup"
urlpatterns = [path("setup/", views.first_start, name="start")]
