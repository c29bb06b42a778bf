"""What a worker told comes into the store in words and shapes that the store has, or ends the worker's cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.conftest import CREATED
from tests.store.conftest import cell as cell
from tests.store.conftest import path as path
from tests.store.conftest import store as store
from twinbench.launch.process import WorkerFailure
from twinbench.run.ending import add_fact, end
from twinbench.store.records import PlannedPipeline
from twinbench.store.store import Store


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


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("held_as", {"bytes": "many"}),
        ("curve", [{"epoch": 1, "seconds": 1e300, "loss": 0.5, "metrics": {}}]),
        ("warm_up", {"allocated_bytes": 1e300}),
        ("peak_rss_bytes", -1),
    ],
)
def test_a_fact_that_no_reader_accepts_is_the_failure_of_its_worker(store: Store, cell: int, key: str, value: object):
    with pytest.raises(WorkerFailure, match=key) as failure:
        add_fact(store, cell, "", key, value)
    assert failure.value.kind == "protocol"
    assert store.facts(cell) == []
    add_fact(store, cell, "", "held_as", {"column": "int64", "bytes": 8})
    assert [fact.value for fact in store.facts(cell)] == [{"column": "int64", "bytes": 8}]
