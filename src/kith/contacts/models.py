"""Who people are: contacts, organizations, identities, and how we know."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from kith.core.fields import Record
from kith.teams.models import User


class Organization(Record):
    name = models.CharField(max_length=300)
    sort_key = models.CharField(max_length=300, blank=True, db_index=True)
    domain = models.CharField(max_length=255, blank=True, db_index=True)
    website = models.URLField(max_length=500, blank=True)
    city = models.CharField(max_length=120, blank=True)
    country = models.CharField(max_length=2, blank=True)
    about = models.TextField(blank=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="children")


class Contact(Record):
    """A person. All columns but the id are projections of facts (see `Fact`) or of merges (`canonical`)."""

    canonical = models.ForeignKey("self", on_delete=models.CASCADE, related_name="aliases", db_index=True)
    name = models.CharField(max_length=300, blank=True)
    preferred_name = models.CharField(max_length=120, blank=True)
    given_name = models.CharField(max_length=120, blank=True)
    family_name = models.CharField(max_length=120, blank=True)
    name_confidence = models.FloatField(default=0.5)
    sort_key = models.CharField(max_length=300, blank=True)
    search_text = models.TextField(blank=True)
    language = models.CharField(max_length=12, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    city = models.CharField(max_length=120, blank=True)
    country = models.CharField(max_length=2, blank=True)
    avatar = models.CharField(max_length=64, blank=True)
    custom = models.JSONField(default=dict)
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="contacts")
    last_touch_at = models.DateTimeField(null=True)
    last_inbound_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["sort_key", "id"], name="contact_sort", condition=models.Q(deleted_at=None)),
            models.Index(fields=["-last_inbound_at", "-id"], name="contact_recent"),
            GinIndex(OpClass(Upper("search_text"), name="gin_trgm_ops"), name="contact_search"),
        ]


class Affiliation(Record):
    """A contact's role at an organization, from a day to a day."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="affiliations")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="affiliations")
    role = models.CharField(max_length=200, blank=True)
    begins_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)


class Relationship(Record):
    """What one contact is to another ("daughter of", "assistant of")."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="relationships")
    other = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="relationships_to")
    kind = models.CharField(max_length=80)
    begins_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)


class Identity(Record):
    """Somebody on one network, by the network's stable id. May belong to a contact, or to none.

    `kind` "shared" is a role address (info@): it has candidates, never a contact of its own.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        SHARED = "shared", _("Shared address")
        AUTOMATED = "automated", _("Automatic sender")
        US = "us", _("Us")

    network = models.CharField(max_length=40)
    realm = models.CharField(max_length=255, blank=True)
    external_id = models.CharField(max_length=500)
    handle = models.CharField(max_length=500, blank=True)
    display_name = models.CharField(max_length=300, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="identities")
    profile_url = models.URLField(max_length=1000, blank=True)
    avatar = models.CharField(max_length=64, blank=True)
    avatar_url = models.URLField(max_length=1000, blank=True)
    bio = models.TextField(blank=True)
    flags = ArrayField(models.CharField(max_length=30), default=list)
    blocked_at = models.DateTimeField(null=True)
    blocked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    bounced_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "realm", "external_id"], name="identity_once"),
        ]
        indexes = [models.Index(fields=["contact"], name="identity_contact")]


class IdentityHandle(Record):
    """A handle or display name that an identity had, from a day on."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="handles")
    handle = models.CharField(max_length=500, blank=True)
    display_name = models.CharField(max_length=300, blank=True)
    seen_from = models.DateTimeField()
    seen_until = models.DateTimeField(null=True)


class IdentityLink(Record):
    """That an identity belongs to a contact: on what evidence, by whose decision, from when to when."""

    class Basis(models.TextChoices):
        OWN_KEY = "own_key", _("wrote from it")
        BY_HAND = "by_hand", _("a colleague said so")
        DISCLOSED = "disclosed", _("they told us")
        IMPORTED = "imported", _("came with an import")

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="links")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="links")
    basis = models.CharField(max_length=12, choices=Basis.choices)
    evidence = models.JSONField(default=dict)
    score = models.FloatField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    linked_at = models.DateTimeField()
    unlinked_at = models.DateTimeField(null=True)
    unlinked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    unlinked_as = models.UUIDField(null=True)  # whom the contact was read as then; see `services.merges`

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity"], condition=models.Q(unlinked_at=None), name="identitylink_one_current"
            )
        ]


class Merge(Record):
    """An alias with a date: reads resolve `loser` to `survivor` until it is undone. No foreign key is rewritten."""

    survivor = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="merges_in")
    loser = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="merges_out")
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["loser"], condition=models.Q(undone_at=None), name="merge_loser_once"
            ),
            models.CheckConstraint(condition=~models.Q(survivor=models.F("loser")), name="merge_not_self"),
        ]


class Fact(Record):
    """One thing we know about a contact, and how we know it."""

    class Source(models.TextChoices):
        TOLD_US = "told_us", _("told us")
        FORM = "form", _("typed into a form")
        MESSAGE = "message", _("said in a message")
        PROFILE = "profile", _("from their public profile")
        PUBLIC_POST = "public_post", _("said in public")
        PURCHASE = "purchase", _("from a purchase")
        COLLEAGUE = "colleague", _("a colleague wrote it down")
        IMPORT = "import", _("came with an import")
        INFERRED = "inferred", _("inferred")

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="facts")
    attribute = models.CharField(max_length=80)
    value = models.JSONField()
    source = models.CharField(max_length=12, choices=Source.choices)
    quote = models.TextField(blank=True)
    message_id = models.UUIDField(null=True, db_index=True)
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="+")
    scope_id = models.UUIDField(null=True)
    observed_at = models.DateTimeField()
    confidence = models.FloatField(default=1.0)
    sensitivity = models.CharField(max_length=20, blank=True)
    about = models.CharField(max_length=8, default="self")
    purposes = ArrayField(models.CharField(max_length=40), default=list)
    expires_at = models.DateTimeField(null=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    retracted_at = models.DateTimeField(null=True)
    retracted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    retracted_as = models.UUIDField(null=True)  # whom the contact was read as then; see `services.merges`
    corrects = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["contact", "attribute", "-observed_at"], name="fact_contact")]


class CustomField(Record):
    """A field of the company's own on contacts; its values are facts whose attribute is `custom.<key>`."""

    key = models.SlugField(max_length=60, unique=True)
    label = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, default="text")
    choices = ArrayField(models.CharField(max_length=120), default=list)
    position = models.PositiveIntegerField(default=0)


class Tag(Record):
    name = models.CharField(max_length=60, unique=True)
    color = models.CharField(max_length=12, blank=True)


class ContactTag(Record):
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="contacts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact", "tag"], name="contacttag_once")]


class TagSetAside(Record):
    """A tag of a merged contact, taken off the person it is read as; it comes back when the merge is undone."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")
    removed_as = models.UUIDField()
    removed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")


class ErasedAddress(Record):
    """A keyed hash of an address whose owner was erased (`services.erased`): no import brings them back by it."""

    key_hash = models.CharField(max_length=64)
    erased_at = models.DateTimeField()
    erasure_id = models.UUIDField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lift_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key_hash"], condition=models.Q(lifted_at=None), name="erasedaddress_once"
            )
        ]


class NameWord(models.Model):
    """A word of a name or address, for prefix search: of a contact (c), an organization (o) or an identity (i).

    Triggers keep it (see the migration that made it), so that it holds whoever writes; rebuildable at any time.
    """

    id = models.BigAutoField(primary_key=True)
    word = models.CharField(max_length=60)
    kind = models.CharField(max_length=1)
    object_id = models.UUIDField()

    class Meta:
        indexes = [
            models.Index(
                fields=["kind", "word", "object_id"],
                name="nameword_prefix",
                opclasses=["varchar_ops", "varchar_pattern_ops", "uuid_ops"],
            )
        ]
        constraints = [models.UniqueConstraint(fields=["object_id", "word"], name="nameword_once")]
