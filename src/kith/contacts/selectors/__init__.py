"""Reads about people: what an identity is called, which identities are one person's, who is meant by a name."""

from kith.contacts.selectors.people import IdentityName, canonical_of, identity_family, identity_names
from kith.contacts.selectors.search import NameHit, contact_ids_search, identities_named, people_search

__all__ = [
    "IdentityName",
    "NameHit",
    "canonical_of",
    "contact_ids_search",
    "identities_named",
    "identity_family",
    "identity_names",
    "people_search",
]
