"""The company's own words for people: tags and fields of its own."""

from __future__ import annotations

import re

from django.db import transaction
from django.utils.translation import gettext as _

from kith.contacts.models import CustomField, Fact, Tag
from kith.core import audit

COLORS = ("", "red", "orange", "yellow", "green", "blue", "violet", "grey")
FIELD_KINDS = ("text", "number", "date", "choice", "yesno", "url")


class LibraryError(ValueError):
    """What can't be kept, in a sentence; `field` names the input to blame."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def tag_save(*, name: str, color: str = "", tag: Tag | None = None) -> Tag:
    """Make or change a tag; its name is unique whatever the case."""
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise LibraryError(_("A name of at most 60 characters is needed."), field="name")
    if color not in COLORS:
        raise LibraryError(_("There is no such color."), field="color")
    if Tag.objects.filter(name__iexact=name).exclude(pk__in=[tag.pk] if tag else []).exists():
        raise LibraryError(_("This name is taken."), field="name")
    tag = tag or Tag()
    tag.name, tag.color = name, color
    tag.save()
    audit.record("tag_saved", "tag", tag.id, name=name)
    return tag


@transaction.atomic
def tag_delete(*, tag: Tag) -> None:
    """Take the tag off everything that carries it."""
    audit.record("tag_deleted", "tag", tag.id, name=tag.name)
    tag.delete()


@transaction.atomic
def custom_field_save(
    *, label: str, kind: str, choices: list[str] | None = None, field: CustomField | None = None
) -> CustomField:
    """Make or change a field; its key, under which values are kept, never changes."""
    label = " ".join(label.split())
    wanted = list(dict.fromkeys(c.strip()[:120] for c in choices or [] if c.strip()))
    if not label:
        raise LibraryError(_("A name is needed."), field="label")
    if kind not in FIELD_KINDS:
        raise LibraryError(_("There is no such kind of field."), field="kind")
    if kind == "choice" and len(wanted) < 2:
        raise LibraryError(_("Give at least two choices, one a line."), field="choices")
    if CustomField.objects.filter(label__iexact=label).exclude(pk__in=[field.pk] if field else []).exists():
        raise LibraryError(_("This name is taken."), field="label")
    if field is None:
        last = CustomField.objects.order_by("-position").values_list("position", flat=True).first()
        field = CustomField(key=_free_key(label), position=0 if last is None else last + 1)
    elif field.kind != kind and Fact.objects.filter(attribute=f"custom.{field.key}").exists():
        raise LibraryError(
            _("This field holds values already; make a new one of the other kind."), field="kind"
        )
    field.label, field.kind, field.choices = label[:120], kind, wanted if kind == "choice" else []
    field.save()
    audit.record("custom_field_saved", "custom_field", field.id, label=label)
    return field


@transaction.atomic
def custom_field_delete(*, field: CustomField) -> None:
    """The field goes; its values stay among the facts, with their sources."""
    audit.record("custom_field_deleted", "custom_field", field.id, label=field.label)
    field.delete()


def _free_key(label: str) -> str:
    base = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:50] or "field"
    key, number = base, 2
    while (
        CustomField.objects.filter(key=key).exists()
        or Fact.objects.filter(attribute=f"custom.{key}").exists()
    ):
        key, number = f"{base}_{number}", number + 1
    return key
