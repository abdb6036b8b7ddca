"""Rows for every table, made from the models: awkward text, every foreign key set. For tests that copy a database.

Run as a program it fills the database of the settings in the environment and prints how many tables it filled.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

AWKWARD = 'tab\t backslash \\ newline\n quote " \\N ümläut 漢字 🦉'


def fill(rows: int = 3) -> dict[str, int]:
    """Add `rows` rows to every table of Django's models; returns rows by table, 0 where a constraint refused them."""
    from django.apps import apps
    from django.db import DatabaseError, transaction

    done: dict[str, int] = {}
    waiting = [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    for _ in range(6):  # parents first, however deep they stand
        for model in list(waiting):
            for every_key in (True, False):
                try:
                    with transaction.atomic():
                        made = [_instance(model, number, every_key=every_key) for number in range(rows)]
                        model._base_manager.bulk_create(made)
                except (DatabaseError, LookupError):
                    done[model._meta.db_table] = 0
                else:
                    done[model._meta.db_table] = rows
                    waiting.remove(model)
                    break
    return done


def _instance(model: Any, number: int, *, every_key: bool) -> Any:
    instance = model()
    for position, field in enumerate(model._meta.concrete_fields):
        if field.generated if hasattr(field, "generated") else False:
            continue
        if field.is_relation:
            wanted = every_key or not field.null
            value = (
                _related(model, field, instance, number + (0 if field.unique else position))
                if wanted
                else None
            )
            setattr(instance, field.attname, value)
        elif not (
            field.primary_key and (field.has_default() or field.get_internal_type().endswith("AutoField"))
        ):
            value = _value(field, number)
            if value is not None:
                setattr(instance, field.attname, value)
    return instance


def _related(model: Any, field: Any, instance: Any, number: int) -> Any:
    if field.related_model is model:
        return None if field.null else instance.pk
    keys = field.related_model._base_manager.order_by("pk").values_list(field.target_field.attname, flat=True)
    found = list(keys[:50])
    if not found and not field.null:
        raise LookupError(field)
    return found[number % len(found)] if found else None


def _value(field: Any, number: int) -> Any:
    from django.utils import timezone

    kind = field.get_internal_type()
    if field.name == "not_before":
        # What is due when a house is restored is doubted (tests/channels/test_restored.py): these rows come back as is.
        return timezone.now() + datetime.timedelta(days=1)
    if field.choices:
        return next(iter(dict(field.flatchoices)))
    if field.has_default() and not field.unique:
        return None
    if kind in ("CharField", "TextField", "EmailField", "URLField", "SlugField"):
        text = f"{uuid.uuid4().hex[:12]} {AWKWARD}"
        return text[: field.max_length] if field.max_length else text
    simple: dict[str, Any] = {
        "UUIDField": uuid.uuid4(),
        "DateTimeField": timezone.now(),
        "DateField": datetime.date(2026, 2, 28),
        "BooleanField": True,
        "JSONField": {"a": [1, AWKWARD]},
        "BinaryField": bytes(range(256)),
        "FloatField": 0.1,
        "DecimalField": decimal.Decimal("1.5"),
        "GenericIPAddressField": "2001:db8::1",
        "DurationField": datetime.timedelta(hours=1),
        "SearchVectorField": "'owl':1A,3",
    }
    if type(field).__module__.startswith("kith."):
        return {"password": AWKWARD}  # encrypted at rest
    if kind in simple:
        return simple[kind]
    if "Integer" in kind:
        return number + 1
    if kind == "ArrayField":
        return []
    return None


def main() -> None:
    from kith.core import blobs
    from kith.core.backup import keys
    from kith.core.company import set_value
    from kith.core.secrets import encrypt

    assert keys
    done = fill()
    set_value("sealed", encrypt(b"the channel's password").hex())
    for size in (0, 1, 70_000, 3_000_000):
        blobs.put(bytes(number % 251 for number in range(size)))
    filled = [name for name, rows in done.items() if rows]
    print(len(filled), len(done), *sorted(set(done) - set(filled)))
