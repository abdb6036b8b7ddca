"""Writes about the people who work here. Each checks its rule, writes, and tells the audit log."""

from kith.teams.services.company import company_create, company_update
from kith.teams.services.invitations import (
    invitation_accept,
    invitation_by_token,
    invitation_create,
    invitation_withdraw,
)
from kith.teams.services.leaving import Leaving, leaving_preview, user_leave, user_return
from kith.teams.services.scopes import audience_of, scope_change, scope_for
from kith.teams.services.sessions import session_end, sessions_end, sessions_of
from kith.teams.services.teams import (
    division_create,
    division_delete,
    division_rename,
    team_create,
    team_delete,
    team_set_members,
    team_update,
)
from kith.teams.services.tokens import api_token_create, api_token_revoke, token_authenticate
from kith.teams.services.users import (
    push_subscription_remove,
    user_change_role,
    user_create,
    user_set_teams,
    user_update_profile,
)

__all__ = [
    "Leaving",
    "api_token_create",
    "api_token_revoke",
    "audience_of",
    "company_create",
    "company_update",
    "division_create",
    "division_delete",
    "division_rename",
    "invitation_accept",
    "invitation_by_token",
    "invitation_create",
    "invitation_withdraw",
    "leaving_preview",
    "push_subscription_remove",
    "scope_change",
    "scope_for",
    "session_end",
    "sessions_end",
    "sessions_of",
    "team_create",
    "team_delete",
    "team_set_members",
    "team_update",
    "token_authenticate",
    "user_change_role",
    "user_create",
    "user_leave",
    "user_return",
    "user_set_teams",
    "user_update_profile",
]
