"""Environments of their own: made once, used by the workers that need them, and removed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from twinbench import paths
from twinbench.launch import environments
from twinbench.launch.process import Worker, WorkerFailure
from twinbench.launch.team import Team
from twinbench.worker.job import Job, StepJob

CHECKOUT = """
import json, os
from twinbench.launch import environments
from twinbench.launch.process import Worker
from twinbench.worker import protocol
from twinbench.worker.job import Job
environments.ENVIRONMENTS["bare"] = environments.Environment("bare", ("pip",), (3, 99), "it is a test's")
environments.create("bare", lambda line: None)
worker = Worker(Job.of({JOB}), os.environ, environment="bare")
print(json.dumps(worker.ask(protocol.LOAD, 60).as_json()))
worker.kill()
"""
"""Makes an environment unless it is there, and starts a worker in it."""


def job(*frameworks: str) -> Job:
    """A job of one step for each framework."""
    steps = (
        StepJob(id=f"step{number}", op="probe.noop", params={}, inputs=(), framework=name, needed=False)
        for number, name in enumerate(frameworks)
    )
    return Job(threads=1, values={}, steps=tuple(steps))


@pytest.fixture
def gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A cache whose environment of MXNet was made with a Python that is no more."""
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path))
    python = Path(environments.interpreter("mxnet"))
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "removed" / "python3.11")
    (environments.directory("mxnet") / environments.COMPLETE).touch()
    return {"TWINBENCH_CACHE_DIR": str(tmp_path)}


def test_a_checkouts_workers_run_its_own_code_whoever_made_the_environment(tmp_path: Path):
    def load(name: str) -> dict[str, Any]:
        script = CHECKOUT.replace("{JOB}", repr(job("probe-a").as_json()))
        variables = os.environ | {"PYTHONPATH": str(tmp_path / name), "TWINBENCH_CACHE_DIR": str(tmp_path / "cache")}
        done = subprocess.run(
            [sys.executable, "-c", script], env=variables, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    for name, answer in (("first", 1), ("second", 2)):
        copy = tmp_path / name / "twinbench"
        shutil.copytree(paths.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        with (copy / "worker" / "memory.py").open("a") as code:
            code.write(f"\n\ndef rss_bytes() -> int:\n    return {answer}\n")
    assert load("first")["rss_bytes"] == 1
    assert load("second")["rss_bytes"] == 2
    shutil.rmtree(tmp_path / "first")
    assert load("second")["rss_bytes"] == 2


MAKING = """
from twinbench.launch import environments
environments.ENVIRONMENTS["bare"] = environments.Environment("bare", ("pip",), (3, 99), "it is a test's")
print(environments.create("bare", print))
"""


def test_of_two_that_make_an_environment_at_once_one_waits_for_the_other(tmp_path):
    env = os.environ | {"TWINBENCH_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", MAKING]
    both = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(len(lines) for lines in said) == [1, 3], "one made it, the other found it there"
    assert {lines[-1] for lines in said} == {str(tmp_path / "environments" / "bare")}


def test_an_environment_whose_python_is_gone_is_unavailable_and_says_so(twinbench, gone):
    (found,) = [
        f for f in json.loads(twinbench("list", "--json", env=gone).stdout)["frameworks"] if f["name"] == "MXNet"
    ]
    assert not found["installed"]
    assert "is gone; run 'twinbench env create mxnet'" in found["reason"] or "run it with 3.11" in found["reason"]
    assert "yes" not in twinbench("env", "list", env=gone).stdout, "so that it is made anew"


def test_a_worker_that_can_not_be_started_is_a_failure_and_leaves_nothing(gone):
    this = psutil.Process()
    children, descriptors = this.children(), this.num_fds()
    with pytest.raises(WorkerFailure, match=r"can't be started: .*bin/python") as failed:
        Worker(job("probe-a"), os.environ, environment="mxnet")
    assert failed.value.kind == "unavailable"
    assert this.num_fds() == descriptors
    with pytest.raises(WorkerFailure, match="can't be started"):
        Team({None: job("probe-a"), "mxnet": job("probe-b")}, os.environ)
    assert this.children() == children


def test_a_stack_over_two_environments_agrees_and_its_handover_is_a_boundary(twinbench, store, mxnet: Path):
    stacks = ["--stack", "NumPy+MXNet", "--stack", "NumPy+torch"]
    done = twinbench("run", "flights-delay", *stacks, "--budget", "0.3", "--no-track", "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    cells = {cell["stack"]: cell for cell in json.loads(done.stdout)["pipelines"][0]["cells"]}
    assert {cell["status"] for cell in cells.values()} == {"done"}
    assert cells["NumPy+MXNet"]["quality"]["roc_auc"]["mean"] == pytest.approx(
        cells["NumPy+torch"]["quality"]["roc_auc"]["mean"], abs=0.005
    )
    steps = {step["step"]: step for step in cells["NumPy+MXNet"]["steps"]}
    assert steps["mlp"]["boundary_in_s"] > 0
    assert set(cells["NumPy+MXNet"]["imports_s"]) == {"NumPy", "MXNet"}
    with store() as results:
        (cell,) = [c for c in results.cells(results.find_run().id) if c.stack == "NumPy+MXNet"]
        facts = {fact.key: fact.value for fact in results.facts(cell.id) if fact.step == ""}
        assert facts["versions"]["MXNet"] == {"mxnet": "1.9.1", "numpy": "1.23.5"}
        assert facts["versions"]["NumPy"]["numpy"] != "1.23.5"
        assert all(count == 1 for pools in facts["threads"].values() for count in pools.values())


def test_a_library_without_its_environment_is_unavailable_and_says_how_to_make_it(twinbench, tmp_path: Path):
    elsewhere = {"TWINBENCH_CACHE_DIR": str(tmp_path)}
    done = twinbench("list", "--json", env=elsewhere)
    (found,) = [f for f in json.loads(done.stdout)["frameworks"] if f["name"] == "MXNet"]
    assert not found["installed"]
    assert "twinbench env create mxnet" in found["reason"] or "run it with 3.11" in found["reason"]
    assert "no" in twinbench("env", "list", env=elsewhere).stdout


def test_removing_what_is_half_made_leaves_nothing(twinbench, tmp_path: Path):
    elsewhere = {"TWINBENCH_CACHE_DIR": str(tmp_path)}
    (tmp_path / "environments" / "mxnet" / "bin").mkdir(parents=True)
    assert "yes" not in twinbench("env", "list", env=elsewhere).stdout, "a half of one is none"
    assert "is removed" in twinbench("env", "remove", "mxnet", env=elsewhere).stdout
    assert not (tmp_path / "environments" / "mxnet").exists()
    assert "was not there" in twinbench("env", "remove", "mxnet", env=elsewhere).stdout


def test_an_unknown_environment_names_the_nearest(twinbench):
    done = twinbench("env", "create", "mxnett")
    assert done.returncode == 2
    assert "did you mean 'mxnet'?" in done.stderr
