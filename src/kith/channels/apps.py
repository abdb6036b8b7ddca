from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "kith.channels"
    label = "channels"

    def ready(self) -> None:
        from kith.channels import (  # noqa: F401  (some register jobs)
            acknowledge,
            notices,
            privacy,
            quoted,
            restored,
            stopping,
            system_mail,
            upstream,
            webhooks_out,
        )

        acknowledge.subscribe()
        stopping.subscribe()
        webhooks_out.subscribe()
        quoted.subscribe()
        restored.register()
        privacy.register()
