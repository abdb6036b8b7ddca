"""Addresses for visitors: the widget's script and what it asks for, and the form."""

from django.urls import path

from kith.web.chat import form, views

urlpatterns = [
    path("chat/<uuid:account_id>.js", views.widget, name="chat-widget"),
    path("chat/<uuid:account_id>/messages", views.messages, name="chat-messages"),
    path("chat/<uuid:account_id>/files/<uuid:attachment_id>", views.file, name="chat-file"),
    path("form/form.css", form.style, name="chat-form-style"),
    path("form/<uuid:account_id>/", form.form, name="chat-form"),
]
