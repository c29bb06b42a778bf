"""What a comparison says of stores of which the truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.results.make_store import PIPELINE, RUN, SIZE, STEPS, drop_process, make_store, overrule
from twinbench.errors import BadInput
from twinbench.results.decisions import compare
from twinbench.results.decisions.compare import Comparison
from twinbench.results.decisions.compare_records import TimeChange
from twinbench.store.records import Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store

LATER = "20260601-120000-beef"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    make_store(tmp_path / "results.db", run_id=LATER)
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def compared(store: Store, **options: object) -> Comparison:
    return compare.runs((store, RUN), (store, LATER), **options)


def cell(store: Store, stack: str, run: str = LATER) -> int:
    return next(cell.id for cell in store.cells(run) if cell.stack == stack)


def slow_down(store: Store, stack: str, step: str, factor: float) -> None:
    """Measure a stack of the later run again, with one step slower."""
    id = cell(store, stack)
    samples = store.samples(id)
    for process in {sample.process for sample in samples}:
        drop_process(store, id, process)
    store.add_samples(
        id,
        [
            Sample(s.process, s.block, s.step, s.kind, s.wall_ns * (factor if s.step == step else 1), detail=s.detail)
            for s in samples
        ],
    )


def change(found: Comparison, stack: str, step: str = "") -> TimeChange:
    return next(one for one in found.changes if (one.b, one.step) == (stack, step))


def test_two_runs_of_the_same_stacks_are_not_told_apart(store):
    found = compared(store)
    assert {one.b for one in found.changes} == {"pandas+torch", "Polars+torch", "NumPy+torch"}
    assert {one.verdict for one in found.changes} == {"undecided"}
    assert not found.regressions(0.05)
    assert not found.differences


def test_what_became_twice_as_slow_is_a_regression_and_its_step_is_named(store):
    slow_down(store, "Polars+torch", "mlp", 2.5)
    found = compared(store, steps=True)
    total, step = change(found, "Polars+torch"), change(found, "Polars+torch", "mlp")
    assert (total.verdict, step.verdict) == ("slower", "slower")
    assert step.ratio.estimate == pytest.approx(2.5, rel=0.01)
    assert (total.a_s, total.b_s) == (pytest.approx(0.116, rel=0.02), pytest.approx(0.266, rel=0.02))
    assert [one.step for one in found.regressions(0.05)] == ["", "mlp"]
    assert not found.regressions(2.0)
    assert change(found, "Polars+torch", "groupby").verdict == "undecided"


def test_a_control_shows_what_two_runs_alone_can_not(store):
    slow_down(store, "Polars+torch", "mlp", 1.12)
    assert change(compared(store), "Polars+torch").verdict == "undecided"
    found = compared(store, control="pandas+torch")
    assert change(found, "Polars+torch").verdict == "slower"
    assert "pandas+torch" not in {one.b for one in found.changes}


def test_a_control_that_changed_itself_is_refused(store):
    with pytest.raises(BadInput, match="not measured with the same code"):
        compared(store, control="no such stack")


def test_stacks_of_one_run_are_compared_in_their_blocks(store):
    found = compare.stacks(store, RUN, ["pandas+torch", "Polars+torch", "NumPy+torch"])
    assert [(one.a, one.b, one.verdict) for one in found.changes] == [
        ("pandas+torch", "Polars+torch", "faster"),
        ("pandas+torch", "NumPy+torch", "faster"),
    ]
    assert found.changes[0].ratio.estimate == pytest.approx(116 / 276, rel=0.02)
    tied = compare.stacks(store, RUN, ["Polars+torch", "NumPy+torch"], margin=0.1)
    assert [one.verdict for one in tied.changes] == ["same"]


def test_what_disagrees_is_not_compared_by_its_time(store):
    found = compare.stacks(store, RUN, ["pandas+torch", "DuckDB+torch"], steps=True)
    assert not found.changes
    (outcome,) = found.outcomes
    assert outcome.status_b is Status.DISAGREES
    assert not outcome.agrees_alike


def test_what_worked_and_now_disagrees_is_broken(store):
    id = cell(store, "pandas+torch")
    store.add_agreement(id, Agreement("groupby", "mean", "different", 40.0, 1.0, False))
    overrule(store, id, Status.DISAGREES, kind="wrong answer", reason="groupby: mean: 40 times the tolerance")
    (broken,) = compared(store).broken()
    assert (broken.b, broken.error_a, broken.error_b) == ("pandas+torch", 0.25, 40.0)
    assert "40 times" in broken.reason


@pytest.mark.parametrize(("values", "word"), [((0.99, 0.98), "better"), ((0.8, 0.7), "worse"), ((0.9, 0.92), "same")])
def test_quality_is_compared_over_its_seeds(store, values, word):
    for seed, value in enumerate(values):
        store.add_quality(cell(store, "pandas+torch"), "roc_auc", value, seed)
    (outcome,) = (one for one in compared(store).outcomes if one.b == "pandas+torch")
    assert outcome.quality == word


def test_other_code_and_another_machine_are_named(store):
    store.new_run(
        "other",
        created="2026-07-01T00:00:00+00:00",
        arguments={},
        environment={"threads": 4, "cpu": {"model": "Example 9000"}, "frameworks": {"pandas": {"pandas": "4.0"}}},
    )
    planned = store.pipelines(RUN)[0]
    store.add_pipeline("other", PlannedPipeline(PIPELINE, SIZE, planned.spec, planned.dataset))
    new = store.add_cell("other", PIPELINE, "pandas+torch", SIZE, dict.fromkeys(STEPS, "x"), "another fingerprint")
    store.add_samples(new, store.samples(cell(store, "pandas+torch", RUN)))
    store.set_status(new, Status.DONE)
    found = compare.runs((store, RUN), (store, "other"))
    assert {(one.what, one.a, one.b) for one in found.differences} == {
        ("threads", "1", "4"),
        ("pandas", "absent", "4.0"),
        ("code of pandas+torch", "fingerprint of pandas+torch", "another fingerprint"),
    }
    assert [one.other_code for one in found.changes] == [True]
    assert any("Polars+torch on flights-delay (small) is only in run" in sentence for sentence in found.unmatched)


@pytest.mark.parametrize("changed", [{"sha256": "other"}, {"amount": 40_000}], ids=str)
def test_other_work_is_not_compared(store, changed):
    planned = store.pipelines(RUN)[0]
    store.new_run("other", created="2026-07-01T00:00:00+00:00", arguments={}, environment={})
    store.add_pipeline("other", PlannedPipeline(PIPELINE, SIZE, planned.spec, planned.dataset | changed))
    new = store.add_cell("other", PIPELINE, "pandas+torch", SIZE, dict.fromkeys(STEPS, "x"), "f")
    store.add_samples(new, store.samples(cell(store, "pandas+torch", RUN)))
    store.set_status(new, Status.DONE)
    found = compare.runs((store, RUN), (store, "other"))
    assert not found.changes
    assert any("other work" in sentence for sentence in found.unmatched)


def test_independent_steps_are_compared_one_by_one_and_have_no_total(store):
    for run in ("one", "two"):
        store.new_run(run, created="2026-07-01T00:00:00+00:00", arguments={}, environment={})
        steps = [{"id": "a", "op": "probe.work"}, {"id": "b", "op": "probe.work"}]
        store.add_pipeline(
            run, PlannedPipeline("ops", "s", {"modality": "signals", "independent": True, "steps": steps}, {})
        )
        id = store.add_cell(run, "ops", "SciPy", "s", {"a": "SciPy"}, "f")
        time = 1e7 if run == "one" else 3e7
        store.add_samples(id, [Sample(p, b, "a", "steady", time + b) for p in range(3) for b in range(5)])
        store.set_status(id, Status.DONE)
    found = compare.runs((store, "one"), (store, "two"))
    assert [(one.step, one.verdict) for one in found.changes] == [("a", "slower")]


def test_runs_without_a_common_stack_are_refused(store):
    store.new_run("empty", created="2026-07-01T00:00:00+00:00", arguments={}, environment={})
    with pytest.raises(BadInput, match="have no stack in common"):
        compare.runs((store, RUN), (store, "empty"))


def test_an_unknown_stack_is_refused_with_the_nearest(store):
    with pytest.raises(BadInput, match="did you mean 'Polars\\+torch'"):
        compare.stacks(store, RUN, ["pandas+torch", "Polar+torch"])
    with pytest.raises(BadInput, match="two stacks"):
        compare.stacks(store, RUN, ["pandas+torch"])
