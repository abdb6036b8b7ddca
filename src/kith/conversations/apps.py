from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "kith.conversations"
    label = "conversations"

    def ready(self) -> None:
        from kith.conversations import events, handover, privacy, rescope

        handover.register()
        rescope.register()
        events.register()
        privacy.register()
