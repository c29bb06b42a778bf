"""A model is trained by a real run, and monitored by the command: its test rows are fit, others drifted or worse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbench.numbers import training_rows
from twinbench.ops import arrays
from twinbench.results.models import monitoring
from twinbench.results.models.kept import of_cell
from twinbench.results.models.rows import Rows
from twinbench.store.records import TRAINED
from twinbench.store.store import Store
from twinbench.trackers import mlflow_monitoring

PIPELINE = """
[pipeline]
name = "late"
modality = "tables"
[dataset]
files = { flights = "flights.csv" }
[goal]
question = "Which flights are late?"
metric = "roc_auc"
margin = 0.06
[sizes]
full = {}
[[step]]
op = "tables.read_csv"
table = "flights"
columns = { delay = "float64", wind = "float64", night = "float64", late = "int64" }
[[step]]
op = "tables.standardise"
columns = ["delay", "wind"]
[[step]]
op = "tables.split"
label = "late"
[[step]]
op = "training.mlp"
hidden = [8]
epochs = 3
optimizer = { name = "adam", lr = 1e-2 }
[[step]]
op = "training.predict"
input = ["mlp", "split"]
"""

ROWS = 4000
NAMES = ("delay", "wind", "night")
STACK = ("--stack", "pandas+torch")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pipeline, its data, the run and MLflow's database are."""
    made = tmp_path_factory.mktemp("monitor")
    (made / "late.toml").write_text(PIPELINE)
    rng = np.random.default_rng(1)
    delay, wind, night = rng.exponential(10, ROWS), rng.normal(5, 2, ROWS), rng.random(ROWS) < 0.2
    late = delay + wind + 5 * night + rng.normal(0, 4, ROWS) > 18
    lines = (f"{d:.3f},{w:.3f},{n:d},{y:d}" for d, w, n, y in zip(delay, wind, night, late, strict=True))
    (made / "flights.csv").write_text("\n".join(["delay,wind,night,late", *lines]))
    return made


@pytest.fixture(scope="module")
def twin(home: Path) -> Any:
    """The command, in a place of its own."""
    places = {"TWINBENCH_CACHE_DIR": str(home / "cache"), "TWINBENCH_DATA_DIR": str(home)}
    variables = os.environ | places | {"MLFLOW_DISABLE_TELEMETRY": "true"}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "twinbench", *arguments]
        return subprocess.run(line, env=variables, capture_output=True, text=True, timeout=300)

    return command


@pytest.fixture(scope="module")
def tested(twin: Any, home: Path) -> dict[str, np.ndarray]:
    """The test rows of a run as the model takes them, what it said, and what was true."""
    done = twin("run", "late", *STACK, "--pipelines", str(home), "--budget", "0.01", "--processes", "1", "--no-track")
    assert done.returncode == 0, done.stderr
    (place,) = home.glob("cache/reference/late-*/outputs/split")
    split = arrays.load(place)
    with Store.open(home / "results.db") as store:
        (cell,) = store.cells(store.find_run().id)
        kept = of_cell(store, cell)
    assert kept is not None
    assert kept.features == NAMES
    return {"x": np.array(split["x_test"]), "scores": kept.scores, "y": np.array(split["y_test"])}


def table(home: Path, rows: Mapping[str, np.ndarray]) -> str:
    """A CSV file of them, its columns in an order of their own."""
    columns = dict(zip(NAMES, rows["x"].T, strict=True)) | {"score": rows["scores"], "label": rows["y"]}
    names = sorted(columns)
    lines = [",".join(names), *(",".join(str(columns[name][row]) for name in names) for row in range(len(rows["x"])))]
    (home / "rows.csv").write_text("\n".join(lines))
    return str(home / "rows.csv")


def monitored(twin: Any, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = twin("monitor", *STACK, "--json", *arguments)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_the_rows_of_the_test_split_are_fit(twin: Any, home: Path, tested: dict[str, np.ndarray]):
    found = monitored(twin, "--data", table(home, tested), "--fail-on-drift")
    assert found["verdict"] == "fit"
    assert (found["rows"], found["known"]) == (1000, training_rows.SAMPLED)
    assert {one["name"] for one in found["features"]} == set(NAMES)
    assert [one["psi"] for one in found["scores"]] == [pytest.approx(0)]
    assert found["quality"]["verdict"] == "same"
    for change in found["quality"]["changes"]:
        assert change["now"] == change["before"], "the same rows"


def test_rows_that_moved_are_drifted_by_name_and_fail_a_build(twin: Any, home: Path, tested: dict[str, np.ndarray]):
    moved = tested["x"] + np.array([0, 0.7, 0], np.float32)
    data = table(home, tested | {"x": moved})
    found = monitored(twin, "--data", data)
    assert [one["name"] for one in found["features"] if one["drifted"]] == ["wind"]
    done = twin("monitor", *STACK, "--data", data, "--fail-on-drift")
    assert done.returncode == 4, done.stderr
    assert (
        "late (full): pandas+torch: drifted: 1 of 3 features drifted (wind), scores did not; roc_auc same"
        in done.stdout
    )


def test_labels_of_other_rows_are_worse(twin: Any, home: Path, tested: dict[str, np.ndarray]):
    labels = np.random.default_rng(1).permutation(tested["y"])
    np.savez(home / "rows.npz", **tested | {"y": labels})
    found = monitored(twin, "--data", str(home / "rows.npz"), "--fail-on-drift", code=4)
    assert (found["verdict"], found["quality"]["verdict"]) == ("worse", "worse")
    assert not any(one["drifted"] for one in (*found["features"], *found["scores"]))


def test_few_rows_are_undecided_and_what_they_may_miss_is_said(twin: Any, home: Path, tested: dict[str, np.ndarray]):
    np.savez(home / "rows.npz", x=tested["x"][:20] + 9)
    done = twin("monitor", *STACK, "--data", str(home / "rows.npz"), "--fail-on-drift")
    assert done.returncode == 0, done.stderr
    assert "undecided: 20 rows are too few to call anything drifted" in done.stdout
    assert "100 rows would reveal a shift of one feature by 0." in done.stdout


def test_each_call_is_a_run_in_mlflow_if_that_is_asked_for(twin: Any, home: Path, tested: dict[str, np.ndarray]):
    from mlflow import MlflowClient

    uri = f"sqlite:///{home / 'mlflow.db'}"
    x = tested["x"] + np.float32(1)
    done = twin("monitor", *STACK, "--data", table(home, tested | {"x": x}), "--track")
    assert done.returncode == 0, done.stderr
    assert "1 run in twinbench/late; see them with: mlflow ui --backend-store-uri" in done.stdout
    with Store.open(home / "results.db") as store:
        base = monitoring.base(store, *store.cells(store.find_run().id))
    again = monitoring.monitor(base, Rows(x, tested["scores"], tested["y"]))
    mlflow_monitoring.send(mlflow_monitoring.record(again, "rows.csv"), uri)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("twinbench/late")
    first, second = client.search_runs([experiment.experiment_id])
    assert first.data.metrics == second.data.metrics
    for metric in (
        "monitor/rows",
        "monitor/drifted",
        "monitor/psi_largest",
        "psi/wind",
        "psi/score",
        "quality/roc_auc",
    ):
        assert metric in first.data.metrics
    assert first.data.tags["verdict"] == "drifted"
    assert first.data.metrics["monitor/drifted"] >= 2
    assert [file.path for file in client.list_artifacts(first.info.run_id)] == ["monitor.json"]


def test_what_can_not_be_monitored_is_one_line(twin: Any, home: Path, tested: dict[str, np.ndarray], tmp_path: Path):
    data = table(home, tested)
    (tmp_path / "old.db").write_bytes((home / "results.db").read_bytes())
    with Store.open(tmp_path / "old.db") as store:
        store._db.write("DELETE FROM files WHERE name = ?", TRAINED)
    for arguments, code, words in (
        (("--data", str(home / "none.csv")), 2, "--data: " + str(home / "none.csv") + " doesn't exist"),
        (("nope", "--data", data), 2, "no run 'nope'"),
        (
            ("--data", data, "--store", str(tmp_path / "old.db")),
            1,
            "has no training rows",
        ),
        (("--data", data, "--tracking-uri", "http://127.0.0.1:9"), 1, "doesn't answer"),
    ):
        done = twin("monitor", *STACK, *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert words in done.stderr
