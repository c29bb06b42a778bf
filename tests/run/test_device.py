"""``--device cuda``: without one every framework says so in a line, and with one samples wait for it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from twinbench.errors import JuliaUnavailable
from twinbench.julia import find
from twinbench.plan import pipeline, stack
from twinbench.run.request import directories
from twinbench.worker import measure

SAYS = {
    "torch": "PyTorch",
    "Keras": "TensorFlow",
    "Keras-JAX": "JAX",
    "Keras-torch": "PyTorch",
    "MXNet": "MXNet 1.9.1 finds no CUDA device, or is built without CUDA",
    "Flux": "lacks CUDA",
}
"""What the reason of each begins with, or holds."""


@pytest.fixture
def no_gpu() -> None:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("this machine has a CUDA device")


@pytest.mark.parametrize("framework", SAYS)
def test_without_a_device_every_framework_says_so_in_one_line(framework: str, twinbench, no_gpu, request):
    if framework == "MXNet":
        request.getfixturevalue("mxnet")
    if framework == "Flux":
        try:
            find.find()
        except JuliaUnavailable as error:
            pytest.skip(str(error))
    done = twinbench("run", "appliances", "--stack", f"SciPy+{framework}", "--device", "cuda", timeout=300)
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith(f"twinbench: error: --device cuda: {framework}: ")
    assert done.stderr.count("\n") == 1
    assert SAYS[framework] in done.stderr


def test_a_stack_that_never_uses_a_device_is_refused(twinbench):
    done = twinbench("run", "groupby", "--stack", "pandas", "--device", "cuda")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "--device cuda: no framework of pandas can use it" in done.stderr


def test_an_unknown_device_is_bad_input(twinbench):
    done = twinbench("run", "noop", "--stack", "probe", "--device", "cudda")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "did you mean 'cuda'?" in done.stderr


def test_results_of_different_devices_are_not_comparable():
    plan = pipeline.find("appliances", directories(()))
    built = stack.build("SciPy+torch", plan)
    assert stack.fingerprint(built) == stack.fingerprint(built, "cpu") != stack.fingerprint(built, "cuda")


def test_a_sample_waits_for_the_device_at_both_ends_and_not_in_between(monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []
    monkeypatch.setattr(measure, "WAITS", [])
    measure.wait_for(partial(seen.append, "wait"))
    measure.timed(partial(seen.append, "call"), 3)
    assert seen == ["wait", "call", "call", "call", "wait"]


DEVICE = """
    from dataclasses import replace
    from twinbench.frameworks.probe import FRAMEWORKS as PROBES
    FRAMEWORKS = (replace(PROBES[0], name="gadget", packages=("gadget",), cuda=lambda: lambda: None),)
"""


def test_the_device_is_recorded_with_the_run_and_the_cell_and_only_resumed_there(twinbench, plugin, store):
    env = plugin("gadget", DEVICE)
    arguments = ("run", "noop", "--stack", "gadget", "--budget", "0.05", "--no-track")
    done = twinbench(*arguments, "--device", "cuda", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["environment"]["device"] == "cuda"
    with store() as results:
        run = results.find_run()
        (cell,) = results.cells(run.id)
        facts = {fact.key: fact.value for fact in results.facts(cell.id)}
        assert facts["devices"] == {"gadget": "cuda"}
        assert facts["engines"] == {"gadget": {}}
        results.finish_run(run.id, "interrupted")
    refused = twinbench(*arguments, "--resume", env=env)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "nothing to resume" in refused.stderr
    assert twinbench(*arguments, "--resume", "--device", "cuda", env=env).returncode == 0
