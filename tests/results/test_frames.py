"""`twinbench.load`: a run's figures as data frames, the same figures as those of every other view."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

import twinbench
from tests.results.make_store import RUN, make_store
from twinbench.errors import BadInput
from twinbench.results.decisions import compare
from twinbench.results.frames import Run
from twinbench.results.summary.run import summarise
from twinbench.store.store import Store


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("frames") / "results.db"
    make_store(file)
    return file


@pytest.fixture(scope="module")
def run(path: Path) -> Run:
    return twinbench.load(store=path)


def test_the_newest_run_is_loaded_or_the_one_that_is_named(path: Path, run: Run):
    assert run.id == twinbench.load(RUN[:6], store=str(path)).id == RUN
    with pytest.raises(BadInput, match="no-such-run"):
        twinbench.load("no-such-run", store=path)


def test_cells_and_steps_hold_the_figures_of_the_summary(path: Path, run: Run):
    with Store.open_to_read(path) as store:
        summary = summarise(store, RUN)
    cells = [(pipeline, cell) for pipeline in summary.pipelines for cell in pipeline.cells]
    assert len(run.cells) == len(cells) > 2
    for row, (pipeline, cell) in zip(run.cells.to_dict("records"), cells, strict=True):
        assert (row["pipeline"], row["size"], row["stack"]) == (pipeline.pipeline, pipeline.size, cell.stack)
        assert row["status"] == cell.status
        assert pd.isna(row["rank"]) if cell.rank is None else row["rank"] == cell.rank
        ends = ("estimate", "low", "high")
        for column, end in zip(("total_s", "total_s_low", "total_s_high"), ends, strict=True):
            same(row[column], None if cell.total is None else getattr(cell.total, end))
        for metric, quality in cell.quality.items():
            same(row[f"quality_{metric}"], quality.mean)
    steps = [step for _, cell in cells for step in cell.steps]
    for row, step in zip(run.steps.to_dict("records"), steps, strict=True):
        assert (row["step"], row["framework"]) == (step.step, step.framework)
        same(row["steady_s"], None if step.steady is None else step.steady.estimate)


def same(got: object, want: float | None) -> None:
    assert pd.isna(got) if want is None or math.isnan(want) else got == want


def test_samples_agreement_and_facts_are_those_of_the_export(path: Path, run: Run):
    with Store.open_to_read(path) as store:
        cells = store.cells(RUN)
        assert len(run.samples) == sum(len(list(store.samples(cell.id))) for cell in cells) > 100
        assert len(run.agreement) == sum(len(store.agreements(cell.id)) for cell in cells) > 0
        assert len(run.facts) == sum(len(store.facts(cell.id)) for cell in cells)


def test_stacks_are_compared_as_the_command_compares_them(path: Path, run: Run):
    measured = run.cells[run.cells["status"] == "done"]["stack"].tolist()
    with Store.open_to_read(path) as store:
        want = compare.stacks(store, RUN, measured[:2]).changes[0]
    (row,) = run.compare(*measured[:2]).to_dict("records")
    assert (row["base"], row["stack"], row["ratio"], row["verdict"]) == (
        *(want.a, want.b, want.ratio.estimate, want.verdict),
    )
    assert len(run.compare()) == len(measured) - 1 > 0
    with pytest.raises(BadInput, match="nowhere"):
        run.compare(measured[0], "nowhere")


def test_a_notebook_shows_every_cell_and_escapes_names(path: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    html = run._repr_html_()
    assert all(stack in html for stack in run.cells["stack"])
    hostile = Run(path)
    hostile.cells.loc[0, "stack"] = "<script>alert(1)</script>"
    assert "<script>" not in hostile._repr_html_()
    assert RUN in repr(run)
