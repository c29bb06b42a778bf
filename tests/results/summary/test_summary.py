"""The summary says of a run what its samples say, and ranks only what agrees."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.results.make_store import IMPORT_MS, PIPELINE, RUN, SHA256, SIZE, STEADY_MS, STEPS, drop_process, make_store
from twinbench.errors import BadInput
from twinbench.results.summary.run import CellSummary, PipelineSummary, plain, summarise
from twinbench.store.facts import StepFacts
from twinbench.store.records import Agreement, Fact, PlannedPipeline, Sample, Status
from twinbench.store.store import Store

MS = 1e-3


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def pipeline_of(store: Store) -> PipelineSummary:
    (pipeline,) = summarise(store, RUN).pipelines
    return pipeline


def cells_of(store: Store) -> dict[str, CellSummary]:
    return {cell.stack: cell for cell in pipeline_of(store).cells}


def cell_id(store: Store, stack: str) -> int:
    return next(cell.id for cell in store.cells(RUN) if cell.stack == stack)


def test_only_stacks_that_agree_are_ranked_and_ties_share_a_rank(store):
    cells = pipeline_of(store).cells
    assert {cell.stack: cell.rank for cell in cells} == {
        "NumPy+torch": 1,
        "Polars+torch": 1,
        "pandas+torch": 3,
        "DuckDB+torch": None,
        "pandas+Flux": None,
        "DataFrames.jl+Flux": None,
    }
    assert [cell.rank for cell in cells[:3]] == [1, 1, 3], "ranked ones first"
    by_name = cells_of(store)
    assert by_name["DuckDB+torch"].total.estimate < cells[0].total.estimate, "shown, though faster"
    assert by_name["DuckDB+torch"].ratio is None
    assert by_name["pandas+torch"].ratio.estimate == pytest.approx(276 / 116, rel=0.02)


@pytest.mark.parametrize("stack", STEADY_MS)
def test_figures_are_those_of_the_samples(store, stack):
    cell = cells_of(store)[stack]
    steady = dict(zip(STEPS, STEADY_MS[stack], strict=True))
    assert cell.total.estimate == pytest.approx(sum(steady.values()) * MS, rel=0.02)
    assert cell.total.low < cell.total.estimate < cell.total.high
    assert {step.step: step.op for step in cell.steps} == STEPS
    for step in cell.steps:
        assert step.steady.estimate == pytest.approx(steady[step.step] * MS, rel=0.02)
        assert step.first_call_s == pytest.approx(3 * steady[step.step] * MS)
        assert step.share == pytest.approx(steady[step.step] / sum(steady.values()), rel=0.02)
        assert step.samples == 4 * 6 * 3
    tables, training = stack.split("+")
    assert [step.framework for step in cell.steps] == [tables, tables, training, training]
    assert cell.imports_s == pytest.approx({f: IMPORT_MS[f] * MS for f in (tables, training)})
    assert cell.cold_start_s == pytest.approx(cell.first_call_s + sum(cell.imports_s.values()))
    assert (cell.processes, cell.blocks) == (4, 24)
    assert cell.boundary_in_s == pytest.approx(5 * MS)
    assert cell.cpu_per_wall == pytest.approx(0.98)
    assert cell.gc_share == pytest.approx(0.01)
    assert cell.peak_rss_bytes == 300 * 2**20
    assert cell.steps[2].rss_increase_bytes == 20 * 2**20


def test_time_shares_weigh_samples_by_their_evaluations(store):
    cell = store.add_cell(RUN, PIPELINE, "new", SIZE, dict.fromkeys(STEPS, "new"), "f")
    burst = [Sample(0, 0, "mlp", "steady", 1.0, 1000, 1.0), Sample(0, 0, "mlp", "steady", 1000.0, 1, 0.0)]
    store.add_samples(cell, burst)
    assert cells_of(store)["new"].cpu_per_wall == pytest.approx(0.5)


def test_agreement_is_that_of_the_worst_output(store):
    store.add_agreement(cell_id(store, "pandas+torch"), Agreement("groupby", "other", "rounding", 0.75, 0.0, True))
    cells = cells_of(store)
    assert cells["pandas+torch"].agreement_error == 0.75
    groupby = cells["DuckDB+torch"].steps[1]
    assert (groupby.error, groupby.level, groupby.agrees) == (1500.0, "rounding", False)
    predict = cells["DuckDB+torch"].steps[3]
    assert (predict.error, predict.level, predict.agrees) == (None, None, None)


def test_an_error_that_is_no_number_is_the_worst(store):
    cell = cell_id(store, "pandas+torch")
    for output, error in (("a", 5.0), ("b", math.nan), ("c", 7.0)):
        store.add_agreement(cell, Agreement("mlp", output, "exact", error, 0.0, False))
    assert cells_of(store)["pandas+torch"].agreement_error == math.inf


def test_quality_is_held_against_baseline_and_target(store):
    cell = cells_of(store)["pandas+torch"]
    quality = cell.quality["roc_auc"]
    assert (quality.mean, quality.low, quality.high, quality.seeds) == (pytest.approx(0.92), 0.91, 0.93, 2)
    assert cell.beats_baseline is True
    assert cell.meets_target is True
    store.add_baseline(RUN, PIPELINE, SIZE, "most-frequent", "roc_auc", 0.95)
    for seed in (0, 1):
        store.add_quality(cell.cell_id, "roc_auc", 0.6, seed)
    worse = cells_of(store)["pandas+torch"]
    assert worse.beats_baseline is False
    assert worse.meets_target is False


def test_quality_is_tested_against_the_best_that_is_done(store):
    for stack, values in {"DuckDB+torch": (0.99,), "pandas+Flux": (0.98,), "NumPy+torch": (0.93, 0.95)}.items():
        cell = cell_id(store, stack)
        for seed, value in enumerate(values):
            store.add_quality(cell, "roc_auc", value, seed)
    cells = cells_of(store)
    assert cells["NumPy+torch"].quality["roc_auc"].equivalence is None
    tested = {stack: cell.quality["roc_auc"].against for stack, cell in cells.items() if "roc_auc" in cell.quality}
    assert tested.pop("NumPy+torch") == ""
    assert set(tested.values()) == {"NumPy+torch"}


@pytest.mark.parametrize(("loss", "beats"), [(0.2, True), (0.9, False)])
def test_of_a_loss_less_is_better(store, loss, beats):
    spec = store.pipelines(RUN)[0].spec | {"metric": "log_loss", "target": 0.5}
    store.add_pipeline(RUN, PlannedPipeline("by-loss", SIZE, spec, {}))
    store.add_baseline(RUN, "by-loss", SIZE, "most-frequent", "log_loss", 0.7)
    cell = store.add_cell(RUN, "by-loss", "pandas+torch", SIZE, dict.fromkeys(STEPS, "pandas"), "f")
    store.add_quality(cell, "log_loss", loss)
    (judged,) = summarise(store, RUN).pipelines[1].cells
    assert judged.beats_baseline is beats
    assert judged.meets_target is beats


def test_what_ended_early_shows_what_it_has(store):
    cells = cells_of(store)
    crashed, absent = cells["pandas+Flux"], cells["DataFrames.jl+Flux"]
    assert crashed.steps[0].first_call_s == pytest.approx(90 * MS)
    assert (crashed.total, crashed.first_call_s, crashed.cold_start_s) == (None, None, None)
    assert (crashed.status, crashed.kind) == (Status.FAILED, "signal")
    assert "segmentation" in crashed.reason
    assert (absent.status, absent.blocks, absent.agreement_error) == (Status.UNAVAILABLE, 0, None)
    assert absent.frameworks == ("DataFrames.jl", "Flux")


def test_a_block_that_was_cut_short_counts_for_nothing(store):
    before = cells_of(store)["pandas+torch"]
    store.add_samples(before.cell_id, [Sample(1, 99, step, "steady", 9e9) for step in list(STEPS)[:-1]])
    after = cells_of(store)["pandas+torch"]
    assert after.total == before.total
    assert after.ratio == before.ratio


def test_stacks_are_compared_in_the_blocks_that_they_share(store):
    drop_process(store, cell_id(store, "pandas+torch"), 0)
    cells = cells_of(store)
    assert (cells["pandas+torch"].ratio.processes, cells["pandas+torch"].ratio.blocks) == (3, 18)
    assert (cells["Polars+torch"].ratio or cells["NumPy+torch"].ratio).processes == 4


def test_a_stack_of_few_processes_is_shown_with_its_ratio_and_without_a_rank(store):
    drop_process(store, cell_id(store, "pandas+torch"), 0)
    cells = cells_of(store)
    slow = cells["pandas+torch"]
    assert (slow.rank, slow.assumed, slow.total.assumed, slow.ratio.assumed) == (None, True, True, True)
    assert slow.ratio.low > 1
    others = [cells[stack] for stack in ("Polars+torch", "NumPy+torch")]
    assert [(cell.rank, cell.assumed, cell.total.assumed) for cell in others] == [(1, False, False)] * 2
    wrong = cells["DuckDB+torch"]
    assert (wrong.rank, wrong.assumed) == (None, False), "a stack that disagrees isn't ranked for another reason"


def test_stacks_without_a_common_block_are_not_told_apart(store):
    cell = cell_id(store, "pandas+torch")
    later = [Sample(7, s.block, s.step, s.kind, s.wall_ns) for s in store.samples(cell) if s.process == 0]
    for process in range(4):
        drop_process(store, cell, process)
    store.add_samples(cell, [s for s in later if s.kind == "steady"])
    cells = cells_of(store)
    assert cells["pandas+torch"].ratio is None
    assert (cells["pandas+torch"].rank, cells["pandas+torch"].assumed) == (None, True), "it has one process"


def test_the_spread_that_the_selftest_measured_is_used(store):
    def resolvable(run_id: str, environment: dict[str, object]) -> float:
        store.new_run(run_id, created="2026-01-01T00:00:00+00:00", arguments={}, environment=environment)
        store.add_pipeline(
            run_id, PlannedPipeline("p", "s", {"modality": "probe", "steps": [{"id": "a", "op": "probe.spin"}]}, {})
        )
        for stack in ("one", "two"):
            cell = store.add_cell(run_id, "p", stack, "s", {"a": stack}, "f")
            store.add_samples(cell, [Sample(0, block, "a", "steady", 1e6 + block) for block in range(5)])
            store.set_status(cell, Status.DONE)
        return summarise(store, run_id).pipelines[0].cells[1].ratio.resolvable

    quiet = resolvable("quiet", {"selftest": {"process_sd": 0.001}})
    assert quiet < resolvable("unknown", {}) / 5
    assert resolvable("earlier-version", {"process_sd": 0.001}) == quiet


def test_a_slower_start_pays_off_after_so_many_calls(store):
    for stack, ms in (("quick start", 200.0), ("slow start", 10.0)):
        cell = store.add_cell(RUN, PIPELINE, stack, SIZE, dict.fromkeys(STEPS, stack), "f")
        blocks = [(process, block, step) for process in range(4) for block in range(6) for step in STEPS]
        steady = [Sample(*block, "steady", ms * 1e6 / 4) for block in blocks]
        first = [Sample(0, 0, step, "first_call", ms * 1e6 / 4) for step in STEPS]
        cold = 950.0 if stack == "slow start" else 0.0
        store.add_samples(cell, [*steady, *first, Sample(0, 0, "", "import", cold * 1e6, detail=stack)])
        store.set_status(cell, Status.DONE)
    found = pipeline_of(store).break_even
    assert (found.stack, found.against) == ("slow start", "quick start")
    assert found.calls == 5, "950 + 10 n <= 200 n"
    assert (found.low, found.high) == (None, None), "one process shows no spread"


def test_nothing_pays_off_between_stacks_that_can_not_be_told_apart(store):
    cells = pipeline_of(store).cells
    assert cells[0].rank == cells[1].rank
    slow_starts = [Sample(process, 1, "", "import", 9e9, detail="torch") for process in range(4)]
    for stack in (cells[0].stack, "pandas+torch"):
        store.add_samples(cell_id(store, stack), slow_starts)
    after = pipeline_of(store)
    assert min(after.cells[:3], key=lambda cell: cell.cold_start_s).stack == cells[1].stack
    assert after.break_even is None


def test_warnings_are_told_once_each(store):
    store.add_noise(RUN, "2026-05-01T12:02:00+00:00", {"warnings": ["other processes were busy", "it was hot"]})
    store.add_noise(RUN, "2026-05-01T12:03:00+00:00", {"load": 1.0})
    assert summarise(store, RUN).warnings == ("other processes were busy (2 times)", "it was hot")


def test_a_stack_that_kept_more_cores_busy_than_allowed_is_told(store):
    cell = cell_id(store, "pandas+torch")
    burst = [Sample(5, 0, "mlp", "steady", 1e9, 1, 3e9) for _ in range(100)]
    store.add_samples(cell, burst)
    assert any("pandas+torch kept" in warning for warning in summarise(store, RUN).warnings)


def test_what_was_reused_is_marked(store):
    store.add_fact(cell_id(store, "pandas+torch"), "", "reused", True)
    assert cells_of(store)["pandas+torch"].reused
    assert not cells_of(store)["Polars+torch"].reused
    assert any("resumed" in warning and "pandas+torch" in warning for warning in summarise(store, RUN).warnings)


def test_the_pipeline_is_told_as_it_was_planned(store):
    pipeline = pipeline_of(store)
    assert (pipeline.pipeline, pipeline.size, pipeline.modality) == (PIPELINE, SIZE, "tables")
    assert (pipeline.metric, pipeline.target, pipeline.baseline) == ("roc_auc", 0.7, "most-frequent")
    assert pipeline.dataset["sha256"] == SHA256
    assert [(b.name, b.value) for b in pipeline.baselines] == [("most-frequent", 0.5), ("logistic-regression", 0.88)]


def test_plain_data_is_strict_json(store):
    store.add_agreement(cell_id(store, "pandas+torch"), Agreement("mlp", "x", "exact", math.inf, math.nan, False))
    data = json.loads(json.dumps(plain(summarise(store, RUN)), allow_nan=False))
    cells = {cell["stack"]: cell for cell in data["pipelines"][0]["cells"]}
    assert cells["DuckDB+torch"]["status"] == "disagrees"
    assert cells["pandas+torch"]["agreement_error"] is None
    assert cells["pandas+torch"]["total"]["estimate"] == pytest.approx(0.276, rel=0.02)


def test_a_run_that_has_just_begun_can_be_shown(store):
    store.new_run("new", created="2027-01-01T00:00:00+00:00", arguments={}, environment={})
    assert summarise(store, "new").pipelines == ()
    store.add_pipeline(
        "new", PlannedPipeline("p", "s", {"modality": "probe", "steps": [{"id": "a", "op": "probe.noop"}]}, {})
    )
    store.add_cell("new", "p", "probe-a", "s", {"a": "probe-a"}, "f")
    (pipeline,) = summarise(store, "new").pipelines
    assert [cell.status for cell in pipeline.cells] == [Status.PLANNED]
    assert pipeline.break_even is None


def test_an_unknown_run_is_refused(store):
    with pytest.raises(BadInput):
        summarise(store, "nothing")


def test_a_step_whose_warm_up_never_settled_is_ranked_with_a_warning(store):
    id = cell_id(store, "Polars+torch")
    store.add_fact(id, "groupby", "warm_up", {"evals": 1, "discarded": 12, "settled": False, "trend": "faster"})
    store.add_fact(id, "mlp", "warm_up", {"evals": 1, "discarded": 64, "settled": True, "trend": "settled"})
    store.add_fact(id, "predict", "warm_up", {"evals": 1, "discarded": 128, "settled": False, "trend": "slower"})
    summary = summarise(store, RUN)
    (cell,) = [cell for cell in summary.pipelines[0].cells if cell.stack == "Polars+torch"]
    told = {step.step: (step.discarded, step.settled) for step in cell.steps}
    assert (told["groupby"], told["mlp"], told["flights"]) == ((12, False), (64, True), (None, None))
    seen = [("groupby", "faster"), ("predict", "slower")]
    why = "when warm-up ended"
    expected = [f"flights-delay: Polars+torch: {step} still getting {trend} {why}" for step, trend in seen]
    assert [text for text in summary.warnings if "warm-up" in text] == expected


@pytest.mark.parametrize(
    ("settled", "discarded", "trend"), [(True, 10, "settled"), (False, 10, "faster"), (False, 9, "short")]
)
def test_a_warm_up_of_an_earlier_version_has_a_trend_too(settled: bool, discarded: int, trend: str):
    fact = Fact("a", "warm_up", {"evals": 1, "discarded": discarded, "settled": settled})
    assert StepFacts.of([fact], "a").trend == trend
    assert StepFacts.of([], "a").trend is None
