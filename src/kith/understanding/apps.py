from django.apps import AppConfig


class UnderstandingConfig(AppConfig):
    name = "kith.understanding"
    label = "understanding"

    def ready(self) -> None:
        from kith.understanding import events, privacy

        events.register()
        privacy.register()
