from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "kith.teams"
    label = "teams"

    def ready(self) -> None:
        from kith.core.registry import names_blobs
        from kith.teams import alarms
        from kith.teams.models import User

        alarms.listen()
        names_blobs(User, "avatar")
