from django.apps import AppConfig


class ListeningConfig(AppConfig):
    name = "kith.listening"
    label = "listening"

    def ready(self) -> None:
        from kith.listening import events, handover, privacy

        events.register()
        handover.register()
        privacy.register()
