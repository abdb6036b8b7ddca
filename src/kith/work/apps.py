from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "kith.work"
    label = "work"
