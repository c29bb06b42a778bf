"""The gate of a build: it fails on what is certain, and never passes in silence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.results import make_store as making
from tests.results.make_store import PIPELINE, RUN, make_store, overrule
from twinbench.errors import BAD_INPUT, OK, REGRESSED, BadInput
from twinbench.numbers import stats, two_runs
from twinbench.results.decisions import compare, gate
from twinbench.results.decisions.compare_records import Gate
from twinbench.results.decisions.time_ratios import INTERACTION_SD
from twinbench.store.records import Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store

LATER = "20260601-120000-beef"
LIMIT = 0.05


@pytest.fixture(scope="module")
def two_equal_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("gate") / "results.db"
    for run in (RUN, LATER):
        make_store(file, processes=4, run_id=run)
    return file


@pytest.fixture
def store(two_equal_runs: Path, tmp_path: Path) -> Iterator[Store]:
    with Store.open(Path(shutil.copy(two_equal_runs, tmp_path))) as opened:
        yield opened


def judged(store: Store, *, force: bool = False, **options: object) -> Gate:
    return gate.judge(compare.runs((store, RUN), (store, LATER), **options), LIMIT, force=force)


def cell(store: Store, stack: str, run: str = LATER) -> int:
    return next(cell.id for cell in store.cells(run) if cell.stack == stack)


def words(found: Gate) -> str:
    broken = [f"{outcome.b}: {outcome.reason} {outcome.lost}" for outcome in found.broken]
    return "\n".join([*found.refused, *found.unjudged, *found.warnings, *broken])


def rewrite(store: Store, table: str, column: str, value: object, where: str = "run_id = ?", key: object = LATER):
    store._db.write(f"UPDATE {table} SET {column} = ? WHERE {where}", value, key)


def edit_pipeline(store: Store, change: Callable[[dict], object]) -> None:
    spec = store.pipelines(LATER)[0].spec
    change(spec)
    rewrite(store, "plans", "plan", json.dumps(spec))


def edit_environment(store: Store, **facts: object) -> None:
    rewrite(store, "runs", "environment", json.dumps(store.find_run(LATER).environment | facts), "id = ?")


def test_what_did_not_change_passes_although_other_stacks_never_worked(store):
    found = judged(store)
    assert found.exit_code == OK
    assert not found.unjudged


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda s: rewrite(s, "cells", "stack", "polars", "id = ?", cell(s, "Polars+torch")), 2, "is only in run"),
        (lambda s: edit_pipeline(s, lambda spec: spec["steps"][2]["params"].update(x=1)), 2, "step 'mlp' changed"),
        (lambda s: edit_pipeline(s, lambda spec: spec["steps"].pop()), 2, "step 'predict' is gone"),
        (lambda s: edit_pipeline(s, lambda spec: spec["steps"].reverse()), 2, "the order of the steps changed"),
        (lambda s: rewrite(s, "plans", "dataset", '{"sha256": "0"}'), 2, "the data changed, the amount of"),
        (lambda s: rewrite(s, "runs", "status", "running", "id = ?"), 2, "is still running"),
        (lambda s: rewrite(s, "runs", "status", "interrupted", "id = ?"), 2, "was interrupted"),
        (lambda s: rewrite(s, "runs", "status", "running", "id = ?", RUN), 2, f"run {RUN} is still running"),
        (lambda s: edit_environment(s, threads=2), 2, "threads differs between the runs: 1 and 2"),
        (lambda s: edit_environment(s, cpu={"model": "Example 9001"}), 2, "CPU differs"),
        (lambda s: edit_environment(s, device="cuda"), 2, "device differs"),
        (lambda s: s._db.write("DELETE FROM qualities WHERE cell_id = ?", cell(s, "Polars+torch")), 2, "no roc_auc"),
        (lambda s: s.add_quality(cell(s, "Polars+torch"), "roc_auc", 0.1, 1), 4, "the target is no longer reached"),
        (lambda s: s._db.write("DELETE FROM samples WHERE step = 'mlp' AND cell_id = ?", cell(s, "NumPy+torch")), 2,
         f"NumPy+torch on flights-delay (small) has no time in run {LATER}"),
        (lambda s: s.add_quality(cell(s, "Polars+torch"), "roc_auc", 0.9, 0), 0, ""),
    ],
)  # fmt: skip
def test_whatever_would_make_a_gate_pass_in_silence_is_named_and_decides(store, change, code, said):
    change(store)
    found = judged(store)
    assert found.exit_code == code
    assert said in words(found)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((status, REGRESSED) for status in (Status.FAILED, Status.TIMEOUT, Status.OOM, Status.DISAGREES)),
        *((status, BAD_INPUT) for status in (Status.UNAVAILABLE, Status.RUNNING, Status.PLANNED)),
    ],
)
def test_a_cell_that_was_done_fails_the_build_or_can_not_be_judged(store, status, code):
    overrule(store, cell(store, "Polars+torch"), status, reason="for a reason")
    found = judged(store)
    assert found.exit_code == code
    assert "for a reason" in words(found)


def test_another_size_and_a_run_of_nothing_that_can_be_compared(store, monkeypatch):
    monkeypatch.setattr(making, "SIZE", "full")
    make_store(store.path, run_id="full")
    with pytest.raises(BadInput, match="no stack in common on the same pipeline and size"):
        compare.runs((store, RUN), (store, "full"))
    found = judged(store, stacks=["DuckDB+torch"])
    assert (found.exit_code, found.unjudged) == (BAD_INPUT, ("no time was compared",))


def test_another_machine_is_judged_only_if_forced(store):
    edit_environment(store, threads=2)
    assert judged(store).exit_code == BAD_INPUT
    assert judged(store, force=True).exit_code == OK


def test_the_margin_can_not_silence_a_regression_and_the_interval_decides(store):
    id = cell(store, "Polars+torch")
    samples = store.samples(id)
    store._db.write("DELETE FROM samples WHERE cell_id = ?", id)
    slow = [Sample(s.process, s.block, s.step, s.kind, s.wall_ns * 1.2, detail=s.detail) for s in samples]
    store.add_samples(id, slow)
    for margin in (0.02, 0.5):
        found = judged(store, control="pandas+torch", margin=margin)
        assert found.exit_code == REGRESSED
        assert [change.b for change in found.regressions] == ["Polars+torch"]
    alone = judged(store)
    assert alone.exit_code == OK, "two runs alone can't show 20 % beyond 5 %"
    assert "Polars+torch" in {change.b for change in alone.possible}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s, id: overrule(s, id, Status.FAILED, reason="signal 11"), ": failed in run .*: signal 11"),
        (lambda s, id: overrule(s, id, Status.UNAVAILABLE, reason="no torch"), ": unavailable in run .*: no torch"),
        (lambda s, id: overrule(s, id, Status.RUNNING), ": running in run .*--resume"),
        (lambda s, id: rewrite(s, "cells", "stack", "renamed", "id = ?", id), f"is missing from run {LATER}"),
        (lambda s, id: rewrite(s, "cells", "fingerprint", "other", "id = ?", id), "has other code or libraries"),
    ],
)
def test_a_control_that_is_of_no_use_is_named_with_the_reason(store, change, said):
    change(store, cell(store, "pandas+torch"))
    with pytest.raises(BadInput, match=f"--control pandas.*{said}"):
        judged(store, control="pandas+torch")


def test_a_second_control_shows_how_alike_stacks_bear_a_disturbance(store):
    one = compare.runs((store, RUN), (store, LATER), control="pandas+torch").changes
    id = cell(store, "NumPy+torch")
    samples = store.samples(id)
    store._db.write("DELETE FROM samples WHERE cell_id = ?", id)
    store.add_samples(id, [Sample(s.process, s.block, s.step, s.kind, s.wall_ns * 1.2) for s in samples])
    two = compare.runs((store, RUN), (store, LATER), control=["pandas+torch", "NumPy+torch"])
    assert two.control == "pandas+torch, NumPy+torch"
    (polars,) = two.changes
    assert polars.ratio.resolvable > 3 * one[0].ratio.resolvable


def independent(store: Store, run: str, times: dict[str, float], wrong: str = "") -> None:
    store.new_run(run, created="2026-07-01T00:00:00+00:00", arguments={}, environment={})
    steps = [{"id": name, "op": "probe.work"} for name in ("blur", "warp")]
    spec = {"modality": "images", "independent": True, "steps": steps}
    store.add_pipeline(run, PlannedPipeline("ops", "s", spec, {}))
    id = store.add_cell(run, "ops", "SciPy", "s", dict.fromkeys(times, "SciPy"), "f")
    for step, ms in times.items():
        store.add_samples(id, [Sample(p, b, step, "steady", ms * 1e6 + b) for p in range(4) for b in range(5)])
        store.add_agreement(id, Agreement(step, "x", "exact", 0.0, 0.0, step != wrong, declared="it rounds"))
    store.set_status(id, Status.DONE)
    store.finish_run(run, "done")


@pytest.mark.parametrize(
    ("times", "wrong", "code", "said"),
    [
        ({"blur": 10.0, "warp": 10.0}, "", 0, ""),
        ({"blur": 10.0}, "", 2, "step warp of SciPy on ops (s) has no time in run after"),
        ({"blur": 10.0, "warp": 10.0}, "warp", 4, "step warp agreed with the reference and no longer does"),
    ],
)
def test_a_question_that_is_no_longer_answered_is_named(store, times, wrong, code, said):
    independent(store, "before", {"blur": 10.0, "warp": 10.0})
    independent(store, "after", times, wrong)
    found = gate.judge(compare.runs((store, "before"), (store, "after")), LIMIT)
    assert found.exit_code == code
    assert said in words(found)


def test_stacks_of_one_run_pass_the_gate_only_if_they_have_times(store):
    assert gate.judge(compare.stacks(store, RUN, ["pandas+torch", "Polars+torch"]), LIMIT).exit_code == OK
    found = gate.judge(compare.stacks(store, RUN, ["pandas+torch", "DataFrames.jl+Flux"]), LIMIT)
    assert found.exit_code == BAD_INPUT
    assert f"DataFrames.jl+Flux on {PIPELINE} (small): unavailable" in words(found)


def exits(factor: float, *, sd: float, processes: int, rounds: int, slow_mode: bool = False) -> float:
    """The share of builds that fail: two runs beside a control, each with luck that both stacks share."""
    rng = np.random.default_rng(int(1e4 * sd) + processes)

    def side(times: float) -> tuple[stats.Values, stats.Values]:
        luck = rng.normal(0, 0.05) + rng.normal(0, 0.02, (processes, 5))
        modes = np.where(rng.random((processes, 1)) < 0.3, 1.53, -0.655)
        own = sd * (modes if slow_mode else rng.normal(0, 1, (processes, 1))) + rng.normal(0, INTERACTION_SD)
        noise = rng.normal(0, 0.002, (2, processes, 5))
        stack, control = times * np.exp(luck + own + noise[0]), np.exp(luck + noise[1])
        return stack[:, :, None].tolist(), control[:, :, None].tolist()

    pairs = ((side(factor), side(1.0)) for _ in range(rounds))
    return sum(two_runs.controlled(*pair, interaction_sd=INTERACTION_SD).low > 1 + LIMIT for pair in pairs) / rounds


@pytest.mark.parametrize("processes", [1, 4, 8])
@pytest.mark.parametrize("sd", [0.005, 0.05])
def test_a_slowdown_that_is_just_allowed_rarely_fails_a_build(sd, processes):
    assert exits(1 + LIMIT, sd=sd, processes=processes, rounds=400) <= 0.025 + 3 * (0.025 * 0.975 / 400) ** 0.5


def test_a_slowdown_of_10_percent_fails_a_build():
    assert exits(1.1, sd=0.02, processes=8, rounds=300) >= 0.95 - 2 * (0.05 * 0.95 / 300) ** 0.5
