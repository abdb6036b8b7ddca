"""The company: users, teams, divisions, roles, and scopes (who may see)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from kith.base.ids import new_id
from kith.core import sql
from kith.core.fields import Record
from kith.teams.sight import SIGHT
from kith.teams.types import Viewer


class Role(models.TextChoices):
    """What a user may do; what they may see is said by teams and scopes."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Administrator")
    MANAGER = "manager", _("Manager")
    AGENT = "agent", _("Agent")
    VIEWER = "viewer", _("Viewer")


if TYPE_CHECKING:
    _Manager = BaseUserManager["User"]
else:
    _Manager = BaseUserManager


_READ_USER = SIGHT + ", {columns} FROM teams_user u WHERE u.id = %(user)s"
# Who was read together with the session of the request that is answered; set by `teams.middleware` alone.
known: ContextVar[User | None] = ContextVar("known", default=None)


class UserManager(_Manager):
    def get(self, *conditions: Any, **lookups: Any) -> User:
        """Every request reads its user by `pk`: that statement is prepared, and says what they may see besides."""
        key = lookups.get("pk")
        # The manager of a team's members is of a class made from this one, and must not find others.
        if type(self) is not UserManager or conditions or len(lookups) != 1 or not isinstance(key, uuid.UUID):
            return super().get(*conditions, **lookups)
        user = known.get()
        if user is not None and user.pk == key:
            return user
        found = sql.prepared(_READ_USER.format(columns=self.columns()), {"user": key})
        if not found:
            raise self.model.DoesNotExist
        return self.made_of(found[0])

    def columns(self) -> str:
        """The columns of `teams_user u`, as `made_of` takes them after those of SIGHT."""
        return ", ".join(f"u.{field.column}" for field in self.model._meta.concrete_fields)

    def made_of(self, row: Sequence[Any]) -> User:
        """A user with what they may see, of a row that begins as SIGHT does."""
        teams, scopes, sees_all, *values = row
        names = [field.attname for field in self.model._meta.concrete_fields]
        user = self.model.from_db(self.db, names, values)
        user.viewer_read = Viewer(user.id, user.role, tuple(teams), tuple(scopes), sees_all)
        return user

    def create_user(self, email: str, password: str | None = None, **rest: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **rest)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """Someone who works here and signs in."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.AGENT)
    is_active = models.BooleanField(default=True)
    language = models.CharField(max_length=8, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    theme = models.CharField(max_length=8, blank=True)
    signature = models.TextField(blank=True)
    away = models.BooleanField(default=False)
    preferences = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True)
    avatar = models.CharField(max_length=64, blank=True)

    # What they might see when they were read by their id; who asks later asks `selectors.viewer_of`.
    viewer_read: Viewer | None = None

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    @property
    def administers(self) -> bool:
        return self.role in (Role.OWNER, Role.ADMIN)

    @property
    def manages(self) -> bool:
        return self.role in (Role.OWNER, Role.ADMIN, Role.MANAGER)

    @property
    def may_write(self) -> bool:
        return self.role != Role.VIEWER


class Division(Record):
    """A part of the company with campaigns of its own; the gate paces all of them together."""

    name = models.CharField(max_length=120, unique=True)


class Team(Record):
    name = models.CharField(max_length=120, unique=True)
    division = models.ForeignKey(Division, null=True, on_delete=models.SET_NULL, related_name="teams")
    members = models.ManyToManyField(User, through="Membership", related_name="teams")


class Membership(Record):
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="membership_once")]


class Scope(Record):
    """Who may see: everyone, some teams, or one user. Channel accounts and threads have exactly one."""

    class Kind(models.TextChoices):
        EVERYONE = "everyone", _("Everyone")
        TEAMS = "teams", _("Some teams")
        PRIVATE = "private", _("One person")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=120)
    teams = models.ManyToManyField(Team, related_name="scopes", blank=True)
    owner = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="private_scopes")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="scope_private_has_owner",
                condition=(models.Q(kind="private") & models.Q(owner__isnull=False))
                | (~models.Q(kind="private") & models.Q(owner__isnull=True)),
            )
        ]


class Invitation(Record):
    """A link by mail that makes a user; the token is stored as a hash and works once."""

    email = models.EmailField()
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.AGENT)
    teams = models.ManyToManyField(Team, blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)


class ApiToken(Record):
    """A token for the API; only its hash is kept. It sees what its user sees, and may do what its scopes say."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    token_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12)
    permissions = ArrayField(models.CharField(max_length=40), default=list)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class Notification(Record):
    """Something for one user's attention. `scope` is that of the message it was derived from."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=300)
    body = models.CharField(max_length=500, blank=True)
    path = models.CharField(max_length=300, blank=True)
    subject_id = models.UUIDField(null=True)
    scope = models.ForeignKey(Scope, null=True, on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField(null=True)
    pushed_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="notification_user"),
            # What is opened is read: found without walking all that its reader was ever told.
            models.Index(
                fields=["user", "subject_id"], condition=models.Q(read_at=None), name="notification_unread"
            ),
        ]


class PushSubscription(Record):
    """A browser that asked to be told (Web Push); it is told as long as the session that asked is open."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.URLField(max_length=1000, unique=True)
    keys = models.JSONField()
    failed_at = models.DateTimeField(null=True)
    device = models.CharField(max_length=200, blank=True)
    session_key = models.CharField(max_length=40, blank=True, db_index=True)
    used_at = models.DateTimeField(null=True)


class SystemMail(Record):
    """Mail of Kith itself (invitations, resets, alarms), kept so that it can be read when no server takes it."""

    to = ArrayField(models.EmailField())
    subject = models.CharField(max_length=300)
    text = models.TextField()
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
