"""The store keeps what it was given."""

from __future__ import annotations

import math
import os

import pytest

from tests.results.make_store import PIPELINE, RUN, SIZE, make_store
from tests.store.conftest import CREATED, in_a_process
from twinbench.errors import BadInput, StoreError
from twinbench.store.records import KINDS, Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store


def test_paths_that_are_not_unicode_come_out_as_they_went_in(store):
    directory = os.fsdecode(b"/data/caf\xe9")
    store.new_run("r1", created=CREATED, arguments={"request": {"directories": [directory]}}, environment={})
    store.add_pipeline("r1", PlannedPipeline("p", "small", {"steps": []}, {"source": directory}))
    assert store.find_run("r1").arguments == {"request": {"directories": [directory]}}
    assert store.pipelines("r1")[0].dataset == {"source": directory}


def test_what_went_in_comes_out(store, cell):
    samples = [
        Sample(0, 0, "", "import", 5.0, detail="pandas"),
        Sample(0, 0, "a", "boundary", 1.5, detail="in"),
        Sample(0, 0, "a", "first_call", 7.25),
        Sample(0, 0, "a", "steady", 3.0, 4, 2.5, 0.5),
        Sample(0, 0, "a", "steady", 2.0, 4, None, 0.5, collector_ns=0.25),
        Sample(1, 3, "a", "steady", 1.0),
    ]
    store.add_samples(cell, samples)
    assert store.samples(cell) == samples
    agreement = Agreement("a", "x", "rounding", 0.5, 1e-9, True, "é")
    store.add_agreement(cell, agreement)
    assert store.agreements(cell) == [agreement]
    store.add_fact(cell, "a", "dtypes", {"x": ["float64", None]})
    assert [fact.value for fact in store.facts(cell)] == [{"x": ["float64", None]}]
    store.add_noise("r1", CREATED, {"load": 1.5})
    assert [noise.facts for noise in store.noise("r1")] == [{"load": 1.5}]


def test_infinite_and_missing_numbers_survive(store, cell):
    store.add_agreement(cell, Agreement("a", "x", "exact", math.inf, math.nan, False))
    (found,) = store.agreements(cell)
    assert found.error == math.inf
    assert math.isnan(found.max_abs)
    store.add_quality(cell, "roc_auc", math.nan)
    assert math.isnan(store.qualities(cell)[0].value)


def test_a_later_word_replaces_an_earlier_one(store, cell):
    for value in (1, 2):
        store.add_fact(cell, "", "examples", value)
        store.add_quality(cell, "auc", value, seed=0)
        store.add_baseline("r1", "p", "small", "dummy", "auc", value)
        store.add_agreement(cell, Agreement("a", "x", "exact", value, 0.0, True))
    assert [fact.value for fact in store.facts(cell)] == [2]
    assert [quality.value for quality in store.qualities(cell)] == [2.0]
    assert [baseline.value for baseline in store.baselines("r1")] == [2.0]
    assert [agreement.error for agreement in store.agreements(cell)] == [2.0]


def test_files_of_a_cell_are_kept_to_the_byte(store, cell):
    assert (store.files(cell), store.file(cell, "b")) == ([], None)
    for name, content in (("b", b"\x00\xff"), ("a/c", b""), ("b", bytes(1000))):
        store.add_file(cell, name, content)
    assert store.files(cell) == ["a/c", "b"]
    assert (store.file(cell, "b"), store.file(cell, "a/c")) == (bytes(1000), b"")


def test_planning_a_cell_again_changes_nothing(store, cell):
    store.set_status(cell, Status.DONE)
    assert store.add_cell("r1", "p", "pandas", "small", {"a": "Polars"}, "other") == cell
    (found,) = store.cells("r1")
    assert (found.status, found.fingerprint, found.steps) == (Status.DONE, "f", {"a": "pandas"})


def test_a_cell_of_a_pipeline_that_was_not_planned_is_refused(store, cell):
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.add_cell("r1", "p", "small", "pandas", {}, "f")


MAY_FOLLOW = {(Status.PLANNED, Status.RUNNING), (Status.RUNNING, Status.RUNNING)} | {
    (before, after) for before in (Status.PLANNED, Status.RUNNING) for after in Status if after.ended
}


@pytest.mark.parametrize("after", Status)
@pytest.mark.parametrize("before", Status)
def test_a_cell_goes_on_until_it_has_ended(store, cell, before, after):
    if before is not Status.PLANNED:
        store.set_status(cell, before)
    if (before, after) in MAY_FOLLOW:
        store.set_status(cell, after, reason="because")
        assert (store.cells("r1")[0].status, store.cells("r1")[0].reason) == (after, "because")
    else:
        with pytest.raises(StoreError, match=rf"cell {cell} \(p small pandas\) can't go from {before} to {after}$"):
            store.set_status(cell, after)
        assert store.cells("r1")[0].status is before


def test_a_cell_that_is_not_there_has_no_status(store, cell):
    with pytest.raises(StoreError, match=f"no cell {cell + 1}"):
        store.set_status(cell + 1, Status.DONE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_kept(store, cell, kind):
    store.set_status(cell, Status.FAILED, kind=kind, stderr="\udcff bytes that were no text")
    assert store.cells("r1")[0].kind == kind


def test_runs_are_found_by_a_unique_prefix(store):
    for run_id, created in (("ab", "2026-01-02"), ("ab2", "2026-01-01"), ("ab1", "2025-01-01")):
        store.new_run(run_id, created=created, arguments={"a": 1}, environment={"b": [2]})
    assert [run.id for run in store.runs()] == ["ab1", "ab2", "ab"], "the clock went backwards"
    assert store.find_run().id == "ab1"
    assert store.find_run("ab2").id == "ab2"
    assert store.find_run("ab").id == "ab", "a whole id is never ambiguous"
    with pytest.raises(BadInput, match="ab1, ab2"):
        store.find_run("a")
    with pytest.raises(BadInput, match="did you mean 'ab1'"):
        store.find_run("xb1")


def test_a_store_without_runs_says_so(store):
    with pytest.raises(BadInput, match="twinbench run"):
        store.find_run()


def test_reading_a_store_that_is_not_there_makes_none(path):
    with pytest.raises(StoreError, match="twinbench run"):
        Store.open(path, create=False)
    assert not path.exists()


def test_opening_a_store_imports_no_numerics():
    code = """
        import sys, twinbench.store.store
        print([name for name in ("numpy", "pyarrow", "rich") if name in sys.modules])
    """
    assert in_a_process(code).communicate()[0] == "[]\n"


def test_the_example_store_is_believable(path):
    make_store(path)
    with Store.open(path, create=False) as store:
        assert [planned.name for planned in store.pipelines(RUN)] == [PIPELINE]
        assert {cell.size for cell in store.cells(RUN)} == {SIZE}
