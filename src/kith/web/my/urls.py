"""Addresses for customers: what a link opens, what a code opens, and the form for topics."""

from django.urls import path

from kith.web.access import public
from kith.web.my import code, deletion, frame, links, subscribe, visit

app_name = "my"
urlpatterns = [
    path("my/my.css", public(frame.style), name="style"),
    path("my/", public(code.start), name="start"),
    path("my/code/", public(code.code), name="code"),
    path("my/visit/", public(visit.visit), name="visit"),
    path("my/visit/wishes/", public(visit.wishes), name="visit_wishes"),
    path("my/visit/name/", public(visit.name), name="name"),
    path("my/visit/forget/", public(visit.forget), name="forget"),
    path("my/visit/data/", public(visit.data), name="data"),
    path("my/visit/data.zip", public(visit.data_file), name="data_file"),
    path("my/visit/receipts/<uuid:pk>/", public(visit.receipt), name="receipt"),
    path("my/visit/receipts/<uuid:pk>.json", public(visit.receipt_json), name="receipt_json"),
    path("my/visit/leave/", public(visit.leave), name="leave"),
    path("my/forgotten/<uuid:pk>/", public(visit.forgotten), name="forgotten"),
    path("deletion/<str:code>/", public(deletion.deletion), name="deletion"),
    path("subscribe/", public(subscribe.subscribe), name="subscribe"),
    path("subscribe/<str:token>/", public(subscribe.confirm), name="confirm"),
    path("my/<str:token>/", public(links.wishes), name="wishes"),
    path("my/<str:token>/unsubscribe", public(links.unsubscribe), name="unsubscribe"),
]
