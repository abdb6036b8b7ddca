from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "kith.api"
    label = "api"

    def ready(self) -> None:
        from kith.api import privacy

        privacy.register()
