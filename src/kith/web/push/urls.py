from django.urls import path

from kith.web.push import views

app_name = "push"
urlpatterns = [
    path("push/key/", views.key, name="key"),
    path("push/keep/", views.keep, name="keep"),
    path("push/forget/", views.forget, name="forget"),
    path("push/try/", views.try_out, name="try"),
    path("push/news/", views.news, name="news"),
]
