"""Reads about people: what an identity is called, which identities are one person's."""

from kith.contacts.selectors.people import (
    IdentityName,
    canonical_of,
    identity_family,
    identity_names,
)

__all__ = ["IdentityName", "canonical_of", "identity_family", "identity_names"]
