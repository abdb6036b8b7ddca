from django.urls import path

from kith.web.search import views

urlpatterns = [path("search/", views.search, name="search")]
