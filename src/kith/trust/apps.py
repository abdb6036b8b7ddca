from django.apps import AppConfig


class TrustConfig(AppConfig):
    name = "kith.trust"
    label = "trust"

    def ready(self) -> None:
        from kith.trust import privacy

        privacy.register()
