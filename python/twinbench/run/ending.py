"""How a cell ends with a failure: its status and the kind of the failure, in the words of the store."""

from __future__ import annotations

from twinbench.launch.process import WorkerFailure
from twinbench.store.records import KINDS
from twinbench.store.store import Status, Store

ENDINGS = {"time-out": Status.TIMEOUT, "memory": Status.OOM}
"""Status of a failed cell by the kind of failure; FAILED for other kinds."""


def end(store: Store, cell: int, failure: WorkerFailure) -> None:
    """Store the failure with which a cell ends."""
    kind = failure.kind if failure.kind in KINDS else "exception"
    status = ENDINGS.get(failure.kind, Status.FAILED)
    store.set_status(cell, status, kind=kind, reason=failure.reason, stderr=failure.output)
