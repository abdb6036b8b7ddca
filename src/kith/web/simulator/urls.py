"""The simulator."""

from django.urls import path

from kith.web.simulator import views

app_name = "simulator"
urlpatterns = [path("simulator/", views.simulator, name="simulator")]
