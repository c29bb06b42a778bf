"""Sending a run of 500 cells, with 20 metrics each and more, to an MLflow server on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures.figure import Figure

LIBRARIES = ("mlflow",)
CELLS = 520
START_S = 120.0
LIMIT_S = 60.0


def measure() -> Iterator[Figure]:
    """Seconds, as `twinbench track mlflow` takes them."""
    from benchmarks.figures import large_store
    from twinbench.store.store import Store
    from twinbench.trackers import mlflow
    from twinbench.trackers.tracking import RunForTrackers

    with TemporaryDirectory(prefix="twinbench-") as name, _server(Path(name)) as uri:
        run = large_store.make(Path(name) / "large.db", CELLS)
        with Store.open(Path(name) / "large.db") as store:
            source = RunForTrackers(store, run)
            metrics = min(len(told.metrics) for _, sizes in source.pipelines() for told in source.each(sizes))
            start = time.perf_counter()
            mlflow.send(store, run, uri)
            seconds = time.perf_counter() - start
    yield Figure("metrics of a cell", metrics, "", ">=", 20)
    yield Figure("sending 500 cells to MLflow", seconds * 500 / CELLS, "s", "<=", LIMIT_S)


@contextmanager
def _server(directory: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{directory / 'mlflow.db'}"),
        *("--artifacts-destination", str(directory / "artifacts")),
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=os.environ | quiet,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(address: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with suppress(OSError):
            urllib.request.urlopen(address, timeout=1).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"no MLflow server at {address} after {START_S:g} s")
