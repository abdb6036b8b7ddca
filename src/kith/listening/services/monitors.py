"""Monitors are made, changed, switched and removed; each change gives them the next version."""

from __future__ import annotations

import uuid

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from kith.base.text import clean
from kith.core import audit
from kith.core.jobs import defer
from kith.listening.errors import ListeningError
from kith.listening.models import Monitor
from kith.queries import QueryError, parse
from kith.teams.models import Scope, Team, User
from kith.teams.services.scopes import scope_for
from kith.teams.types import Viewer

LONGEST = 4000


def query_check(text: str) -> str:
    """The query as it is kept; raises ListeningError that points at the character."""
    text = clean(text).replace("\r\n", "\n").strip()
    if not text:
        raise ListeningError(_("Say what to look for."), field="query")
    if len(text) > LONGEST:
        raise ListeningError(
            _("A query holds %(most)s characters.") % {"most": LONGEST},
            field="query",
            position=LONGEST,
            length=1,
        )
    try:
        parse(text)
    except QueryError as error:
        raise ListeningError(
            str(error), field="query", position=error.position, length=max(1, error.length)
        ) from error
    return text


def audience_for(viewer: Viewer, audience: str) -> Scope:
    """ "everyone", "me", or the id of one of the viewer's teams."""
    if audience == "me":
        return scope_for(kind=Scope.Kind.PRIVATE, owner=User.objects.get(pk=viewer.user_id))
    if audience == "everyone":
        return scope_for(kind=Scope.Kind.EVERYONE)
    team = next((key for key in viewer.team_ids if str(key) == audience), None)
    if team is None:
        raise ListeningError(_("Say who may see what it finds."), field="audience")
    return scope_for(kind=Scope.Kind.TEAMS, teams=[Team.objects.get(pk=team)])


@transaction.atomic
def monitor_make(*, viewer: Viewer, name: str, query: str, audience: str = "everyone") -> Monitor:
    """Listen from now on; what was seen before is searched by a job. Raises ListeningError."""
    _may(viewer)
    monitor = Monitor.objects.create(
        name=_name(name),
        query=query_check(query),
        owner_id=viewer.user_id,
        scope=audience_for(viewer, audience),
        version=version_next(),
    )
    audit.record("monitor_made", "monitor", monitor.pk, name=monitor.name)
    _look_back(monitor)
    return monitor


@transaction.atomic
def monitor_change(
    *, viewer: Viewer, monitor_id: uuid.UUID, name: str, query: str, audience: str = ""
) -> Monitor:
    """Another name, query or audience. With another query, what only the old one found goes, unless somebody dealt with it."""
    monitor = _locked(viewer, monitor_id)
    text = query_check(query)
    other = text != monitor.query
    monitor.name, monitor.query = _name(name), text
    if audience:
        monitor.scope = audience_for(viewer, audience)
    if other:
        monitor.version = version_next()
    monitor.save(update_fields=["name", "query", "scope", "version"])
    audit.record("monitor_changed", "monitor", monitor.pk, name=monitor.name)
    if other:
        _look_back(monitor)
    return monitor


@transaction.atomic
def monitor_switch(*, viewer: Viewer, monitor_id: uuid.UUID, on: bool) -> Monitor:
    monitor = _locked(viewer, monitor_id)
    state = Monitor.State.ON if on else Monitor.State.OFF
    if monitor.state != state:
        monitor.state, monitor.version = state, version_next()
        monitor.save(update_fields=["state", "version"])
        audit.record("monitor_changed", "monitor", monitor.pk, name=monitor.name)
        if on:
            _look_back(monitor)
    return monitor


@transaction.atomic
def monitor_remove(*, viewer: Viewer, monitor_id: uuid.UUID) -> None:
    """It finds nothing any more and is shown nowhere; what it found goes in the background."""
    from kith.listening.jobs import monitors_sweep

    monitor = _locked(viewer, monitor_id)
    monitor.state, monitor.version = Monitor.State.REMOVED, version_next()
    monitor.save(update_fields=["state", "version"])
    audit.record("monitor_removed", "monitor", monitor.pk, name=monitor.name)
    defer(monitors_sweep, key="listening.monitors_sweep", after=60)


def _may(viewer: Viewer) -> None:
    if not viewer.may_write:
        raise ListeningError(_("You may read, and change nothing."))


def _locked(viewer: Viewer, monitor_id: uuid.UUID) -> Monitor:
    _may(viewer)
    rows = Monitor.objects.select_for_update(of=("self",)).filter(
        pk=monitor_id, scope_id__in=viewer.scope_ids
    )
    monitor = rows.exclude(state=Monitor.State.REMOVED).first()
    if monitor is None:
        raise ListeningError(_("There is no such search."))
    return monitor


def _name(text: str) -> str:
    name = " ".join(clean(text).split())[:120]
    if not name:
        raise ListeningError(_("Give it a name."), field="name")
    return name


def version_next() -> int:
    """One writer at a time until its transaction ends: nobody sees a version before all lower ones."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('listening.monitors', 0))")
    return (Monitor.objects.aggregate(most=Max("version"))["most"] or 0) + 1


def _look_back(monitor: Monitor) -> None:
    from kith.listening.jobs import look_back, searches_follow

    defer(look_back, monitor_id=str(monitor.pk), version=monitor.version)
    defer(searches_follow, key="listening.searches_follow")
