from django.urls import path

from kith.web.listening import edit, stream, views

urlpatterns = [
    path("listening/", views.monitors, name="listening"),
    path("listening/coverage/", views.coverage, name="coverage"),
    path("listening/new/", edit.new, name="monitor_new"),
    path("listening/check/", edit.check, name="monitor_check"),
    path("listening/build/", edit.build, name="monitor_build"),
    path("listening/mentions/", stream.mentions, name="mentions"),
    path("listening/posts/<uuid:post_id>/decide/", stream.decide, name="post_decide"),
    path("listening/posts/<uuid:post_id>/assign/", stream.assign, name="post_assign"),
    path("listening/posts/<uuid:post_id>/answer/", stream.answer, name="post_answer"),
    path("listening/<uuid:monitor_id>/", edit.monitor, name="monitor"),
    path("listening/<uuid:monitor_id>/switch/", edit.switch, name="monitor_switch"),
    path("listening/<uuid:monitor_id>/remove/", edit.remove, name="monitor_remove"),
]
