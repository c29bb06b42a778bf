"""Tracking has one deadline, whatever the server does, and names what it didn't send."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import hostile as stores
from tests.results.make_store import PIPELINE, RUN, make_store
from tests.trackers import hostile
from tests.trackers.canary import SECRETS, files, songs
from twinbench.handover import tracking
from twinbench.store.store import Store
from twinbench.trackers import local, mlflow
from twinbench.trackers.tracking import TrackingError, check_reachable

DEADLINE_S = 10.0
"""Long enough that MLflow is imported and its client meets the server, where nothing else runs."""


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    make_store(tmp_path / "r.db")
    return tmp_path / "r.db"


def sending(stored: Path, uri: str | None) -> tracking.Sending:
    return tracking.Sending(tracker="mlflow", store=str(stored), run=RUN, tracking_uri=uri, with_models=False)


def test_no_busy_server_can_hold_up_a_run(stored: Path):
    began = time.monotonic()
    with hostile.served(hostile.Busy) as host, pytest.raises(TrackingError) as raised:
        tracking.send(sending(stored, f"http://someone:c4n4ry@{host}"), DEADLINE_S)
    assert time.monotonic() - began < DEADLINE_S + 30
    assert "c4n4ry" not in str(raised.value)


def test_no_command_is_held_up_by_a_server_that_drips(tmp_path: Path):
    """Each command that sends is started at the same time, and names what it didn't send."""
    stores.make(tmp_path / "r.db")
    words = list(stores.commands(tmp_path / "r.db", tmp_path))
    (monitor,) = (command for command in words if command[0] == "monitor")
    (promote,) = (command for command in stores.handovers(tmp_path / "r.db", tmp_path) if command[0] == "promote")
    commands = {
        ("track", "mlflow", "--store", str(tmp_path / "r.db")): "4 of 4 cells were not sent: ",
        tuple(promote): "4 of 4 cells were not sent: ",
        tuple(monitor): "the result was not sent completely",
    }
    began = time.monotonic()
    with hostile.served(hostile.Dripping) as host:
        sends = ["--tracking-uri", f"http://someone:c4n4ry@{host}", "--track-timeout", f"{DEADLINE_S:g}"]
        processes = [
            subprocess.Popen([sys.executable, "-m", "twinbench", *command, *sends], stderr=subprocess.PIPE, text=True)
            for command in commands
        ]
        said = [process.communicate(timeout=300)[1] for process in processes]
    assert time.monotonic() - began < DEADLINE_S + 30
    for process, err, missing in zip(processes, said, commands.values(), strict=True):
        assert (process.returncode, err.count("\n")) == (1, 1), err
        assert f"not done within {DEADLINE_S:g} s (--track-timeout); {missing}" in err
        assert "c4n4ry" not in err


def test_nothing_is_left_of_the_process_at_the_deadline(stored: Path):
    with hostile.served(hostile.Silent) as host, pytest.raises(TrackingError, match=r"not done within 0\.5 s"):
        tracking.send(sending(stored, f"http://{host}"), 0.5)
    assert b"handover.tracking" not in subprocess.check_output(["ps", "--ppid", str(os.getpid()), "-o", "args="])


def test_the_process_tells_what_it_has_sent(tmp_path: Path, stored: Path):
    progress = tracking.Progress()
    for line in (b'{"cells": ["a", "b", "c"]}', b'{"sent": "a"}', b"no JSON", b'{"sent": "c"}', b"[]"):
        progress.hear(line)
    assert progress.missing() == "1 of 3 cells were not sent: b"
    progress.hear(b'{"summary": "3 runs in x"}')
    assert progress.missing() == "the run was sent"
    progress.hear(b'{"kept": 2}')
    assert progress.missing() == "the run was sent, its 2 model(s) were not"
    progress.hear(b'{"models": 1}')
    assert progress.missing() == "the run was sent with its model, which is not registered"


def test_a_database_that_can_not_be_opened_is_a_line_at_once(tmp_path: Path, stored: Path):
    (tmp_path / "text.db").write_text("this is not a database, whatever its name says" * 50)
    with Store.open(stored, create=False) as store:
        for path in (tmp_path / "text.db", tmp_path / "r.db" / "inside.db", tmp_path):
            began = time.monotonic()
            with pytest.raises(TrackingError, match="its database can't be opened"):
                mlflow.send(store, RUN, f"sqlite:///{path}")
            assert time.monotonic() - began < 60, "MLflow would try again for longer"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINBENCH_DATA_DIR", "relative")
    return tmp_path / "relative"


def test_two_first_runs_share_a_new_database_in_a_relative_directory(data: Path, stored: Path):
    command = [sys.executable, "-m", "twinbench", "track", "mlflow", "--no-models", "--store", str(stored)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert out.startswith("7 runs in ")
    with sqlite3.connect(data / "mlflow.db") as database:
        assert database.execute("SELECT count(*) FROM experiments").fetchone() == (2,)  # and MLflow's default
    assert list((data / "mlflow-artifacts").rglob("samples.parquet"))
    assert songs(*files(data)) == []
    with Store.open(stored, create=False) as store:
        _deleted_things_are_met(store)


def _deleted_things_are_met(store: Store) -> None:
    """A new parent gets the children of a deleted one; a deleted experiment is named with the command."""
    client = mlflow._client(mlflow.default_uri())
    experiment = client.get_experiment_by_name(f"twinbench/{PIPELINE}")
    for run in client.search_runs([experiment.experiment_id], "tags.`twinbench.cell` = ''"):
        client.delete_run(run.info.run_id)
    mlflow.send(store, RUN)
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = (run for run in runs if run.data.tags["twinbench.cell"] == "")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs if run is not parent} >= {parent.info.run_id}
    client.delete_experiment(experiment.experiment_id)
    with pytest.raises(
        TrackingError, match=r"was deleted; restore it with: mlflow experiments restore --experiment-id"
    ):
        mlflow.send(store, RUN)


def test_the_lock_of_a_database_is_held_against_others_and_never_forever(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(local, "WAIT_S", 0.2)
    with local.exclusive(tmp_path / "a.db"), local.exclusive(tmp_path / "a.db"):
        pass
    os.mkfifo(tmp_path / "b.db.lock")
    with local.exclusive(tmp_path / "b.db"):
        pass


def test_a_server_with_its_own_certificate_is_reachable(tmp_path: Path):
    import ssl
    from http.server import HTTPServer
    from threading import Thread

    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), hostile.Busy) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        check_reachable("MLflow", f"https://127.0.0.1:{server.server_port}/health")
        server.shutdown()
