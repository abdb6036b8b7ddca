from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "kith.contacts"
    label = "contacts"

    def ready(self) -> None:
        from kith.contacts import handover, privacy

        handover.register()
        privacy.register()
