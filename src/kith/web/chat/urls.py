"""Addresses for visitors: the widget's script and what it asks for, and the form."""

from django.urls import path

from kith.web.access import public
from kith.web.chat import form, views

urlpatterns = [
    path("chat/<uuid:account_id>.js", public(views.widget), name="chat-widget"),
    path("chat/<uuid:account_id>/messages", public(views.messages), name="chat-messages"),
    path("chat/<uuid:account_id>/files/<uuid:attachment_id>", public(views.file), name="chat-file"),
    path("form/form.css", public(form.style), name="chat-form-style"),
    path("form/<uuid:account_id>/", public(form.form), name="chat-form"),
]
