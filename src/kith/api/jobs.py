"""What the API clears away by itself."""

from __future__ import annotations

from kith.api import idempotency
from kith.core.jobs import job


@job("api.forget_answers", every="25 * * * *")
def forget_answers() -> None:
    idempotency.forget_old()
