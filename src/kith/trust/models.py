"""The gate's memory: what may never be sent, what was sent or held, and why."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.contacts.models import Contact, Identity
from kith.core.fields import Record
from kith.teams.models import Division, User


class Suppression(Record):
    """Never contact: a keyed hash of network and address, which survives an erasure."""

    key_hash = models.CharField(max_length=64)
    channel = models.CharField(max_length=12, default="all")
    reason = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lift_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key_hash", "channel"], condition=models.Q(lifted_at=None), name="suppression_once"
            )
        ]


class Topic(Record):
    """What people may ask to hear about; its key is the purpose of touches and consents."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    about = models.CharField(max_length=300, blank=True)
    division = models.ForeignKey(Division, null=True, on_delete=models.SET_NULL, related_name="topics")
    position = models.PositiveIntegerField(default=0)
    archived_at = models.DateTimeField(null=True)


class Consent(Record):
    """That an identity allowed or withdrew one purpose on one channel, with the proof; the newest of its kind counts.

    Rows are only ever added. Purpose or channel "all" means every one: withdrawn for all purposes is "unsubscribed".
    "lifted" ends a withdrawal without agreeing to anything: what counts then is each purpose by itself.
    `proof`: the text that was agreed to, the address of the page or message, how and from where (`ISO/IEC TS 27560`).
    """

    class Status(models.TextChoices):
        ASKED = "asked", _("asked for, not confirmed")
        GIVEN = "given", _("given")
        WITHDRAWN = "withdrawn", _("withdrawn")
        LIFTED = "lifted", _("no longer withdrawn")

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=60)
    channel = models.CharField(max_length=12)
    status = models.CharField(max_length=10, choices=Status.choices)
    proof = models.JSONField(default=dict)
    given_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["identity", "purpose", "channel", "-given_at"], name="consent_newest")
        ]


class Objection(Record):
    """That somebody objects to a purpose ("all" selling), until they say otherwise."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="objections")
    purpose = models.CharField(max_length=60, default="all")
    proof = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "purpose"], condition=models.Q(ended_at=None), name="objection_once"
            )
        ]


class Preference(models.Model):
    """How often somebody wants to hear from us, and until when not at all."""

    identity = models.OneToOneField(
        Identity, primary_key=True, on_delete=models.CASCADE, related_name="preference"
    )
    per_month = models.PositiveSmallIntegerField(null=True)
    paused_until = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(auto_now=True)


class Invitation(Record):
    """That somebody asked us to write on another channel ("call me"), in their own words, for a while."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="invitations")
    quote = models.TextField(blank=True)
    message_id = models.UUIDField(null=True, db_index=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    ends_at = models.DateTimeField()


class ContactPolicy(Record):
    """The company's policy as a TOML text; the newest counts. None: the one that ships."""

    text = models.TextField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")


class Touch(Record):
    """One planned or made outbound contact to one identity (a public post: one, without recipient)."""

    class State(models.TextChoices):
        ALLOWED = "allowed", _("Allowed")
        HELD = "held", _("Held back")
        DENIED = "denied", _("Denied")
        MADE = "made", _("Made")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Held until it was too late")
        MERGED = "merged", _("Sent together with another")

    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="touches")
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="touches")
    kind = models.CharField(max_length=20)
    channel = models.CharField(max_length=10)
    purpose = models.CharField(max_length=60, default="service")
    actor = models.CharField(max_length=12, default="person")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    division = models.ForeignKey(Division, null=True, on_delete=models.SET_NULL, related_name="+")
    subject_id = models.UUIDField(null=True, db_index=True)  # the message it is for
    mailing_id = models.UUIDField(null=True, db_index=True)  # one of many to the same list
    title = models.CharField(max_length=200, blank=True)
    name_used = models.CharField(max_length=120, blank=True)
    urgent = models.BooleanField(default=False)
    based_on = models.JSONField(default=list)
    priority = models.SmallIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="merged")
    state = models.CharField(max_length=10, choices=State.choices)
    planned_for = models.DateTimeField()
    made_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["contact", "-planned_for"], name="touch_contact"),
            models.Index(fields=["identity", "-planned_for"], name="touch_identity"),
            models.Index(fields=["state", "planned_for"], name="touch_state"),
            models.Index(
                fields=["-priority", "planned_for", "id"],
                name="touch_held",
                condition=models.Q(state="held"),
            ),
            models.Index(
                fields=["identity", "-planned_for"],
                name="touch_ledger",
                condition=models.Q(
                    kind__in=["campaign", "sequence", "outreach"], state__in=["allowed", "made"]
                ),
            ),
        ]

    def newest_decision(self) -> Decision | None:
        """What was said of it last. Of many, ask with prefetch_related("decisions")."""
        return max(self.decisions.all(), key=lambda row: (row.created_at, row.pk), default=None)


class Decision(Record):
    """What the gate said of a touch, when, by which rule, and in which words.

    `sentence` is the English of that day; `values` fill the rule's sentence in the reader's language (null: a row from
    before they were kept, of which only the sentence is known). Read by `sentences.of`.
    """

    touch = models.ForeignKey(Touch, on_delete=models.CASCADE, related_name="decisions")
    outcome = models.CharField(max_length=6, choices=[("allow", "allow"), ("hold", "hold"), ("deny", "deny")])
    rule = models.CharField(max_length=60)
    sentence = models.TextField()
    values = models.JSONField(null=True)
    until = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict)
    overridden_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    override_reason = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["id", "outcome"], name="decision_with_outcome")]


class Situation(models.Model):
    """What the gate must know from rooms above it, about one identity; written by them in their own transaction."""

    identity = models.OneToOneField(
        Identity, primary_key=True, on_delete=models.CASCADE, related_name="situation"
    )
    last_inbound_at = models.DateTimeField(null=True)
    last_inbound_automatic = models.BooleanField(default=False)
    last_inbound_authenticated = models.BooleanField(default=False)
    wrote_on = ArrayField(models.CharField(max_length=10), default=list)
    open_case = models.CharField(max_length=8, blank=True)  # "", "normal" or "angry"
    customer_since = models.DateTimeField(null=True)
    last_automatic_reply_at = models.DateTimeField(null=True)


class VisitCode(Record):
    """A code that was mailed to an address, to be typed once. Only its keyed hash is kept, and none when nobody was asked."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="visit_codes")
    key_hash = models.CharField(
        max_length=64, unique=True
    )  # of the number that the visitor's browser carries
    code_hash = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)


class Visit(Record):
    """A visitor at their own page, for half an hour. Known by a random key, of which the hash is kept."""

    key_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)


class VisitIdentity(Record):
    """An address that was proven in a visit, by a code that was sent to it."""

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="proven")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visit", "identity"], name="visitidentity_once")]
