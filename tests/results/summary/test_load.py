"""Load interrupts long samples and spares short ones: wall and CPU times disagree then, and nothing is decided."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from twinbench.numbers import load
from twinbench.results.decisions import compare, gate
from twinbench.results.decisions.recommend import recommend
from twinbench.results.decisions.recommend_records import Wishes
from twinbench.results.summary import disturbances
from twinbench.results.summary.records import CellSummary
from twinbench.results.summary.run import plain, summarise
from twinbench.store.records import PlannedPipeline, Sample, Status
from twinbench.store.store import Store
from twinbench.views import compare as compare_view
from twinbench.views import recommend as recommend_view
from twinbench.views import terminal

MS = 1e6
Cpu = Callable[[np.random.Generator, float], tuple[float, float]]
"""Draws wall and CPU milliseconds of one sample that computes for the given milliseconds."""


def undisturbed(rng: np.random.Generator, ms: float) -> tuple[float, float]:
    return ms, ms * 0.99


def preempted(rng: np.random.Generator, ms: float) -> tuple[float, float]:
    return ms * rng.uniform(3, 5), ms


def waiting(rng: np.random.Generator, ms: float) -> tuple[float, float]:
    return ms * 4, ms


def on_three_cores(rng: np.random.Generator, ms: float) -> tuple[float, float]:
    return ms, ms * rng.uniform(2.4, 3.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def measured(
    store: Store,
    fast: Cpu,
    slow: Cpu,
    *,
    run: str = "run",
    times: tuple[float, float] = (10.0, 18.4),
    noise: dict[str, object] | None = None,
    device: str = "cpu",
) -> None:
    """Two stacks, the second of which computes 1.84 times as long."""
    rng = np.random.default_rng(4)
    environment = {"cpu": {"model": "Example 9000", "usable": 2}, "threads": 4, "device": device}
    store.new_run(run, created="2026-07-01T00:00:00+00:00", arguments={}, environment=environment)
    spec = {"modality": "signals", "steps": [{"id": "a", "op": "probe.work"}]}
    store.add_pipeline(run, PlannedPipeline("ops", "s", spec, {}))
    for stack, draw, ms in (("fast", fast, times[0]), ("slow", slow, times[1])):
        cell = store.add_cell(run, "ops", stack, "s", {"a": stack}, f"f of {stack}")
        for process in range(5):
            luck = math.exp(rng.normal(0, 0.01))
            pairs = [draw(rng, ms * luck * math.exp(rng.normal(0, 0.003))) for _ in range(8)]
            store.add_samples(
                cell, [Sample(process, b, "a", "steady", w * MS, 1, c * MS) for b, (w, c) in enumerate(pairs)]
            )
        store.set_status(cell, Status.DONE)
    if noise is not None:
        store.add_noise(run, "2026-07-01T00:01:00+00:00", {"steal": 0.0, "busy_others": []} | noise)
    store.finish_run(run, "done")


def slow(store: Store) -> CellSummary:
    return next(cell for cell in summarise(store, "run").pipelines[0].cells if cell.stack == "slow")


def printed(render: Callable[[Console], None]) -> str:
    file = io.StringIO()
    render(Console(file=file, width=300))
    return file.getvalue()


@pytest.mark.parametrize("noise", [None, {"load": 12.0}], ids=["unrecorded", "loaded"])
def test_a_ratio_that_load_disturbed_is_undecided_and_both_times_are_shown_everywhere(store, noise):
    measured(store, undisturbed, preempted, noise=noise)
    cell = slow(store)
    assert cell.rank == 1
    assert cell.ratio.disturbed
    assert cell.ratio.estimate > 6
    assert cell.ratio.cpu.estimate == pytest.approx(1.84, rel=0.03)
    summary = summarise(store, "run")
    assert "total" in disturbances.disturbed(summary.pipelines)[cell.cell_id]
    assert plain(summary)["pipelines"][0]["cells"][1]["ratio"]["disturbed"] is True
    shown = printed(lambda console: terminal.render(summary, console, ()))
    assert "disturbed, by CPU time 1.8" in shown
    assert "ops: 1 ratio undecided (disturbed by load), as slow: 7." in shown
    answers = recommend(summary, Wishes(weights={"speed": 1.0}))
    assert not answers[0].decided
    assert "undecided (disturbed): slow" in printed(lambda console: recommend_view.render(answers, console))
    found = compare.stacks(store, "run", ["fast", "slow"])
    words = printed(lambda console: compare_view.render(found, console))
    assert "undecided (disturbed)" in words
    assert "by CPU time 1.8" in words


def test_a_gate_does_not_pass_in_silence_where_wall_and_cpu_time_disagree(store):
    measured(store, undisturbed, preempted, noise={"load": 12.0})
    found = gate.judge(compare.stacks(store, "run", ["fast", "slow"]), 0.05)
    assert (found.exit_code, found.regressions) == (2, ())
    assert "slow on ops (s) was disturbed by load: 7." in found.unjudged[0]


@pytest.mark.parametrize(
    ("draws", "options"),
    [
        ((undisturbed, undisturbed), {"noise": {"load": 12.0}}),
        ((undisturbed, waiting), {"noise": {"load": 1.2}}),
        ((undisturbed, waiting), {"device": "cuda"}),
        ((undisturbed, waiting), {"device": "cuda", "noise": {"load": 12.0}}),
        ((undisturbed, on_three_cores), {}),
        ((undisturbed, on_three_cores), {"noise": {"load": 1.2}}),
        ((preempted, preempted), {"noise": {"load": 12.0}}),
    ],
    ids=lambda value: " and ".join(draw.__name__ for draw in value) if isinstance(value, tuple) else str(value),
)
def test_what_waits_or_computes_on_several_cores_or_was_not_disturbed_is_decided(store, draws, options):
    measured(store, *draws, **options)
    cell = slow(store)
    assert not cell.ratio.disturbed
    assert cell.rank == 2
    assert not any("disturbed" in warning for warning in summarise(store, "run").warnings)


def test_a_step_on_several_cores_that_was_interrupted_is_disturbed(store):
    def interrupted(rng: np.random.Generator, ms: float) -> tuple[float, float]:
        wall, cpu = on_three_cores(rng, ms)
        return (wall, cpu) if rng.random() < 0.25 else (wall * 4, cpu)  # a few samples escape

    measured(store, undisturbed, interrupted, noise={"load": 12.0})
    assert slow(store).ratio.disturbed


def test_a_store_without_cpu_times_is_judged_by_the_wall_clock(store):
    measured(store, undisturbed, preempted)
    store._db.write("UPDATE samples SET cpu_ns = NULL WHERE ?", 1)
    cell = slow(store)
    assert (cell.ratio.cpu, cell.ratio.disturbed, cell.rank) == (None, False, 2)


def test_times_without_interruptions():
    times = {(0, 0): [1.0, 4.0]}
    assert load.computing(times, {(0, 0): [1.0, 0.25]}, cores=1.0, loaded=True) == {(0, 0): [1.0, 1.0]}
    assert load.computing(times, {(0, 0): [2.0, 2.0]}, cores=1.0, loaded=False) == times
    assert load.computing(times, {(0, 0): [0.5, 0.5]}, cores=0.0, loaded=False) == times
    assert load.computing(times, {(0, 0): [0.0, 0.0]}, cores=0.0, loaded=False) == {}
