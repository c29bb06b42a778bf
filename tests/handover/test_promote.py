"""A trained model goes from a run into MLflow's registry, loads in its flavour, and answers a server's clients."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.handover.conftest import START_S, TOLERANCE, Made
from tests.printed import check
from tests.results.make_store import RUN, make_store
from twinbench.results.models.kept import Model

FLAVOURS = {
    "torch": "pytorch",
    "Keras": "keras",
    "scikit-learn": "sklearn",
    "Flux": "python_function",
    "MXNet": "python_function",
}
"""By framework the most native flavour that its models have."""

PICKLED = {".pkl", ".pickle", ".joblib", ".pth"}


def promoted(twin: Any, model: Model, *arguments: str) -> dict[str, Any]:
    """Promote a model, all of which here miss their target."""
    done = twin("promote", model.cell.run_id, "--stack", model.cell.stack, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    check("promote", done.stdout)
    answer = json.loads(done.stdout)
    assert [doubt for doubt in answer["doubts"] if "misses the target 1.000" in doubt] == answer["doubts"] != []
    assert f"warning: {model.cell.stack} on {model.cell.pipeline} (full): {answer['doubts'][0]}" in done.stderr
    return answer


@pytest.fixture(scope="module")
def uri_of(made: Made, twin: Any) -> Callable[[str], str]:
    """Promotes a framework's model once, under the framework's name, and gives the URI."""
    return cache(lambda framework: promoted(twin, made(framework), "--name", framework)["uri"])


PREDICT = """
import json, sys
import numpy as np, mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
example = np.load(sys.argv[2])
scores = [np.asarray(model.predict(rows)).tolist() for rows in (example, example[:1])]
print(json.dumps({"scores": scores, "flavours": list(model.metadata.flavors), "metadata": model.metadata.metadata}))
"""


@pytest.mark.parametrize("framework", FLAVOURS)
def test_a_promoted_model_loads_in_its_flavour_and_gives_the_scores_of_the_run(
    framework: str, made: Made, uri_of: Callable[[str], str], variables: dict[str, str], tmp_path: Path
):
    model = made(framework)
    np.save(tmp_path / "example.npy", model.example)
    line = [sys.executable, "-c", PREDICT, uri_of(framework), str(tmp_path / "example.npy")]
    backend = {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(line, env=variables | backend, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(answer["scores"][0], model.scores[: len(model.example)], **TOLERANCE)
    np.testing.assert_allclose(answer["scores"][1], model.scores[:1], **TOLERANCE)
    assert FLAVOURS[framework] in answer["flavours"]
    assert answer["metadata"]["stack"] == f"SciPy+{framework}"
    before = [step.split()[0] for step in answer["metadata"]["preprocessing"]]
    assert before == ["signals.resample", "training.standardise", "training.split"]


def test_models_are_kept_without_pickles_and_with_what_goes_in(uri_of: Callable[[str], str], home: Path):
    for framework in ("torch", "scikit-learn"):
        uri_of(framework)
    (described, *others) = home.rglob("MLmodel")
    assert others
    for place in (described, *others):
        files = [file for file in place.parent.rglob("*") if file.is_file()]
        assert not {file.suffix for file in files} & PICKLED
        text = place.read_text()
        assert "tensor-spec" in text
        assert "input_example" in text or "saved_input_example_info" in text


def test_promoting_again_makes_no_new_version_and_an_alias_moves(made: Made, twin: Any):
    model = made("torch")
    first = promoted(twin, model, "--name", "again")
    again = promoted(twin, model, "--name", "again", "--alias", "next")
    assert (first["version"], again["version"]) == ("1", "1")
    assert again["uri"] == "models:/again@next"
    assert f"mlflow models serve -m {again['uri']} --env-manager local -h 127.0.0.1" in again["serve"]


@contextmanager
def served(uri: str, variables: dict[str, str], log: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri, "--env-manager", "local"]
    line += ["-h", "127.0.0.1", "-p", str(port)]
    with log.open("w") as out:
        process = subprocess.Popen(line, env=variables, stdout=out, stderr=out, start_new_session=True)
    try:
        deadline = time.monotonic() + START_S
        while True:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        started = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert not alive, "a worker outlived its server"


@pytest.mark.parametrize("framework", ["torch", "Flux"])
def test_a_server_of_a_promoted_model_answers_what_the_run_holds(
    framework: str, made: Made, uri_of: Callable[[str], str], variables: dict[str, str], tmp_path: Path
):
    model = made(framework)
    with served(uri_of(framework), variables, tmp_path / "log") as address:
        body = json.dumps({"inputs": model.example.tolist()}).encode()
        for _ in range(2):
            asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(asked, timeout=START_S) as answer:
                scores = json.load(answer)["predictions"]
            np.testing.assert_allclose(scores, model.scores[: len(model.example)], **TOLERANCE)


@pytest.fixture
def stored(tmp_path: Path) -> str:
    make_store(tmp_path / "r.db")
    return str(tmp_path / "r.db")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nope", "--stack", "pandas+torch"), 2, "no run 'nope'"),
        ((RUN, "--stack", "pandas+torhc"), 2, "has no stack 'pandas+torhc'; did you mean 'pandas+torch'?"),
        ((RUN, "--stack", "pandas+torch", "--size", "huge"), 2, "--size: pandas+torch has no 'huge'"),
        ((RUN, "--stack", "DuckDB+torch"), 1, "DuckDB+torch is not promoted: it disagrees with the reference"),
        ((RUN, "--stack", "pandas+Flux"), 1, "pandas+Flux is not promoted: it is failed: mlp: killed by signal 11"),
        ((RUN, "--stack", "DataFrames.jl+Flux"), 1, "DataFrames.jl+Flux is not promoted: it is unavailable"),
        ((RUN, "--stack", "pandas+torch"), 1, "stored no trained model of this stack"),
    ],
)
def test_what_should_not_be_used_is_refused_in_one_line(twin: Any, stored: str, arguments, code: int, said: str):
    done = twin("promote", *arguments, "--store", stored)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("twinbench: error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_registry_that_is_not_there_is_one_line(made: Made, twin: Any):
    model = made("torch")
    done = twin(
        *("promote", model.cell.run_id, "--stack", "SciPy+torch", "--tracking-uri", "http://127.0.0.1:9"),
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "doesn't answer" in done.stderr
