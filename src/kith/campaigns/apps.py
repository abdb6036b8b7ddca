from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "kith.campaigns"
    label = "campaigns"

    def ready(self) -> None:
        from kith.campaigns import privacy

        privacy.register()
