"""Velo Hof itself: who works there, in which teams, and on which (simulated) channels it can be reached."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kith.contacts.models import Tag
from kith.core import company
from kith.engagement.models import Macro, SavedReply
from kith.networks.models import ChannelAccount, ChannelHealth
from kith.teams.models import Division, Membership, Scope, Team, User

PASSWORD = "velo hof demo"  # noqa: S105  (of a company that does not exist)
DOMAIN = "velohof.example"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
PLAN = Path(__file__).parent / "house.toml"


@dataclass(slots=True)
class House:
    """Users, teams and channel accounts by the keys that the stories use."""

    users: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    accounts: dict[str, ChannelAccount] = field(default_factory=dict)
    divisions: list[Division] = field(default_factory=list)

    def network_of(self, channel: str) -> str:
        """The network of a person's identity: "mail" is that of the shop's mailbox, "phone" is itself."""
        if channel == "mail":
            return self.accounts["shop"].network
        return self.accounts[channel].network if channel in self.accounts else channel

    def identity_of(self, channel: str) -> str:
        """The key under which a person's identity for one of our accounts stands in the stories."""
        return "mail" if self.accounts[channel].network == self.accounts["shop"].network else channel


def build() -> House:
    plan: dict[str, Any] = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    house = House()
    company.set_value("name", plan["company"])
    house.divisions = [Division.objects.create(name=name) for name in plan["divisions"]]
    for key, person in plan["users"].items():
        user = User.objects.create_user(f"{key}@{DOMAIN}", PASSWORD, name=person["name"], role=person["role"])
        house.users[key] = user
        for name in person["teams"]:
            team = house.teams.get(name) or Team.objects.create(name=name)
            house.teams[name] = team
            Membership.objects.create(user=user, team=team)
    everyone = Scope.objects.get_or_create(kind=Scope.Kind.EVERYONE, defaults={"name": "Everyone"})[0]
    for key, account in plan["accounts"].items():
        scope = everyone
        if "only" in account:
            scope = Scope.objects.create(kind=Scope.Kind.TEAMS, name=", ".join(account["only"]))
            scope.teams.set([house.teams[name] for name in account["only"]])
        house.accounts[key] = ChannelAccount.objects.create(
            network=account["network"],
            name=account["name"],
            address=account["address"],
            external_id=account.get("external_id", account["address"]),
            realm=account.get("realm", ""),
            display_name=plan["company"],
            settings={"simulated": "yes", "address": account["address"]},
            scope=scope,
            team=house.teams.get(account.get("team", "")),
            history_until=LONG_AGO,
        )
        ChannelHealth.objects.create(channel_account=house.accounts[key])
    Tag.objects.bulk_create(Tag(name=name) for name in plan["tags"])
    SavedReply.objects.bulk_create(SavedReply(**reply) for reply in plan["replies"])
    Macro.objects.bulk_create(Macro(**macro) for macro in plan["macros"])
    return house
