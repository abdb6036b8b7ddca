from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    name = "kith.workspace"
    label = "workspace"
