"""Alarms reach the people who run the house: a notification on their screens and a system mail."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _

from kith.core import alarms, company
from kith.teams.models import Role, User
from kith.teams.notifications import notify


def tell(kind: str, sentence: str) -> None:
    """One notification and one mail for each administrator, in their language; `sentence` comes as it was raised."""
    for user in User.objects.filter(role__in=[Role.OWNER, Role.ADMIN], is_active=True):
        with translation.override(user.language or settings.LANGUAGE_CODE):
            title = _("Kith needs you")
            notify(
                [user.id],
                kind="alarm",
                title=lambda: _("Kith needs you"),
                body=sentence,
                path="/settings/backups/",
            )
            send_mail(
                _("%(company)s: %(title)s") % {"company": company.name() or "Kith", "title": title},
                sentence + "\n\n" + _("“kith doctor” says what else is wrong, and how to put it right."),
                None,
                [user.email],
            )


def listen() -> None:
    alarms.on_alarm(tell)
