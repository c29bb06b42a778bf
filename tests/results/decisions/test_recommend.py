"""A recommendation says who, why, how sure, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.results.make_store import PIPELINE, RUN, SIZE, STEPS, drop_process, make_store, overrule
from twinbench.errors import BadInput
from twinbench.results.decisions.recommend import recommend
from twinbench.results.decisions.recommend_records import Recommendation, Wishes
from twinbench.results.summary.run import summarise
from twinbench.store.records import Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store

LANGUAGES = dict.fromkeys(("pandas", "Polars", "NumPy", "DuckDB", "torch"), "python") | {"Flux": "julia"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def answer(store: Store, **wishes: object) -> Recommendation:
    (found,) = recommend(summarise(store, RUN), Wishes(**wishes), LANGUAGES)
    return found


def cell(store: Store, stack: str) -> int:
    return next(cell.id for cell in store.cells(RUN) if cell.stack == stack)


def add(
    store: Store, stack: str, *, ms: float, cold_ms: float, mib: float, auc: float, pipeline: str = PIPELINE
) -> None:
    """One more stack, measured in four processes beside the others."""
    id = store.add_cell(RUN, pipeline, stack, SIZE, dict.fromkeys(STEPS, "NumPy"), "f")
    samples = [
        Sample(process, block, step, "steady", ms * 1e6 / len(STEPS) * (1 + block / 1000))
        for process in range(4)
        for block in range(6)
        for step in STEPS
    ]
    samples += [Sample(process, 0, step, "first_call", 1e6) for process in range(4) for step in STEPS]
    store.add_samples(id, [*samples, Sample(0, 0, "", "import", cold_ms * 1e6 - 4e6, detail="NumPy")])
    store.add_fact(id, "", "peak_rss_bytes", int(mib * 2**20))
    store.add_quality(id, "roc_auc", auc)
    overrule(store, id, Status.DONE)


def test_what_can_not_be_told_apart_is_undecided(store):
    found = answer(store, weights={"speed": 1.0})
    assert not found.decided
    assert set(found.contenders) == {"Polars+torch", "NumPy+torch"}
    assert sum(candidate.chance for candidate in found.candidates) == pytest.approx(1)
    assert "pandas+torch" not in found.contenders


def test_a_clear_winner_is_chosen(store):
    add(store, "quick", ms=20, cold_ms=1000, mib=100, auc=0.95)
    found = answer(store)
    assert found.decided
    assert found.candidates[0].stack == "quick"
    assert found.candidates[0].score == pytest.approx(1)
    assert [candidate.stack for candidate in found.candidates if candidate.pareto] == ["quick"]
    assert not found.switches


def test_the_score_is_the_weighted_product_of_ratios(store):
    add(store, "quick", ms=10, cold_ms=8000, mib=600, auc=0.92)
    found = answer(store, weights={"speed": 3, "cold": 1})
    quick = next(candidate for candidate in found.candidates if candidate.stack == "quick")
    numpy = next(candidate for candidate in found.candidates if candidate.stack == "NumPy+torch")
    assert found.weights == {"speed": 0.75, "cold": 0.25}
    assert numpy.times["speed"] == pytest.approx(116 / 10, rel=0.03)
    assert quick.score == pytest.approx(quick.times["cold"] ** 0.25, rel=1e-6)
    assert numpy.score == pytest.approx(numpy.times["speed"] ** 0.75, rel=1e-6)


def test_half_the_errors_weigh_as_much_as_half_the_time(store):
    add(store, "exact", ms=100, cold_ms=1000, mib=100, auc=0.98)
    add(store, "fast", ms=50, cold_ms=1000, mib=100, auc=0.96)
    found = answer(store, weights={"speed": 0.5, "quality": 0.5})
    scores = {candidate.stack: candidate.score for candidate in found.candidates}
    assert scores["exact"] == pytest.approx(scores["fast"], rel=0.02)
    assert not found.decided


def test_the_weight_at_which_the_answer_changes_is_told(store):
    add(store, "quick", ms=29, cold_ms=8000, mib=300, auc=0.92)
    found = answer(store, weights={"speed": 0.9, "cold": 0.1})
    assert found.candidates[0].stack == "quick"
    switch = next(one for one in found.switches if one.criterion == "speed")
    assert switch.then < switch.now == pytest.approx(0.9)
    there = answer(store, weights={"speed": switch.then - 0.02, "cold": 1 - switch.then + 0.02})
    assert there.candidates[0].stack == switch.stack
    before = answer(store, weights={"speed": switch.then + 0.02, "cold": 1 - switch.then - 0.02})
    assert before.candidates[0].stack == "quick"


@pytest.mark.parametrize(
    ("wishes", "out"),
    [
        ({"language": "julia"}, "not written in the language julia"),
        ({"max_memory_bytes": 200 * 2**20}, "memory 300 MiB, but the limit is 200 MiB"),
        ({"max_cold_start_s": 1.0}, "cold start 1.94 s, but the limit is 1 s"),
        ({"min_quality": 0.95}, "roc_auc 0.92, but the limit is 0.95"),
        ({"require_agreement": True}, "a step disagrees with the reference"),
    ],
)
def test_hard_limits_come_first(store, wishes, out):
    found = answer(store, **wishes)
    assert not found.candidates
    assert not found.decided
    (why,) = (one.why for one in found.rejected if one.stack == "NumPy+torch")
    assert out in why


@pytest.mark.parametrize(
    ("auc", "limit", "rejected"), [(0.9496, 0.95, False), (0.9494, 0.95, True), (0.9496, 0.9501, True)]
)
def test_a_limit_is_compared_with_the_figure_as_it_is_printed(store, auc, limit, rejected):
    add(store, "near", ms=100, cold_ms=1000.4, mib=200.4, auc=auc)
    found = answer(store, min_quality=limit, max_memory_bytes=200 * 2**20, max_cold_start_s=1.0)
    assert ("near" in {one.stack for one in found.rejected}) == rejected
    for one in found.rejected:
        printed, _, wanted = one.why.partition(", but the limit is ")
        assert not wanted or printed.split()[-1] != wanted.split()[-1], "a figure is rejected that looks as the limit"


def test_a_quality_that_is_not_a_number_is_inside_no_limit(store):
    add(store, "lost", ms=100, cold_ms=1000, mib=200, auc=float("nan"))
    (why,) = (one.why for one in answer(store, min_quality=0.1).rejected if one.stack == "lost")
    assert why == "its roc_auc is unknown"


def test_with_all_steps_compared_agreement_can_be_required(store):
    for step in ("mlp", "predict"):
        store.add_agreement(cell(store, "pandas+torch"), Agreement(step, "x", "exact", 0.0, 0.0, True))
    found = answer(store, require_agreement=True)
    assert [candidate.stack for candidate in found.candidates] == ["pandas+torch"]


def test_stacks_of_few_processes_are_judged_with_the_word_assumed(store):
    assert not any("assumed" in caveat for caveat in answer(store).caveats)
    drop_process(store, cell(store, "Polars+torch"), 0)
    found = answer(store)
    assert "Polars+torch" in {candidate.stack for candidate in found.candidates}
    assert any("3 processes: the spread between processes is assumed" in caveat for caveat in found.caveats)


def test_what_disagrees_is_out_and_what_was_not_measured_could_change_the_answer(store):
    found = answer(store)
    measured = {one.stack: one.measured for one in found.rejected}
    assert measured == {"DuckDB+torch": True, "pandas+Flux": False, "DataFrames.jl+Flux": False}
    assert any("one size" in caveat for caveat in found.caveats)


def test_a_criterion_without_all_figures_counts_for_nothing_and_that_is_told(store):
    id = store.add_cell(RUN, PIPELINE, "bare", SIZE, dict.fromkeys(STEPS, "NumPy"), "f")
    store.add_samples(id, [Sample(0, block, step, "steady", 1e7) for block in range(6) for step in STEPS])
    store.set_status(id, Status.DONE)
    found = answer(store)
    assert found.weights == {"speed": 1.0}
    assert found.uncounted[0] == (
        "quality has no weight: not every candidate has a figure for it; it is missing for bare"
    )
    assert {caveat.split()[0] for caveat in found.caveats if "has no weight" in caveat} == {
        "quality",
        "memory",
        "cold",
    }


def test_a_stack_must_answer_all_questions_that_the_best_ones_answer(store):
    steps = [{"id": name, "op": "probe.work"} for name in ("blur", "warp")]
    store.add_pipeline(
        RUN, PlannedPipeline("ops", SIZE, {"modality": "images", "independent": True, "steps": steps}, {})
    )
    times = {"all": {"blur": 20.0, "warp": 20.0}, "both": {"blur": 10.0, "warp": 20.0}, "one": {"blur": 1.0}}
    for stack, of in times.items():
        id = store.add_cell(RUN, "ops", stack, SIZE, dict.fromkeys(of, stack), "f")
        store.add_samples(
            id,
            [Sample(p, b, step, "steady", ms * 1e6 + b) for p in range(5) for b in range(6) for step, ms in of.items()],
        )
        store.set_status(id, Status.DONE)
    (images,) = recommend(summarise(store, RUN), Wishes(modality="images", weights={"speed": 1.0}))
    assert [candidate.stack for candidate in images.candidates] == ["both", "all"]
    assert images.candidates[1].times["speed"] == pytest.approx(2**0.5, rel=0.01)
    assert images.questions == ("ops (small) blur", "ops (small) warp")
    assert [(one.stack, one.why) for one in images.rejected] == [("one", "it has no ranked time on ops (small) warp")]


def test_the_largest_size_is_judged_unless_another_is_asked_for(store):
    planned = store.pipelines(RUN)[0]
    store.add_pipeline(RUN, PlannedPipeline(PIPELINE, "full", planned.spec, planned.dataset | {"amount": 10**6}))
    id = store.add_cell(RUN, PIPELINE, "Polars+torch", "full", dict.fromkeys(STEPS, "Polars"), "f")
    store.add_samples(id, store.samples(cell(store, "Polars+torch")))
    store.set_status(id, Status.DONE)
    assert answer(store).questions == (f"{PIPELINE} (full)",)
    assert answer(store, size=SIZE).questions == (f"{PIPELINE} ({SIZE})",)
    assert any("(small)" in caveat for caveat in answer(store).caveats)


@pytest.mark.parametrize("scope", ["modality", "pipeline", "size"])
def test_an_unknown_scope_is_refused(store, scope):
    with pytest.raises(BadInput, match=f"no {scope} 'nope'"):
        answer(store, **{scope: "nope"})


def test_the_same_data_get_the_same_answer(store):
    assert answer(store) == answer(store)
