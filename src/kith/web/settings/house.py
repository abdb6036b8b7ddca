"""This installation: system mails, backups."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kith.base.clock import now
from kith.channels.system_mail import system_mail_resend
from kith.core.backup import nightly
from kith.teams.models import Role, SystemMail, User
from kith.web.access import SignedIn, administrators
from kith.web.settings.page import done, show

PAGE = 50


@never_cache
@administrators
def mails(request: SignedIn) -> HttpResponse:
    """The last system mails; the text of those that could not leave, but only to who may read it."""
    rows = [(mail, may_read(request.user, mail)) for mail in SystemMail.objects.order_by("-id")[:PAGE]]
    return show(request, "settings/mails.html", section="settings:mails", rows=rows)


def may_read(user: User, mail: SystemMail) -> bool:
    """A mail may hold a link that lets its reader in as somebody else: nobody reads those for people above them."""
    if user.role == Role.OWNER:
        return True
    return not User.objects.filter(email__in=[a.lower() for a in mail.to], role=Role.OWNER).exists()


@require_POST
@administrators
def mail_resend(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Try once more, in a job."""
    system_mail_resend(mail=get_object_or_404(SystemMail, pk=pk, sent_at=None))
    done(request, _("Kith tries again."))
    return redirect("settings:mails")


@administrators
def backups(request: SignedIn) -> HttpResponse:
    """Whether nightly backups are made, and which there are."""
    folder = settings.KITH.backups
    files = (
        sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
        if folder.exists()
        else []
    )
    return show(
        request,
        "settings/backups.html",
        section="settings:backups",
        problem=nightly.missing(now()),
        last=nightly.latest(),
        files=[(path.name, path.stat().st_size) for path in files if path.is_file()][:PAGE],
        hour=settings.KITH.backup_hour,
        keep=settings.KITH.backup_keep,
        keys=bool(settings.KITH.backup_passphrase_file),
    )
