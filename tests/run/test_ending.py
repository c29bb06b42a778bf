"""Every kind of failure ends its cell in words that the store has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.conftest import CREATED
from twinbench.launch.process import WorkerFailure
from twinbench.run.ending import end
from twinbench.store.store import PlannedPipeline, Store


@pytest.mark.parametrize(
    ("kind", "status", "stored"),
    [
        ("time-out", "timeout", "time-out"),
        ("memory", "oom", "memory"),
        ("protocol", "failed", "protocol"),
        ("training", "failed", "exception"),
        ("refused", "failed", "exception"),
    ],
)
def test_a_failure_of_any_kind_is_stored(tmp_path: Path, kind: str, status: str, stored: str):
    with Store.open(tmp_path / "results.db") as store:
        store.new_run("r1", created=CREATED, arguments={}, environment={})
        store.add_pipeline("r1", PlannedPipeline("p", "small", {"steps": []}, {}))
        end(
            store,
            store.add_cell("r1", "p", "torch", "small", {"mlp": "torch"}, "f"),
            WorkerFailure(kind, "mlp: diverged", "out"),
        )
        (cell,) = store.cells("r1")
    assert (cell.status, cell.kind, cell.reason, cell.stderr) == (status, stored, "mlp: diverged", "out")
