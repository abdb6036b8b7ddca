"""Channel accounts: connected, changed, paused, removed; who may see them. Nothing here calls a network.

`channels` listens to the events `channel_account_connected`, `_changed`, `_resumed`, `_paused` and `_removed`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from kith.base.clock import now
from kith.connectors.manifest import Field, Manifest
from kith.core import audit, events
from kith.networks.errors import NetworksError
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.networks.selectors import manifest_of
from kith.networks.types import Audience, Intake, Own
from kith.teams.errors import NotAllowed
from kith.teams.models import Scope, Team, User
from kith.teams.services import audience_of, scope_for

Rescope = Callable[[uuid.UUID, uuid.UUID, uuid.UUID], None]
_rescopers: dict[str, Rescope] = {}
State = ChannelAccount.State
PLAIN = ("name", "signature", "acknowledge", "acknowledgement")
KEPT = "\u2022" * 8
"""What a form shows in place of a secret; given back, it means "as it is"."""


def on_rescope(name: str, callback: Rescope) -> None:
    """`callback(account id, old scope id, new scope id)` moves what came through the account; called in the
    transaction of the change. Rooms above register in `AppConfig.ready`."""
    _rescopers[name] = callback


def values_split(manifest: Manifest, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and secrets of a form's values, defaults filled in; raises NetworksError for unknown, missing or wrong ones."""
    by_name = {field.name: field for field in manifest.fields}
    if unknown := sorted(set(values) - set(by_name)):
        raise NetworksError(_("%s is no setting of this network.") % unknown[0], field=unknown[0])
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for field in manifest.fields:
        text = str(values.get(field.name, "")).strip() or field.default
        _check_value(field, text)
        if text:
            (secrets if field.secret else settings)[field.name] = text
    return settings, secrets


def _check_value(field: Field, text: str) -> None:
    if not text:
        if field.required:
            raise NetworksError(_("%s is needed.") % field.label, field=field.name)
        return
    if field.kind == "choice" and text not in field.choices:
        raise NetworksError(_("Choose one of: %s.") % ", ".join(field.choices), field=field.name)
    if field.kind == "port" and not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise NetworksError(_("A port is a number from 1 to 65535."), field=field.name)
    if field.kind == "url" and not text.startswith(("https://", "http://")):
        raise NetworksError(_("An address begins with https://."), field=field.name)
    if len(text) > 20_000 or "\x00" in text:
        raise NetworksError(
            _("This is too long, or holds characters that no network takes."), field=field.name
        )


def may_administer(
    user: User, account: ChannelAccount | None = None, audience: Audience | None = None
) -> bool:
    """Administrators manage all but others' private channels; who may write manages their own private ones."""
    if account is not None and account.scope.owner_id is not None:
        return account.scope.owner_id == user.id and user.may_write
    if audience is not None and audience.owner is not None and audience.owner.id != user.id:
        return False
    if audience is not None and audience.kind == "private" and account is None:
        return user.may_write
    return user.administers


@transaction.atomic
def channel_account_connect(
    *,
    network: str,
    name: str,
    values: Mapping[str, str],
    own: Own,
    audience: Audience,
    user: User | None,
    intake: Intake | None = None,
    team: Team | None = None,
    aliases: Sequence[str] = (),
    tokens: Mapping[str, str] | None = None,
) -> ChannelAccount:
    """A new account, or the removed one of the same identity again. `values` are the manifest's, secrets among them.

    `tokens` are further secrets that signing in has brought. History that is older than this moment arrives closed. Raises NetworksError with the field to blame, NotAllowed.
    """
    manifest = manifest_of(network)
    if manifest is None:
        raise NetworksError(_("There is no such network."), field="network")
    if user is not None and not may_administer(user, audience=audience):
        raise NotAllowed(_("You can connect channels for yourself alone; ask an administrator for others."))
    settings, secrets = values_split(manifest, values)
    chosen = _checked_intake(intake or Intake())
    _one_at_a_time(network, own)
    account = (
        ChannelAccount.objects.filter(network=network, external_id=own.external_id, realm=own.realm)
        .exclude(external_id="")
        .order_by("-id")
        .first()
    )
    if account is not None and account.state != State.REMOVED:
        raise NetworksError(_("This channel is connected already."))
    account = account or ChannelAccount(network=network, history_until=now())
    account.name = name.strip()[:120] or own.address or manifest.title
    account.address, account.external_id, account.realm = own.address, own.external_id, own.realm
    account.display_name, account.details = own.display_name[:200], dict(own.details)
    account.settings, account.secrets = settings, {**secrets, **(tokens or {})}
    account.team, account.state, account.connected_by = team, State.ACTIVE, user
    account.intake, account.intake_label = chosen.policy, chosen.label
    account.history_since, account.aliases = chosen.history_since, _addresses(aliases)
    wanted = scope_for(kind=audience.kind, teams=audience.teams, owner=audience.owner)
    before = account.scope_id
    account.scope = wanted
    account.save()
    if before is not None and before != wanted.id:
        _move(account, before, wanted.id)
    ChannelHealth.objects.get_or_create(channel_account=account)
    audit.record("channel_connected", "channel_account", account.id, network=network, name=account.name)
    events.record("channel_account_connected", [account.id])
    return account


@transaction.atomic
def channel_account_update(
    *,
    account: ChannelAccount,
    user: User | None,
    plain: Mapping[str, Any] | None = None,
    values: Mapping[str, str] | None = None,
    own: Own | None = None,
    intake: Intake | None = None,
    team: Team | None = None,
    aliases: Sequence[str] | None = None,
    tokens: Mapping[str, str] | None = None,
) -> ChannelAccount:
    """Change an account. A secret that is missing, empty or `KEPT` in `values` stays as it is.

    `team` is whom new conversations go to (None: nobody). Giving `values` counts as connecting again.
    Who we are there can't change: that would be another account.
    """
    _may(user, account)
    plain = dict(plain or {})
    if unknown := sorted(set(plain) - set(PLAIN)):
        raise NetworksError(f"not a plain value: {unknown[0]}", field=unknown[0])
    changed = sorted(key for key in plain if getattr(account, key) != plain[key])
    for key in changed:
        setattr(account, key, plain[key])
    if values is not None:
        account.settings, secrets = values_merge(account, values)
        account.secrets = {**secrets, **(tokens or {})}
        if account.state == State.RECONNECT:
            account.state = State.ACTIVE
        changed.append("settings")
    if own is not None:
        if account.external_id and (own.external_id, own.realm) != (account.external_id, account.realm):
            raise NetworksError(
                _("These credentials belong to %s. Connect that as a channel of its own.")
                % (own.address or own.external_id)
            )
        account.external_id, account.realm, account.address = own.external_id, own.realm, own.address
        account.display_name, account.details = own.display_name[:200], dict(own.details)
    if intake is not None:
        chosen = _checked_intake(intake)
        account.intake, account.intake_label = chosen.policy, chosen.label
        account.history_since = chosen.history_since
        changed.append("intake")
    account.team = team
    if aliases is not None:
        account.aliases = _addresses(aliases)
    account.save()
    audit.record("channel_changed", "channel_account", account.id, fields=changed)
    events.record("channel_account_changed", [account.id])
    return account


def values_merge(account: ChannelAccount, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and secrets as they would be after an update with `values`; raises NetworksError."""
    manifest = manifest_of(account.network)
    if manifest is None:
        raise NetworksError(_("There is no such network."), field="network")
    secret_names = {field.name for field in manifest.fields if field.secret}
    kept = dict(account.secrets or {})
    given = {
        key: value
        for key, value in values.items()
        if key not in secret_names or str(value).strip() not in ("", KEPT)
    }
    settings, secrets = values_split(
        manifest, {**{k: v for k, v in kept.items() if k in secret_names}, **given}
    )
    return settings, {**kept, **secrets}


@transaction.atomic
def channel_account_simulate(*, network: str, user: User) -> ChannelAccount:
    """An account of any network that is played by the simulator: nothing of it leaves the house."""
    manifest = manifest_of(network)
    if manifest is None or not user.administers:
        raise NotAllowed(_("Ask an administrator to start a simulation."))
    found = ChannelAccount.objects.filter(network=network, settings__simulated=True).exclude(
        state=State.REMOVED
    )
    account = found.order_by("id").first()
    if account is None:
        account = ChannelAccount.objects.create(
            network=network,
            name=_("%s (simulated)") % manifest.title,
            address=f"us@{network}.example",
            external_id=f"simulated-{network}",
            settings={"simulated": True, "network_title": manifest.title, "medium": manifest.medium},
            scope=scope_for(kind=Scope.Kind.EVERYONE),
            history_until=now(),
            connected_by=user,
        )
        ChannelHealth.objects.create(channel_account=account)
        audit.record("channel_simulated", "channel_account", account.id, network=network)
        events.record("channel_account_connected", [account.id])
    return account


@transaction.atomic
def channel_account_pause(*, account: ChannelAccount, user: User | None) -> None:
    """Nothing is fetched and nothing sent until it is resumed."""
    _set_state(account, user, State.PAUSED, "channel_paused", "channel_account_paused")


@transaction.atomic
def channel_account_resume(*, account: ChannelAccount, user: User | None) -> None:
    if account.state != State.PAUSED:
        raise NetworksError(_("Only a paused channel can be resumed."))
    _set_state(account, user, State.ACTIVE, "channel_resumed", "channel_account_resumed")


@transaction.atomic
def channel_account_remove(*, account: ChannelAccount, user: User | None) -> None:
    """Forget its credentials and fetch no more. Its messages stay, for those who could see them."""
    account.secrets = None
    _set_state(account, user, State.REMOVED, "channel_removed", "channel_account_removed")


@transaction.atomic
def channel_account_set_scope(*, account: ChannelAccount, audience: Audience, user: User | None) -> Scope:
    """Change who may see the account and everything that came through it; past and future, from this moment."""
    locked = ChannelAccount.objects.select_for_update(of=("self",)).select_related("scope").get(pk=account.pk)
    _may(user, locked)
    if user is not None and not may_administer(user, locked, audience):
        raise NotAllowed(_("You may not decide who sees this channel."))
    old = locked.scope
    before = audience_of(old)
    found = scope_for(kind=audience.kind, teams=audience.teams, owner=audience.owner)
    if found.pk == old.pk:
        return old
    locked.scope = account.scope = found
    locked.save(update_fields=["scope"])
    _move(locked, old.pk, found.pk)
    audit.record(
        "channel_audience_changed", "channel_account", locked.id, before=before, after=audience_of(found)
    )
    events.record("channel_account_changed", [locked.id])
    return found


def _may(user: User | None, account: ChannelAccount) -> None:
    if user is not None and not may_administer(user, account):
        raise NotAllowed(_("You may not change this channel."))


def _set_state(account: ChannelAccount, user: User | None, state: str, action: str, event: str) -> None:
    _may(user, account)
    account.state = state
    account.save(update_fields=["state", "secrets"])
    audit.record(action, "channel_account", account.id, name=account.name)
    events.record(event, [account.id])


def _move(account: ChannelAccount, old: uuid.UUID, new: uuid.UUID) -> None:
    for callback in _rescopers.values():
        callback(account.id, old, new)


def _checked_intake(intake: Intake) -> Intake:
    if intake.policy not in ChannelAccount.Intake.values:
        raise NetworksError(_("Say what of this mailbox comes in."), field="intake")
    label = intake.label.strip()
    if intake.policy == "label" and not label:
        raise NetworksError(_("Name the label or folder."), field="intake_label")
    if intake.history_since is not None and intake.history_since > now():
        raise NetworksError(_("This day has not come yet."), field="history_since")
    return Intake(intake.policy, label[:200], intake.history_since)


def _addresses(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(text.strip().lower()[:320] for text in texts if text.strip()))


def _one_at_a_time(network: str, own: Own) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{network}\0{own.realm}\0{own.external_id}".replace("\0", " ")],
        )
