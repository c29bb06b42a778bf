"""Samples of a running cell are kept in memory: the store is written as they come, and read once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench.run import request, runner
from twinbench.run.measured import Measured
from twinbench.run.options import Options
from twinbench.run.watch import Watch
from twinbench.store.records import Sample
from twinbench.store.samples import figures
from twinbench.store.store import Store

SAMPLES = st.lists(
    st.builds(
        Sample,
        st.integers(0, 2),
        st.integers(0, 3),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["steady", "first_call"]),
        st.floats(1, 1e9),
        gc_ns=st.none() | st.floats(0, 1e9),
        collector_ns=st.none() | st.floats(0, 1e9),
    )
)


@given(SAMPLES, st.none() | st.integers(0, 2))
def test_what_is_in_memory_is_what_the_store_would_give(samples: list[Sample], process: int | None):
    measured = Measured(samples[:3])
    measured.add(samples[3:])
    expected = figures([sample for sample in samples if process in (None, sample.process)])
    assert measured.blocks("a", process) == expected.steady.get("a", {})
    assert measured.totals(["a", "b"], process) == expected.totals(["a", "b"])
    assert measured.last_process == max((sample.process for sample in samples), default=-1)


class Counting(Store):
    """A store that counts how often samples are read."""

    reads: Counter[int]

    def samples(self, cell_id: int) -> list[Sample]:
        self.reads[cell_id] += 1
        return super().samples(cell_id)


@pytest.mark.parametrize("budget", [0.2, 1.5])
def test_each_cell_is_read_once_however_many_blocks_there_are(tmp_path: Path, budget: float):
    wanted = request.Request(pipelines=("noop",), stacks=("probe-a", "probe-b"))
    options = Options(budget_s=budget, processes=1, resolve=1e-9)
    with Counting.open(tmp_path / "results.db") as store:
        store.reads = Counter()
        run_id = request.new_run(store, wanted, options)
        runner.run(request.parts(wanted), options, store, run_id, Watch())
        cells = [cell.id for cell in store.cells(run_id)]
        assert store.reads == dict.fromkeys(cells, 1)
        assert {sample.block for sample in store.samples(cells[0])} >= set(range(5))
