"""Writes: identities, contacts, links, merges, facts."""

from kith.contacts.services.contacts import (
    contact_create,
    contact_delete,
    contact_for_identity,
    contact_own,
    identity_link,
    identity_unlink,
)
from kith.contacts.services.erased import ErasedError, erased_among, erased_lift, erased_note
from kith.contacts.services.facts import (
    contact_project,
    contact_set,
    fact_correct,
    fact_expire,
    fact_forget,
    fact_record,
    fact_restore,
    fact_retract,
    fact_told,
    fact_told_undo,
)
from kith.contacts.services.identities import identities_observe, identity_block, identity_unblock
from kith.contacts.services.merges import contact_merge, contact_merge_undo
from kith.contacts.services.organizations import (
    affiliation_end,
    affiliation_record,
    affiliation_remove,
    organization_get_or_create,
    organization_update,
)
from kith.contacts.services.tags import contacts_tag, contacts_untag

__all__ = [
    "ErasedError",
    "affiliation_end",
    "affiliation_record",
    "affiliation_remove",
    "contact_create",
    "contact_delete",
    "contact_for_identity",
    "contact_merge",
    "contact_merge_undo",
    "contact_own",
    "contact_project",
    "contact_set",
    "contacts_tag",
    "contacts_untag",
    "erased_among",
    "erased_lift",
    "erased_note",
    "fact_correct",
    "fact_expire",
    "fact_forget",
    "fact_record",
    "fact_restore",
    "fact_retract",
    "fact_told",
    "fact_told_undo",
    "identities_observe",
    "identity_block",
    "identity_link",
    "identity_unblock",
    "identity_unlink",
    "organization_get_or_create",
    "organization_update",
]
