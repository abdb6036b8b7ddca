from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "kith.channels"
    label = "channels"

    def ready(self) -> None:
        from kith.channels import acknowledge, privacy, restored, system_mail, upstream, webhooks_out  # noqa: F401  (two register their jobs)

        acknowledge.subscribe()
        webhooks_out.subscribe()
        restored.register()
        privacy.register()
