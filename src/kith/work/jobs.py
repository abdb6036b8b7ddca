"""Background work: what is due tells whose it is, once."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.core.jobs import job
from kith.teams.models import Notification
from kith.teams.notifications import notify
from kith.work.models import Promise, Task

AHEAD = timedelta(hours=24)


@job("work.tell_due", every="*/10 * * * *")
def tell_due() -> None:
    """Tell users of tasks that are due now and of promises that are due within a day."""
    due_tell()


def due_tell() -> int:
    """Returns how many were told of. What was told of once is not told of again."""
    count = 0
    tasks = Task.objects.filter(done_at=None, due_at__lte=now(), due_at__gt=now() - timedelta(days=2))
    promises = Promise.objects.filter(
        kept_at=None, broken_at=None, due_at__lte=now() + AHEAD, due_at__gt=now() - timedelta(days=2)
    )
    found = [("task", t.pk, t.assignee_id, t.title, t.scope_id, t.contact_id) for t in tasks]
    found += [("promise", p.pk, p.who_id, p.what, p.scope_id, p.contact_id) for p in promises]
    told = set(
        Notification.objects.filter(
            subject_id__in=[f[1] for f in found], kind__in=["task", "promise"]
        ).values_list("subject_id", flat=True)
    )
    for kind, key, user_id, words, scope_id, contact_id in found:
        if user_id is None or key in told:
            continue
        with transaction.atomic():
            count += len(
                notify(
                    [user_id],
                    kind=kind,
                    title=lambda kind=kind: (
                        _("A promise is due") if kind == "promise" else _("A task is due")
                    ),  # type: ignore[misc]
                    body=words,
                    path=f"/people/{contact_id}/" if contact_id else "/today/",
                    subject_id=key,
                    scope_id=scope_id,
                )
            )
    return count
