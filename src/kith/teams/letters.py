"""Notifications by mail: for those who asked for it, about what they have not read by then."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kith.base.clock import now
from kith.core import company
from kith.teams.models import Notification
from kith.teams.selectors import viewer_of
from kith.teams.wishes import KINDS, says_aloud, wants


def mail_notifications(ids: Sequence[uuid.UUID]) -> int:
    """Mail those that are unread, wanted and visible, one mail a user, each at most once; returns how many mails."""
    by_user: dict[uuid.UUID, list[Notification]] = {}
    rows = Notification.objects.filter(pk__in=ids, read_at=None, mailed_at=None, user__is_active=True)
    for row in rows.select_related("user").order_by("id"):
        if wants(row.user, row.kind, "mail") and viewer_of(row.user).sees(row.scope_id):
            by_user.setdefault(row.user_id, []).append(row)
    return sum(_mail(found) for found in by_user.values())


@transaction.atomic
def _mail(found: Sequence[Notification]) -> bool:
    user = found[0].user
    taken = Notification.objects.select_for_update().filter(
        pk__in=[n.pk for n in found], mailed_at=None, read_at=None
    )
    keys = set(taken.values_list("pk", flat=True))
    found = [n for n in found if n.pk in keys]
    if not found:
        return False
    Notification.objects.filter(pk__in=keys).update(mailed_at=now())
    base = company.public_url()
    with translation.override(user.language or settings.LANGUAGE_CODE):
        lines = []
        for row in found:
            text = f"{row.title}: {row.body}" if says_aloud(user) else str(KINDS[row.kind])
            lines.append(f"{text}\n{base}{row.path}" if base and row.path else text)
        subject = ngettext(
            "%(company)s: %(num)s thing waits for you", "%(company)s: %(num)s things wait for you", len(found)
        ) % {"company": company.name() or "Kith", "num": len(found)}
        ending = _("Which news is mailed is chosen under Settings, Notifications.")
    send_mail(subject, "\n\n".join([*lines, ending]), None, [user.email])
    return True
