"""Writes: identities, contacts, links, merges, facts."""

from kith.contacts.services.contacts import (
    contact_create,
    contact_delete,
    contact_for_identity,
    contact_merge,
    contact_merge_undo,
    identity_link,
    identity_unlink,
)
from kith.contacts.services.facts import contact_project, fact_record, fact_retract
from kith.contacts.services.identities import identities_observe, identity_block, identity_unblock
from kith.contacts.services.organizations import (
    affiliation_end,
    affiliation_record,
    organization_get_or_create,
)

__all__ = [
    "affiliation_end",
    "affiliation_record",
    "contact_create",
    "contact_delete",
    "contact_for_identity",
    "contact_merge",
    "contact_merge_undo",
    "contact_project",
    "fact_record",
    "fact_retract",
    "identities_observe",
    "identity_block",
    "identity_link",
    "identity_unblock",
    "identity_unlink",
    "organization_get_or_create",
]
