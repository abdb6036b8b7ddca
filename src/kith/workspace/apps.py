from __future__ import annotations

from collections.abc import Callable

from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    name = "kith.workspace"
    label = "workspace"

    def ready(self) -> None:
        from kith.campaigns.lists import lists_come_from
        from kith.core.backup import making
        from kith.core.registry import names_blobs, on_erased
        from kith.workspace import privacy
        from kith.workspace.customer_deeds import own_exports_forget
        from kith.workspace.mailing_lists import resolve
        from kith.workspace.models import Import, OwnExport, PersonRequest

        names_blobs(Import, "file")
        names_blobs(PersonRequest, "digest")
        names_blobs(OwnExport, "digest")
        on_erased(own_exports_forget)
        lists_come_from(resolve)
        privacy.register()
        making.on_settled(_restored)


def _restored(report: Callable[[str], None]) -> None:
    from kith.workspace.erasure_again import BEGUN, erasures_apply

    erasures_apply(report, BEGUN)
