"""The pipelines of signals, run as a user runs them, on their smallest parts."""

from __future__ import annotations

import importlib.util
import json

import pytest

from twinbench import paths
from twinbench.data import registry
from twinbench.errors import BadInput
from twinbench.plan import pipeline

FILES = sorted((paths.resource("pipelines") / "signals").glob("*.toml"))


def agreed(twinbench, name: str, *arguments: str) -> dict:
    done = twinbench("agree", name, "--json", *arguments, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_pipeline_is_valid_and_its_stacks_exist(file):
    from twinbench.plan.stack import build

    loaded = pipeline.load(file)
    assert loaded.modality == "signals"
    assert loaded.stacks
    for name in loaded.stacks:
        missing = build(name, loaded).missing
        assert missing is None or missing.kind == "unavailable", missing


def test_every_op_is_in_a_pipeline():
    from twinbench import ops

    used = {step.op.name for file in FILES for step in pipeline.load(file).steps}
    assert {op.name for op in ops.of_modality("signals")} <= used


@pytest.mark.parametrize(("name", "size"), [("signal-ops", "1s"), ("signal-batches", "100")])
def test_libraries_agree_on_each_op(twinbench, name, size):
    stacks = ["SciPy", "NumPy", "torch"]
    if importlib.util.find_spec("pyAudioAnalysis") is not None:
        stacks.append("pyAudioAnalysis")
    arguments = [word for stack in stacks for word in ("--stack", stack)]
    agreed(twinbench, name, "--size", size, *arguments)


@pytest.fixture
def fetched(cache, monkeypatch):
    """Brings a dataset here, or skips with the reason why it can't be had."""
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(cache))

    def fetch(name: str) -> None:
        try:
            registry.get(name).fetch(lambda line: None)
        except BadInput as error:
            if "could not fetch" not in str(error):
                raise
            pytest.skip(str(error))

    return fetch


@pytest.mark.parametrize(("name", "dataset"), [("gestures", "GunPoint"), ("motions", "BasicMotions")])
def test_stacks_agree_on_networks_for_series(twinbench, fetched, name, dataset):
    fetched(dataset)
    stacks = ["SciPy+torch", *(["SciPy+Keras"] if importlib.util.find_spec("tensorflow") else [])]
    agreed(twinbench, name, *(word for stack in stacks for word in ("--stack", stack)))


def test_stacks_agree_on_appliances_and_tell_them_apart(twinbench, store, fetched):
    fetched("ACSF1")
    stacks = ("--stack", "SciPy+torch", "--stack", "NumPy+torch", "--stack", "torch")
    done = twinbench("run", "appliances", *stacks, "--budget", "0.5", "--no-track", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with store() as results:
        run = results.find_run()
        (planned,) = results.pipelines(run.id)
        dummy = next(b.value for b in results.baselines(run.id) if (b.name, b.metric) == ("most-frequent", "accuracy"))
        cells = results.cells(run.id)
        assert len(cells) == 3
        for cell in cells:
            accuracy = next(q.value for q in results.qualities(cell.id) if q.metric == "accuracy")
            assert accuracy > planned.spec["target"] > dummy


def test_stacks_agree_on_speech(twinbench):
    reason = registry.get("spoken-digits").missing()
    if reason is not None:
        pytest.skip(reason)
    stacks = ["--stack", "SciPy+torch", "--stack", "NumPy+torch"]
    if importlib.util.find_spec("pyAudioAnalysis") is not None:
        stacks += ["--stack", "pyAudioAnalysis+SciPy+torch"]
    agreed(twinbench, "speech-features", *stacks)
