"""Reads about people: what an identity is called, which identities are one person's, who is meant by a name."""

from kith.contacts.selectors.people import (
    Family,
    IdentityName,
    canonical_of,
    contact_family,
    identity_family,
    identity_names,
)
from kith.contacts.selectors.search import NameHit, contact_ids_search, identities_named, people_search

__all__ = [
    "Family",
    "IdentityName",
    "NameHit",
    "canonical_of",
    "contact_family",
    "contact_ids_search",
    "identities_named",
    "identity_family",
    "identity_names",
    "people_search",
]
