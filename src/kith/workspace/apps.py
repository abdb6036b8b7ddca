from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    name = "kith.workspace"
    label = "workspace"

    def ready(self) -> None:
        from kith.core.registry import names_blobs
        from kith.workspace import privacy
        from kith.workspace.models import Import, PersonRequest

        names_blobs(Import, "file")
        names_blobs(PersonRequest, "digest")
        privacy.register()
