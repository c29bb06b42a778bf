"""Cells that differ in their variant only are kept apart, from the store to every view."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest
from rich.console import Console

from twinbench.results.decisions.compare import runs
from twinbench.results.decisions.recommend import usual
from twinbench.results.summary.run import summarise
from twinbench.store.export import export
from twinbench.store.merge import merge
from twinbench.store.records import PlannedPipeline, Sample, Status
from twinbench.store.store import Store
from twinbench.views import terminal
from twinbench.views.report import page

STEADY_NS = {("NumPy", ""): 1e6, ("pandas", ""): 2e6, ("NumPy", "2 threads"): 4e6, ("pandas", "2 threads"): 3e6}
PLAN = {"modality": "tables", "steps": [{"id": "a", "op": "tables.groupby", "params": {}}]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "results.db") as opened:
        for run in ("r1", "r2"):
            opened.new_run(run, created="2026-01-01T00:00:00+00:00", arguments={}, environment={"threads": 1})
            opened.add_pipeline(run, PlannedPipeline("p", "small", PLAN, {}))
            for (stack, variant), wall in STEADY_NS.items():
                cell = opened.add_cell(run, "p", stack, "small", {"a": stack}, "f", variant)
                positions = [(process, block) for process in range(4) for block in range(8)]
                opened.add_samples(
                    cell, [Sample(*position, "a", "steady", wall + position[1]) for position in positions]
                )
                opened.set_status(cell, Status.DONE)
        yield opened


def test_cells_are_ranked_within_a_variant(store):
    plain, swept = summarise(store, "r1").pipelines
    assert [(cell.stack, cell.rank) for cell in plain.cells] == [("NumPy", 1), ("pandas", 2)]
    assert [(cell.stack, cell.rank) for cell in swept.cells] == [("pandas (2 threads)", 1), ("NumPy (2 threads)", 2)]
    assert (plain.variant, swept.variant) == ("", "2 threads")
    assert {cell.variant for cell in swept.cells} == {"2 threads"}


def test_views_name_the_variant(store):
    summary = summarise(store, "r1")
    out = io.StringIO()
    terminal.render(summary, Console(file=out, width=200), usual(summary))
    html = page.of_run(store, "r1")
    for text in (out.getvalue(), html):
        assert "pandas (2 threads)" in text
        assert "NumPy (2 threads)" in text


def test_a_comparison_of_runs_pairs_the_same_variants(store):
    changes = runs((store, "r1"), (store, "r2")).changes
    assert {change.b for change in changes} == {"NumPy", "pandas", "NumPy (2 threads)", "pandas (2 threads)"}


def test_variants_are_exported_and_merged(store, tmp_path):
    export(store, "r1", tmp_path)
    rows = pyarrow.parquet.read_table(tmp_path / "cells.parquet").to_pylist()
    assert [(row["stack"], row["variant"]) for row in rows] == list(STEADY_NS)
    with Store.open(tmp_path / "other.db") as other:
        merge(store.path, other)
        assert [(cell.stack, cell.variant) for cell in other.cells("r1")] == list(STEADY_NS)
