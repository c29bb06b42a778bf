"""A served model outlives the end of its worker, and the worker never its server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from twinbench.handover.flavours import served
from twinbench.handover.flavours.served import Served
from twinbench.launch.process import WorkerFailure

MODEL = """
import sys, torch
torch.save({"input": torch.tensor([2]), "w1": torch.ones(2, 1), "b1": torch.zeros(1)}, sys.argv[1])
"""
"""Of two features the sum, as PyTorch keeps it: any framework is served in the same way."""

SERVER = """
import sys
from pathlib import Path
from twinbench.handover.flavours.served import Served
model = Served(Path(sys.argv[1]))
print(model._worker.pid, flush=True)
sys.stdin.read()
"""

ROWS = np.array([[0.0, 0.0], [1.0, 2.0]])
SCORES = 1 / (1 + np.exp(-ROWS.sum(1)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What MLflow hands to its loader."""
    made = tmp_path_factory.mktemp("model")
    (made / served.ABOUT).write_text(json.dumps({"framework": "torch", "name": "model.pt"}))
    subprocess.run([sys.executable, "-c", MODEL, str(made / "model.pt")], check=True, timeout=60)
    return made


@pytest.fixture
def model(place: Path) -> Iterator[Served]:
    loaded = Served(place)
    yield loaded
    if loaded._worker is not None:
        loaded._worker.kill()


def test_rows_that_are_refused_cost_their_own_request_only(model):
    for _ in range(2):
        with pytest.raises(WorkerFailure, match="RuntimeError"):
            model.predict(np.ones((1, 5)))
        np.testing.assert_allclose(model.predict(ROWS), SCORES, rtol=1e-6)


@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_worker_that_is_lost_is_replaced_within_the_request(model, monkeypatch, ended):
    monkeypatch.setattr(served, "ANSWER_S", 10.0)
    os.kill(model._worker.pid, ended)
    np.testing.assert_allclose(model.predict(ROWS), SCORES, rtol=1e-6)


def test_a_worker_outlives_the_thread_that_loaded_the_model(place):
    with ThreadPoolExecutor(1) as pool:
        model = pool.submit(Served, place).result()
    worker = psutil.Process(model._worker.pid)
    time.sleep(0.5)
    np.testing.assert_allclose(model.predict(ROWS), SCORES, rtol=1e-6)
    assert model._worker.pid == worker.pid, "it was replaced"
    model._worker.kill()


def test_a_worker_ends_with_its_server(place):
    line = [sys.executable, "-c", SERVER, str(place)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        worker = psutil.Process(int(server.stdout.readline()))
        server.kill()
    _, alive = psutil.wait_procs([worker], timeout=10)
    assert not alive
