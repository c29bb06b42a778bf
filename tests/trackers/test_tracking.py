"""What trackers are told is the summary's, and files are written where they belong."""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.results.make_store import PIPELINE, RUN, SIZE, STEPS, make_store
from twinbench.errors import StoreError
from twinbench.store.records import Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store
from twinbench.trackers.tracking import RunForTrackers, TrackerRun


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def files(store: Store, directory: Path, cell: str = "") -> set[str]:
    """What is written of a cell, or of the whole."""
    source = RunForTrackers(store, RUN)
    ((_, sizes),) = source.pipelines()
    told: list[TrackerRun] = [source.whole(sizes), *source.each(sizes)]
    directory.mkdir()
    source.write_files(next(one for one in told if one.cell == cell), sizes, directory)
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def test_the_whole_has_the_report_and_its_pictures(store, tmp_path):
    written = files(store, tmp_path / "out")
    assert {"summary.json", "agreement.json", "environment.json", "report.html"} < written
    assert f"pictures/quality-{SIZE}.svg" in written
    picture = ElementTree.parse(tmp_path / "out" / "pictures" / f"quality-{SIZE}.svg").getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<!doctype html>" in (tmp_path / "out" / "report.html").read_text()


def test_a_cell_has_its_samples_and_what_it_said(store, tmp_path):
    assert files(store, tmp_path / "out", f"pandas+Flux {SIZE}") == {
        *("agreement.json", "samples.parquet", "stderr.txt")
    }


def test_no_name_leads_out_of_the_directory(store, tmp_path):
    planned = store.pipelines(RUN)[0]
    bad = "../../../evil"
    store.add_pipeline(RUN, PlannedPipeline(PIPELINE, bad, planned.spec, planned.dataset))
    cell = store.add_cell(RUN, PIPELINE, "pandas+torch", bad, dict.fromkeys(STEPS, "x"), "f")
    store.add_samples(cell, [Sample(0, block, step, "steady", 1e6) for block in range(5) for step in STEPS])
    store.add_quality(cell, "roc_auc", 0.9)
    store.set_status(cell, Status.DONE)
    with pytest.raises(StoreError, match=r"size: '\.\./\.\./\.\./evil' is not a size"):
        files(store, tmp_path / "out")
    assert not list(tmp_path.rglob("*evil*"))


def test_what_disagrees_beyond_measure_is_still_json(store, tmp_path):
    cell = next(cell for cell in store.cells(RUN) if cell.stack == "DuckDB+torch")
    store.add_agreement(cell.id, Agreement("mlp", "shape", "different", math.inf, math.inf, False, "another shape"))
    files(store, tmp_path / "whole")
    files(store, tmp_path / "cell", f"DuckDB+torch {SIZE}")
    for written in tmp_path.rglob("*.json"):
        json.loads(written.read_text(), parse_constant=pytest.fail)
    told = json.loads((tmp_path / "cell" / "agreement.json").read_text())
    (found,) = (finding for finding in told["findings"] if finding["output"] == "shape")
    assert (found["error"], found["max_abs"], found["detail"]) == (None, None, "another shape")


def test_the_machine_is_told_as_a_series(store):
    for minute, load in enumerate((0.5, 1.5)):
        noise = {"load": load, "available_bytes": 2e9, "steal": 0.02, "frequency_mhz": None, "busy_others": []}
        store.add_noise(RUN, f"2026-05-01T12:0{minute}:00+00:00", noise)
    source = RunForTrackers(store, RUN)
    ((_, sizes),) = source.pipelines()
    points = source.whole(sizes).points
    assert [(p.value, p.at_ms) for p in points if p.metric == "system/load"] == [
        (0.5, 1777636800000),
        (1.5, 1777636860000),
    ]
    assert {p.metric for p in points} == {
        *("system/load", "system/available_memory_megabytes", "system/steal_percentage")
    }


def test_labels_of_inputs_become_names_that_mlflow_takes(tmp_path):
    labels = ["a ramp, by name", "a ramp; by name", "größe = 1/2", "..", ".", "a/../b", "100%"]
    with Store.open(tmp_path / "results.db") as store:
        spec = {"modality": "pair", "independent": True, "question": "", "metric": None, "steps": []}
        spec["steps"] = [{"id": label, "op": "call", "params": {}, "inputs": []} for label in labels]
        run_id = "20260501-120000-abcd"
        store.new_run(run_id, created="2026-05-01T12:00:00+00:00", arguments={}, environment={})
        store.add_pipeline(run_id, PlannedPipeline("f", "given", spec, {}))
        cell = store.add_cell(run_id, "f", "my, own f", "given", dict.fromkeys(labels, "my, own f"), "1")
        samples = [Sample(0, 0, label, "first_call", 1e6 + index) for index, label in enumerate(labels)]
        store.add_samples(cell, [*samples, Sample(0, 0, "", "import", 1e6, detail="my, own f")])
        source = RunForTrackers(store, run_id)
        ((_, sizes),) = source.pipelines()
        (told,) = source.each(sizes)
    firsts = [value for name, value in told.metrics.items() if name.startswith("step/") and "first_call" in name]
    assert len(firsts) == len(labels)
    assert "import/my_ own f_s" in told.metrics
    for name in (*told.metrics, *told.params, *told.tags):
        assert re.fullmatch(r"[/\w.\- :]+", name), name
        assert posixpath.normpath(name) == name


def test_metrics_are_numbers_and_params_say_what_was_measured(store):
    source = RunForTrackers(store, RUN)
    ((_, sizes),) = source.pipelines()
    cells = {told.cell: told for told in source.each(sizes)}
    pandas = cells[f"pandas+torch {SIZE}"]
    assert pandas.metrics["total/median_s"] == pytest.approx(0.276, rel=0.02)
    assert pandas.params["version.pandas"] == "1.2.3"
    json.dumps([dict(told.metrics) for told in cells.values()], allow_nan=False)
