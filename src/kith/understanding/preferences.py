"""Which messages are read by which tier: the company's choice."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kith.core import audit, company
from kith.understanding.types import Tier

KEY = "understanding_tier"
INBOUND, FAST, BEST, OFF = "inbound", "fast", "best", "off"
CHOICES = (
    (INBOUND, _("The careful one for what people write to us, the quick one for the rest")),
    (BEST, _("The careful one for everything")),
    (FAST, _("The quick one for everything, for a small machine")),
    (OFF, _("Read nothing")),
)


def chosen() -> str:
    found = company.value(KEY, INBOUND)
    return found if found in dict(CHOICES) else INBOUND


def choose(wanted: str) -> None:
    """Keep the choice. What was read stays as it is until the next walk over all messages."""
    if wanted not in dict(CHOICES):
        raise ValueError(wanted)
    before = chosen()
    if wanted != before:
        company.set_value(KEY, wanted)
        audit.record("understanding_chosen", "company", None, before=before, after=wanted)


def tier_of(choice: str, *, direction: str, history: bool) -> Tier | None:
    """The tier for one message; None: it is not read. What is old, or ours, is read by the quick one by default."""
    if choice == OFF:
        return None
    if choice in (FAST, BEST):
        return "best" if choice == BEST else "fast"
    return "best" if direction == "in" and not history else "fast"
