from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "kith.campaigns"
    label = "campaigns"

    def ready(self) -> None:
        from kith.campaigns import privacy
        from kith.campaigns.services.apart import on_message_held
        from kith.core import events

        events.subscribe("campaigns.apart", ["message_held"], on_message_held)
        privacy.register()
