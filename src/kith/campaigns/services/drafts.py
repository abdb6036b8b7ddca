"""Drafts of mailings. What is changed is checked anew before it can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.text import clean
from kith.campaigns.errors import MailingError
from kith.campaigns.models import Mailing, Recipient
from kith.core import audit
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.teams.models import User
from kith.teams.types import Viewer
from kith.trust.models import Topic
from kith.trust.selectors import topic_offered, topics
from kith.trust.services import TrustError, topic_key, topic_save

State = Mailing.State
PRIORITIES = (-1, 0, 1)
LONGEST = 90  # days that a held one waits at most


def accounts_of(viewer: Viewer) -> list[ChannelAccount]:
    """Mailboxes from which this colleague may write to many."""
    found = (
        ChannelAccount.objects.filter(scope_id__in=viewer.scope_ids)
        .exclude(state__in=(ChannelAccount.State.REMOVED, ChannelAccount.State.PAUSED))
        .select_related("team")
        .order_by("name")
    )
    return [row for row in found if (m := manifest_of(row.network)) is not None and m.medium == "mail"]


def topic_add(*, name: str) -> Topic:
    """A topic of this name; the one that stands where there is one. Raises MailingError."""
    key = topic_key(name)
    if not key:
        raise MailingError(_("Give the topic a name of letters."))
    standing = Topic.objects.filter(key=key).first()
    try:
        return standing or topic_save(name=name)
    except TrustError as error:
        raise MailingError(str(error)) from error


def mailing_create(*, user: User, people: Mapping[str, Any], account: ChannelAccount, title: str) -> Mailing:
    mailing = Mailing.objects.create(
        title=title[:200],
        purpose=next((topic.key for topic in topics()), ""),
        account=account,
        people=dict(people),
        author=user,
    )
    audit.record("mailing_drafted", "mailing", mailing.pk, title=mailing.title)
    return mailing


@transaction.atomic
def mailing_change(mailing: Mailing, viewer: Viewer, values: Mapping[str, Any]) -> Mailing:
    """Change a draft: title, subject, text, purpose, account, priority, expires_days, digest, based_on. Raises MailingError."""
    mailing = Mailing.objects.select_for_update().get(pk=mailing.pk)
    if mailing.state not in (State.DRAFT, State.CHECKING, State.CHECKED):
        raise MailingError(_("This mailing is on its way already."))
    title = " ".join(clean(str(values["title"])).split())[:200]
    if not title:
        raise MailingError(_("Give the mailing a title; only colleagues see it."))
    account = next((row for row in accounts_of(viewer) if row.pk == values["account"]), None)
    if account is None:
        raise MailingError(_("Choose the mailbox that it comes from."))
    if not topic_offered(values["purpose"]):
        raise MailingError(_("Say what it is about: people agree to topics, and leave them."))
    mailing.title, mailing.account, mailing.purpose = title, account, values["purpose"]
    mailing.subject = " ".join(clean(str(values["subject"])).split())[:500]
    mailing.text = clean(str(values["text"]))[:100_000]
    mailing.priority = values["priority"] if values["priority"] in PRIORITIES else 0
    mailing.expires_days = min(max(int(values["expires_days"]), 1), LONGEST)
    mailing.digest = bool(values["digest"])
    mailing.based_on = list(values["based_on"])
    mailing.state, mailing.numbers, mailing.error = State.DRAFT, {}, ""
    mailing.save()
    Recipient.objects.filter(mailing=mailing).delete()
    return mailing


@transaction.atomic
def mailing_remove(mailing: Mailing) -> None:
    """Throw a draft away. Raises MailingError when something of it was sent."""
    mailing = Mailing.objects.select_for_update().get(pk=mailing.pk)
    if mailing.state not in (State.DRAFT, State.CHECKING, State.CHECKED):
        raise MailingError(_("Some of it was sent; it stays, so that the answers make sense."))
    audit.record("mailing_removed", "mailing", mailing.pk, title=mailing.title)
    mailing.delete()
