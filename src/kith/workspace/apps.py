from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    name = "kith.workspace"
    label = "workspace"

    def ready(self) -> None:
        from kith.campaigns.lists import lists_come_from
        from kith.core.registry import names_blobs
        from kith.workspace.mailing_lists import resolve
        from kith.workspace.models import Import, PersonRequest

        names_blobs(Import, "file")
        names_blobs(PersonRequest, "digest")
        lists_come_from(resolve)
