from django.apps import AppConfig


class EngagementConfig(AppConfig):
    name = "kith.engagement"
    label = "engagement"
