from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "kith.work"
    label = "work"

    def ready(self) -> None:
        from kith.work import handover, privacy

        handover.register()
        privacy.register()
