"""The doubts about a cell's quality: which there are, in which words, and none that isn't due."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.results.make_store import PIPELINE, RUN, SIZE, make_store, overrule
from twinbench import metrics
from twinbench.results.summary.run import plain, summarise
from twinbench.store.records import NO_QUALITY, Status
from twinbench.store.store import Store


@pytest.fixture
def store(tmp_path):
    make_store(tmp_path / "s.db")
    with Store.open(tmp_path / "s.db") as opened:
        yield opened


def cell_of(store, stack="pandas+torch"):
    return next(cell for cell in summarise(store, RUN).pipelines[0].cells if cell.stack == stack)


def reach(store, stack, *values):
    for seed, value in enumerate(values):
        store.add_quality(cell_of(store, stack).cell_id, "roc_auc", value, seed)


def test_a_good_model_has_no_doubts_and_neither_has_a_stack_that_ended_before(store):
    assert {stack: dict(cell_of(store, stack).doubts) for stack in ("pandas+torch", "pandas+Flux")} == {
        "pandas+torch": {},
        "pandas+Flux": {},
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.7, {}),
        (0.69999, {"misses target": "roc_auc 0.69999 misses the target 0.70000"}),
        (
            0.5,
            {
                "not better than baseline": "roc_auc 0.500 isn't better than the baseline most-frequent (0.500)",
                "misses target": "roc_auc 0.500 misses the target 0.700",
            },
        ),
    ],
)
def test_a_missed_goal_is_said_with_figures_that_differ_where_they_can(store, value, said):
    reach(store, "pandas+torch", value, value)
    assert cell_of(store).doubts == said


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_not_a_quality(store, value):
    reach(store, "pandas+torch", 0.9, value)
    cell = cell_of(store)
    assert "roc_auc" not in cell.quality
    assert (cell.beats_baseline, cell.meets_target) == (None, None)
    assert cell.doubts == {"not computed": f"roc_auc is not computed: its value with seed 1 is {value}"}
    assert plain(cell)["doubts"] == cell.doubts


def test_the_reason_that_the_run_recorded_is_said(store):
    cell = store.add_cell(RUN, PIPELINE, "Polars+Flux", SIZE, {"predict": "Flux"}, "f")
    store.set_status(cell, Status.DONE)
    assert cell_of(store, "Polars+Flux").doubts == {
        "not computed": "roc_auc is not computed: no predictions of this stack were scored"
    }
    overrule(store, cell, Status.DISAGREES)
    assert "the stack disagrees with the reference" in cell_of(store, "Polars+Flux").doubts["not computed"]
    store.add_fact(cell, "", NO_QUALITY, "no test row is of class 1")
    assert cell_of(store, "Polars+Flux").doubts == {
        "not computed": "roc_auc is not computed: no test row is of class 1"
    }


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=8),
    st.sampled_from([2, 3]),
    st.floats(0, 1, width=32) | st.sampled_from([math.nan, math.inf]),
)
def test_either_all_metrics_are_computed_or_there_is_a_reason(labels, classes, last):
    truth = np.array(labels) % classes
    scores = np.full(len(truth) if classes == 2 else (len(truth), 3), 0.5)
    scores[-1] = last
    reason = metrics.obstacle(truth, scores)
    assert set(metrics.evaluate(truth, scores)) == (set() if reason else set(metrics.METRICS))
    assert bool(reason) == (len(set(truth)) < classes or not math.isfinite(last))


def parted(store, *stacks):
    """The warning about trainings that part, where these stacks' trainings do."""
    for stack in stacks:
        store.add_fact(cell_of(store, stack).cell_id, "mlp", "parts_at", [17, 4096])
    return [warning for warning in summarise(store, RUN).warnings if "roundings" in warning]


def test_trainings_that_part_are_said_and_seeds_are_asked_for(store):
    assert parted(store) == []
    (said,) = parted(store, "pandas+torch", "Polars+torch")
    assert said.startswith(f"{PIPELINE}: trainings of mlp that differ by roundings part at step 17 of 4,096")
    assert said.endswith("isn't tested; measure with --seeds 5 or more")


def test_where_trainings_part_a_quality_that_differs_over_seeds_is_a_doubt(store):
    values = [0.90, 0.91, 0.90, 0.92, 0.91, 0.90]
    others = {"pandas+torch": values, "Polars+torch": [value - 0.05 for value in values], "NumPy+torch": values}
    for stack, reached in others.items():
        reach(store, stack, *reached)
    assert "learns otherwise" not in cell_of(store, "Polars+torch").doubts, "trainings that agree to their end decide"
    (said,) = parted(store, *others)
    assert said.endswith("equal quality over seeds decides, which is tested")
    doubt = cell_of(store, "Polars+torch").doubts["learns otherwise"]
    assert doubt.startswith("roc_auc differs from that of ")
    assert doubt.endswith("by -0.0500 over 6 seeds, which roundings don't explain")
    assert not any("learns otherwise" in cell_of(store, stack).doubts for stack in ("pandas+torch", "NumPy+torch"))
