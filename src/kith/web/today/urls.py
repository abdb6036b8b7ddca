from django.urls import path

from kith.web.today import views

urlpatterns = [path("today/", views.today, name="today")]
