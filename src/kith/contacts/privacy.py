"""What this room keeps of people."""

from __future__ import annotations

from kith.contacts import models as m
from kith.core.registry import keeps, names_blobs


def register() -> None:
    names_blobs(m.Contact, "avatar")
    names_blobs(m.Identity, "avatar")
    keeps(
        m.Contact,
        "",
        erase="blank",
        fields=[
            "name",
            "preferred_name",
            "given_name",
            "family_name",
            "sort_key",
            "search_text",
            "language",
            "time_zone",
            "city",
            "country",
            "avatar",
            "custom",
        ],
        export=("name", "preferred_name", "language", "time_zone", "city", "country", "custom", "created_at"),
    )
    keeps(
        m.Identity,
        "contact",
        erase="blank",
        fields=(
            "external_id",
            "handle",
            "display_name",
            "profile_url",
            "avatar",
            "avatar_url",
            "bio",
            "flags",
        ),
        export=(
            "network",
            "realm",
            "external_id",
            "handle",
            "display_name",
            "profile_url",
            "bio",
            "created_at",
        ),
    )
    keeps(
        m.IdentityHandle,
        "identity__contact",
        erase="delete",
        export=("handle", "display_name", "seen_from", "seen_until"),
    )
    keeps(
        m.IdentityLink,
        "contact",
        erase="delete",
        export=("basis", "evidence", "score", "linked_at", "unlinked_at"),
    )
    keeps(m.Merge, "survivor", erase="delete", export=("reason", "created_at", "undone_at"))
    keeps(
        m.Fact,
        "contact",
        erase="delete",
        export=(
            "attribute",
            "value",
            "source",
            "quote",
            "observed_at",
            "confidence",
            "purposes",
            "expires_at",
        ),
    )
    keeps(m.Affiliation, "contact", erase="delete", export=("organization", "role", "begins_on", "ends_on"))
    keeps(m.Relationship, "contact", erase="delete", export=("other", "kind", "begins_on", "ends_on"))
    keeps(m.ContactTag, "contact", erase="delete", export=("tag", "created_at"))
    keeps(m.TagSetAside, "contact", erase="delete", export=("tag", "created_at"))
