"""A small company with names: who sees what, and mails from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from kith.contacts.types import ObservedIdentity
from kith.conversations.services import messages_record
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place, Recorded
from kith.networks.models import ChannelAccount
from kith.teams.models import Membership, Scope, Team, User
from kith.teams.selectors import viewer_of
from kith.teams.types import Viewer

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@dataclass
class Cast:
    """Olga owns the firm and is in all teams; Carl is in sales; Ines in the workshop; Pia reads only; Carl has a private mailbox."""

    olga: User
    carl: User
    ines: User
    pia: User
    sales: Team
    workshop: Team
    everyone: Scope
    sales_scope: Scope
    private: Scope
    accounts: dict[str, ChannelAccount]
    number: int = 0

    def viewer(self, user: User) -> Viewer:
        return viewer_of(user)

    def place(self, scope: Scope) -> Place:
        account = next(a for a in self.accounts.values() if a.scope_id == scope.id)
        return Place("email", scope.id, channel_account_id=account.id, team_id=account.team_id)

    def mail(
        self, scope: Scope, *, sender: str = "ada@outside.example", name: str = "Ada Lovelace", **rest: Any
    ) -> Recorded:
        """One mail from outside into the mailbox of `scope`."""
        self.number += 1
        us = self.place_address(scope)
        values: dict[str, Any] = {
            "external_id": f"<{self.number}@outside.example>",
            "at": NOON,
            "own_key": f"mid:<{self.number}@outside.example>",
            "participants": (
                IncomingParticipant(
                    ObservedIdentity("email", sender, display_name=name, handle=sender), "from"
                ),
                IncomingParticipant(ObservedIdentity("email", us, handle=us, kind="us"), "to"),
            ),
            "text": f"Message {self.number}",
            "subject": "The bell",
            "subject_key": f"the bell {self.number}",
        }
        return messages_record(self.place(scope), [IncomingMessage(**{**values, **rest})])[0]

    def place_address(self, scope: Scope) -> str:
        return next(a.address for a in self.accounts.values() if a.scope_id == scope.id)


def cast_make() -> Cast:
    people = {
        name: User.objects.create(email=f"{name.lower()}@us.example", name=name, role=role)
        for name, role in (("Olga", "owner"), ("Carl", "agent"), ("Ines", "agent"), ("Pia", "viewer"))
    }
    sales, workshop = Team.objects.create(name="Sales"), Team.objects.create(name="Workshop")
    Membership.objects.bulk_create(
        Membership(user=people[name], team=team)
        for name, team in (
            ("Olga", sales),
            ("Olga", workshop),
            ("Carl", sales),
            ("Ines", workshop),
            ("Pia", sales),
        )
    )
    everyone = Scope.objects.create(kind="everyone", name="Everyone")
    sales_scope = Scope.objects.create(kind="teams", name="Sales")
    sales_scope.teams.add(sales)
    private = Scope.objects.create(kind="private", name="Carl", owner=people["Carl"])
    accounts = {
        address: ChannelAccount.objects.create(
            network="email",
            name=address,
            address=f"{address}@us.example",
            scope=scope,
            team=team,
            history_until=NOON.replace(year=2020),
        )
        for address, scope, team in (
            ("info", everyone, None),
            ("sales", sales_scope, sales),
            ("carl", private, None),
        )
    }
    return Cast(
        people["Olga"],
        people["Carl"],
        people["Ines"],
        people["Pia"],
        sales,
        workshop,
        everyone,
        sales_scope,
        private,
        accounts,
    )


def client_of(user: User) -> Client:
    """A client in which `user` is signed in."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
