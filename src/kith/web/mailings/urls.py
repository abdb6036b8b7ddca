from django.urls import path

from kith.web.mailings import held, views

urlpatterns = [
    path("mailings/", views.mailings, name="mailings"),
    path("mailings/from-people/", views.from_people, name="mailing_from_people"),
    path("mailings/<uuid:mailing_id>/", views.mailing, name="mailing"),
    path("mailings/<uuid:mailing_id>/keep/", views.keep, name="mailing_keep"),
    path("mailings/<uuid:mailing_id>/remove/", views.remove, name="mailing_remove"),
    path("mailings/<uuid:mailing_id>/people/", views.people, name="mailing_people"),
    path("mailings/<uuid:mailing_id>/dry-run.csv", views.table, name="mailing_table"),
    path("mailings/<uuid:mailing_id>/send/", held.send, name="mailing_send"),
    path("mailings/<uuid:mailing_id>/stop/", held.stop, name="mailing_stop"),
    # what the gate holds
    path("held/", held.held, name="held"),
    path("held/send/", held.send_now, name="held_send"),
    path("held/drop/", held.drop, name="held_drop"),
    path("held/drop/undo/", held.put_back, name="held_put_back"),
]
