from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "kith.teams"
    label = "teams"

    def ready(self) -> None:
        from kith.teams import alarms

        alarms.listen()
