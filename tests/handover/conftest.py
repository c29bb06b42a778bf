"""Runs whose trained models the tests of this directory use: made once, by the command, for all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.results.make_store import overrule
from twinbench.errors import JuliaUnavailable
from twinbench.julia import find
from twinbench.launch import environments
from twinbench.results.models.kept import Model, of_cell
from twinbench.store.records import Status
from twinbench.store.store import Store

HEAD = """
[pipeline]
name = "{name}"
modality = "signals"
dataset = "ACSF1"
[goal]
question = "Which appliance is it?"
metric = "accuracy"
target = 1.0 # which no model here reaches
[sizes]
full = {{ records = 80 }}
[[step]] # so few values a record that the baselines take no time
op = "signals.resample"
input = "data"
up = 1
down = 60
[[step]]
op = "training.standardise"
[[step]]
op = "training.split"
"""

PIPELINES = {
    "network": """
[[step]]
op = "training.cnn1d"
channels = [2]
hidden = [4]
classes = 10
input = "split"
[[step]]
op = "training.predict"
input = ["cnn1d", "split"]
""",
    "linear": """
[[step]]
op = "training.logistic"
c = 0.001
classes = 10
[[step]]
op = "training.predict"
input = ["logistic", "split"]
""",
}

START_S = 240
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
"""Of float32, through another order of sums."""

Made = Callable[[str], Model]
"""The kept model of a framework's stack."""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of these tests, their pipelines and MLflow's database are."""
    made = tmp_path_factory.mktemp("handover")
    (made / "pipelines").mkdir()
    for name, steps in PIPELINES.items():
        text = HEAD.format(name=name) + steps
        if name == "network":
            text = text.replace('"training.split"\n', '"training.split"\nflatten = false\n')
        (made / "pipelines" / f"{name}.toml").write_text(text)
    return made


@pytest.fixture(scope="session")
def variables(home: Path, cache: Path) -> dict[str, str]:
    """The environment of every process here. Nothing is listened to beyond loopback."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TWINBENCH_CACHE_DIR": str(cache),
        "TWINBENCH_DATA_DIR": str(home),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


@pytest.fixture(scope="session")
def twin(variables: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command."""

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "twinbench", *arguments]
        return subprocess.run(line, env=variables, capture_output=True, text=True, timeout=600)

    return command


@pytest.fixture(scope="session")
def made(twin: Any, home: Path, request: pytest.FixtureRequest) -> Made:
    """Runs a stack of one framework, and gives its model."""
    done: dict[str, Model] = {}

    def model(framework: str) -> Model:
        if framework not in done:
            _needed(framework, request)
            name = "linear" if framework == "scikit-learn" else "network"
            options = ("--budget", "0.01", "--no-track", "--pipelines", str(home / "pipelines"))
            ran = twin("run", name, "--stack", f"SciPy+{framework}", "--processes", "1", *options)
            with Store.open(home / "results.db") as store:
                (cell,) = store.cells(store.find_run().id)
                assert cell.status in (Status.DONE, Status.DISAGREES), ran.stderr
                overrule(store, cell.id, Status.DONE)  # Keras and MXNet: their Adam, which is another matter
                kept = of_cell(store, cell)
            assert kept is not None
            done[framework] = kept
        return done[framework]

    return model


def _needed(framework: str, request: pytest.FixtureRequest) -> None:
    if framework == "MXNet":
        request.getfixturevalue("mxnet")
        assert environments.get("mxnet")
    if framework == "Flux":
        try:
            find.find()
        except JuliaUnavailable as error:
            pytest.skip(str(error))
