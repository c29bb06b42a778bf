"""Times, ratios and ranks of one table say the same."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench.results.summary.run import summarise
from twinbench.store.records import PlannedPipeline, Sample, Status
from twinbench.store.store import Store


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), missing=st.floats(0, 0.4), independent=st.booleans())
def test_a_table_never_contradicts_itself(seed, missing, independent):
    """The ratio shown is the quotient of the times shown, and what is beaten by a certain ratio isn't first."""
    rng = np.random.default_rng(seed)
    with TemporaryDirectory() as directory, Store.open(Path(directory) / "s.db") as store:
        store.new_run("r", created="2027-01-01T00:00:00+00:00", arguments={}, environment={})
        spec = {"modality": "probe", "independent": independent, "steps": [{"id": s, "op": "probe.noop"} for s in "xy"]}
        store.add_pipeline("r", PlannedPipeline("p", "s", spec, {}))
        slow = rng.normal(0, 0.1, 4)
        for number in range(4):
            cell = store.add_cell("r", "p", f"stack {number}", "s", dict.fromkeys("xy", "f"), "f")
            for process in range(4):
                logs = slow[process] + 0.03 * number + rng.normal(0, 0.02) + rng.normal(0, 0.03, (3, 2, 2))
                store.add_samples(
                    cell,
                    [
                        Sample(process, block, step, "steady", 1e6 * math.exp(logs[block, index, draw]))
                        for block in range(3)
                        if rng.random() >= missing or block == 0
                        for index, step in enumerate("xy")
                        for draw in range(2)
                    ],
                )
            store.set_status(cell, Status.DONE)
        (pipeline,) = summarise(store, "r").pipelines
    steps = [[(c.steps[i].steady, c.steps[i].rank, c.steps[i].ratio) for c in pipeline.cells] for i in (0, 1)]
    for rows in steps if independent else [[(cell.total, cell.rank, cell.ratio) for cell in pipeline.cells]]:
        least, _, none = min(rows, key=lambda row: row[0].estimate)
        assert none is None
        assert min(rank for _, rank, _ in rows) == 1
        for time, rank, ratio in rows:
            if ratio is not None:
                assert f"{ratio.estimate:.3g}" == f"{time.estimate / least.estimate:.3g}"
                assert rank > 1 or ratio.low <= 1 or ratio.mean <= 1
