"""Of identical stacks hardly one is chosen, whatever the weights, and a better one is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.results.make_store import RUN, make_store
from twinbench.numbers import stats
from twinbench.results.decisions.recommend import recommend
from twinbench.results.decisions.recommend_records import Recommendation, Wishes
from twinbench.results.summary.records import CellSummary, ProcessFigures, QualitySummary, RunSummary
from twinbench.results.summary.run import summarise
from twinbench.store.records import Status
from twinbench.store.store import Store

ROWS = 1000
SHARED = 0.8
"""Share of the variance by test rows that all stacks have alike, as they are judged by the same rows."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    file = tmp_path_factory.mktemp("template") / "results.db"
    make_store(file)
    with Store.open(Path(file)) as store:
        return summarise(store, RUN)


def drawn(
    template: RunSummary,
    rng: np.random.Generator,
    *,
    stacks: int,
    processes: int,
    sd: float,
    questions: int = 1,
    seeds: int = 1,
    better: float = 1.0,
) -> RunSummary:
    """A run of identical stacks, or with a first one that is better in everything by a factor."""
    pipeline = template.pipelines[0]
    names = [f"stack {number}" for number in range(stacks)]
    factors = np.array([1 / better] + [1.0] * (stacks - 1))
    luck = rng.normal(0, 0.05, processes) + sd / math.sqrt(2) * rng.normal(0, 1, (stacks, processes))
    own = rng.normal(0, 0.3 * sd, (questions, stacks, processes))
    times = factors[None, :, None] * np.exp(luck + own)  # a process's luck is that of all its questions
    cold = factors[:, None] * np.exp(sd * rng.normal(0, 1, (stacks, processes)))
    memory = factors[:, None] * 1e8 * np.exp(sd / 2 * rng.normal(0, 1, (stacks, processes)))
    error = math.sqrt(0.1 * 0.9 / ROWS)
    rows = math.sqrt(SHARED) * rng.normal() + math.sqrt(1 - SHARED) * rng.normal(0, 1, stacks)
    of_seed = 0.9 + error * rows[:, None] + rng.normal(0, 0.005 if seeds > 1 else 0.0, (stacks, seeds))
    steps = [f"step {number}" for number in range(questions)] if questions > 1 else [""]
    cells = []
    for index, name in enumerate(names):
        quality = QualitySummary(
            *("roc_auc", 1 - (1 - of_seed[index].mean()) * factors[index], 0, 1, seeds, "", None),
            seed_sd=float(of_seed[index].std(ddof=1)) if seeds > 1 else None,
            row_error=error,
            row_correlations=dict.fromkeys(set(names) - {name}, SHARED),
        )
        cells.append(
            replace(
                pipeline.cells[0],
                stack=name,
                status=Status.DONE,
                cold_start_s=float(np.median(cold[index])),
                peak_rss_bytes=int(memory[index].max()),
                quality={"roc_auc": quality},
                processes=processes,
                by_process=tuple(
                    ProcessFigures(p, float(cold[index, p]), int(memory[index, p]),
                                   dict(zip(steps, times[:, index, p].tolist(), strict=True)))
                    for p in range(processes)
                ),
            )
        )  # fmt: skip
    ranked = [_ranked(cell, times[:, index], times, questions) for index, cell in enumerate(cells)]
    judged = replace(pipeline, cells=tuple(ranked), independent=questions > 1)
    steps_of = tuple((step, "probe.work") for step in steps) if questions > 1 else pipeline.steps
    return replace(template, pipelines=(replace(judged, steps=steps_of),), environment={})


def _ranked(cell: CellSummary, own: np.ndarray, times: np.ndarray, questions: int) -> CellSummary:
    """Give a cell its rank, and its ratio to the fastest stack, at each question."""
    found = []
    for mine, all_times in zip(own, times, strict=True):
        fastest = all_times[np.log(all_times).mean(axis=1).argmin()]
        blocks = [[[[value]] for value in side.tolist()] for side in (mine, fastest)]
        ratio = None if mine is fastest or (mine == fastest).all() else stats.ratio(*blocks)
        found.append((stats.summarise(blocks[0]), ratio))
    if questions == 1:
        return replace(cell, rank=1, total=found[0][0], ratio=found[0][1])
    step = cell.steps[0]
    steps = [
        replace(step, step=f"step {i}", steady=time, rank=1, ratio=ratio, agrees=True)
        for i, (time, ratio) in enumerate(found)
    ]
    return replace(cell, steps=tuple(steps), rank=None, total=None, ratio=None)


def weighted(rng: np.random.Generator) -> Mapping[str, float]:
    weights = rng.dirichlet(np.full(4, 0.3))  # often nearly all on one criterion
    return dict(zip(("speed", "quality", "memory", "cold"), weights.tolist(), strict=True))


def answer(summary: RunSummary, weights: Mapping[str, float]) -> Recommendation:
    (found,) = recommend(summary, Wishes(weights=weights))
    return found


@pytest.mark.parametrize(
    ("run", "weights"),
    [
        ({"stacks": 2, "processes": 4, "sd": 0.02}, None),
        ({"stacks": 2, "processes": 4, "sd": 0.05, "questions": 5}, {"speed": 1.0}),
        ({"stacks": 3, "processes": 1, "sd": 0.02}, None),
        ({"stacks": 5, "processes": 6, "sd": 0.05, "seeds": 3}, None),
        ({"stacks": 2, "processes": 4, "sd": 0.005, "seeds": 2}, {"quality": 1.0}),
        ({"stacks": 2, "processes": 1, "sd": 0.005}, {"quality": 1.0}),
    ],
    ids=str,
)
def test_of_identical_stacks_hardly_one_is_chosen(template, run, weights):
    rng, rounds = np.random.default_rng(7), 100
    chosen = sum(answer(drawn(template, rng, **run), weights or weighted(rng)).decided for _ in range(rounds))
    assert chosen / rounds <= 0.05 + 2.6 * (0.05 * 0.95 / rounds) ** 0.5


def test_a_better_stack_is_chosen(template):
    rng, rounds = np.random.default_rng(8), 40
    runs = [drawn(template, rng, stacks=3, processes=4, sd=0.02, better=1.4) for _ in range(rounds)]
    chosen = [answer(run, weighted(rng)) for run in runs]
    assert sum(found.decided and found.candidates[0].stack == "stack 0" for found in chosen) >= 0.9 * rounds


@pytest.mark.parametrize("criterion", ["speed", "quality", "memory", "cold"])
def test_what_is_equal_to_the_last_bit_is_not_chosen_by_its_name(template, criterion):
    run = drawn(template, np.random.default_rng(1), stacks=2, processes=1, sd=0.0)
    a, b = run.pipelines[0].cells
    same = replace(a.quality["roc_auc"], row_error=0.0)
    twin = replace(a, stack=b.stack, quality={"roc_auc": same})
    cells = (replace(a, quality={"roc_auc": same}), twin)
    found = answer(replace(run, pipelines=(replace(run.pipelines[0], cells=cells),)), {criterion: 1.0})
    assert [candidate.chance for candidate in found.candidates] == pytest.approx([0.5, 0.5], abs=0.05)
    assert not found.decided
