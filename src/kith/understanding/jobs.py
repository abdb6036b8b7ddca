"""Background work of this room: reading what was there before, and again when a model is new."""

from __future__ import annotations

from kith.core.jobs import defer, job


@job("understanding.keep_up", every="*/5 * * * *")
def keep_up() -> None:
    """Begin or go on with what has to be read: in a new house, by a new model, or where a job was lost."""
    from kith.core import company
    from kith.understanding.sweeps import running, sweep_due

    if company.is_set_up():
        sweep_due()
        if running():
            defer(walk, key="understanding.walk")


@job("understanding.walk", lock="understanding.walk", queue="default")
def walk() -> None:
    """Go on with each walk for a while, then leave the rest to the next job, so that others have their turn."""
    from kith.understanding.sweeps import running, sweep_go_on

    for sweep in running():
        sweep_go_on(sweep.pk)
    if running():
        defer(walk, key="understanding.walk")
