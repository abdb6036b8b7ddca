"""Reads about people: what an identity is called, which identities are one person's, who is meant by a name."""

from kith.contacts.selectors.people import (
    Family,
    IdentityName,
    canonical_of,
    contact_family,
    family_ask,
    first_identity,
    identity_family,
    identity_names,
    names_ask,
    organizations_ask,
    tag_names_ask,
    tags_ask,
)
from kith.contacts.selectors.search import NameHit, contact_ids_search, identities_named, people_search

__all__ = [
    "Family",
    "IdentityName",
    "NameHit",
    "canonical_of",
    "contact_family",
    "contact_ids_search",
    "family_ask",
    "first_identity",
    "identities_named",
    "identity_family",
    "identity_names",
    "names_ask",
    "organizations_ask",
    "people_search",
    "tag_names_ask",
    "tags_ask",
]
