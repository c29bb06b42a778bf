"""What a worker told, on its way to the store: facts in shapes that the store can hold, and how a cell ends."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from twinbench.launch.process import WorkerFailure
from twinbench.plan.stack import Stack
from twinbench.store import fact_shapes, shapes
from twinbench.store.records import KINDS, Status
from twinbench.store.store import Store

ENDINGS = {"time-out": Status.TIMEOUT, "memory": Status.OOM}
"""Status of a failed cell by the kind of failure; FAILED for other kinds."""


def end(store: Store, cell: int, failure: WorkerFailure) -> None:
    """Store the failure with which a cell ends."""
    kind = failure.kind if failure.kind in KINDS else "exception"
    status = ENDINGS.get(failure.kind, Status.FAILED)
    store.set_status(cell, status, kind=kind, reason=failure.reason, stderr=failure.output)


def add_fact(store: Store, cell: int, step: str, key: str, value: Any) -> None:
    """Store a fact that a worker told. Raises WorkerFailure for one that no reader of the store would accept."""
    try:
        shapes.check(value, fact_shapes.of_key(key))
    except shapes.Misfit as misfit:
        raise WorkerFailure("protocol", f"{step or 'the process'}: {key}: {misfit}") from None
    store.add_fact(cell, step, key, value)


def check_frameworks(stack: Stack, request: str, answered: Collection[str]) -> None:
    """Raise WorkerFailure if an answer isn't about the frameworks of a stack."""
    names = {framework.name for framework in stack.frameworks}
    if names != set(answered):
        what = f"{ascii(list(answered))[:80]} instead of {', '.join(sorted(names))}"
        raise WorkerFailure("protocol", f"{request}: an answer about {what}")
