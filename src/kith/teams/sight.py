"""What a user may see, as SQL: for the selector that asks only that, and for the statement that reads a request's user."""

from __future__ import annotations

SIGHT = """
WITH mine AS (SELECT team_id FROM teams_membership WHERE user_id = %(user)s),
seen AS (
    SELECT s.id FROM teams_scope s
    WHERE s.kind = 'everyone' OR s.owner_id = %(user)s
       OR EXISTS (SELECT 1 FROM teams_scope_teams t JOIN mine ON mine.team_id = t.team_id WHERE t.scope_id = s.id)
)
SELECT array(SELECT team_id FROM mine), array(SELECT id FROM seen),
       NOT EXISTS (SELECT 1 FROM teams_scope WHERE id NOT IN (SELECT id FROM seen))
"""
"""Teams, scopes, and whether there is no scope besides; further columns and a FROM may follow."""
