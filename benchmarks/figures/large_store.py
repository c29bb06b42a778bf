"""A store of any size with made-up figures, for measuring what reads it."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

from twinbench.store.records import Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store

STEPS = ("read", "group", "train")
STACKS = 10
SIZES = ("s", "m", "l", "xl")
MODALITIES = ("tables", "signals", "images", "training")


def make(path: Path, cells: int, *, processes: int = 2, blocks: int = 5) -> str:
    """Write a run with this many cells, a multiple of 40, and return its id."""
    with Store.open(path) as store:
        store._db._connection.execute("PRAGMA synchronous = OFF")  # nothing here is worth a sync
        store.new_run("large", created="2026-01-01T00:00:00+00:00", arguments={}, environment={"threads": 1})
        rng = np.random.default_rng(0)
        for number, (size, amount) in product(
            range(cells // STACKS // len(SIZES)), zip(SIZES, (1, 2, 4, 8), strict=True)
        ):
            _pipeline(
                store, f"pipeline-{number:03}", MODALITIES[number % 4], size, amount * 1000, rng, processes, blocks
            )
        store.finish_run("large", "done")
    return "large"


def _pipeline(
    store: Store,
    name: str,
    modality: str,
    size: str,
    amount: int,
    rng: np.random.Generator,
    processes: int,
    blocks: int,
) -> None:
    steps = [{"id": step, "op": f"{modality}.{step}", "params": {}} for step in STEPS]
    spec = {"modality": modality, "question": "Which one?", "metric": "roc_auc", "target": 0.8, "steps": steps}
    store.add_pipeline(
        "large",
        PlannedPipeline(name, size, spec, {"name": "data", "sha256": "0" * 64, "unit": "rows", "amount": amount}),
    )
    for number in range(STACKS):
        cell = store.add_cell("large", name, f"stack{number}+torch", size, dict.fromkeys(STEPS, f"stack{number}"), "f")
        typical = amount * 1e3 * (1 + number / 3)
        times = typical * np.exp(rng.normal(0, 0.01, (processes, blocks, len(STEPS))))
        samples = [
            Sample(process, block, step, "steady", float(times[process, block, place]), 1, typical, 0.0)
            for process in range(processes)
            for block in range(blocks)
            for place, step in enumerate(STEPS)
        ]
        samples += [Sample(0, 0, step, "first_call", 3 * typical) for step in STEPS]
        store.add_samples(cell, [*samples, Sample(0, 0, "", "import", 1e9, detail=f"stack{number}")])
        for step in STEPS:
            store.add_agreement(cell, Agreement(step, "x", "rounding", 0.1, 1e-12, True))
        store.add_quality(cell, "roc_auc", 0.8 + number / 100)
        store.add_fact(cell, "", "peak_rss_bytes", 10**8)
        store.set_status(cell, Status.DONE)
