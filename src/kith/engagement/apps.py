from django.apps import AppConfig


class EngagementConfig(AppConfig):
    name = "kith.engagement"
    label = "engagement"

    def ready(self) -> None:
        from kith.engagement import events, handover

        handover.register()
        events.register()
