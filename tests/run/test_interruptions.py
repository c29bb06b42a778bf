"""A run that is killed, stopped or cut off from its store loses nothing that it measured."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def temporary(places: dict[str, str], tmp_path: Path) -> Path:
    """The directory for the temporary files of commands."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    places["TMPDIR"] = str(directory)
    return directory


def start(arguments: list[str], places: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a command, a run with one process per cell."""
    return subprocess.Popen(
        [sys.executable, "-m", "twinbench", *arguments, "--processes", "1"],
        env=places,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_samples(places: dict[str, str], pipeline: str, least: int) -> None:
    path = Path(places["TWINBENCH_DATA_DIR"]) / "results.db"
    query = "SELECT count(*) FROM samples JOIN cells ON cell_id = id WHERE pipeline = ? AND samples.kind = 'steady'"
    for _ in range(600):
        time.sleep(0.1)
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                if db.execute(query, (pipeline,)).fetchone()[0] >= least:
                    return
        except sqlite3.Error:
            continue
    raise AssertionError("no samples within a minute")


def everything(results, run_id: str) -> dict[tuple[str, str], list]:
    return {(cell.pipeline, cell.stack): results.samples(cell.id) for cell in results.cells(run_id)}


def test_a_killed_run_is_resumed_without_repeating_or_losing_anything(twinbench, store, places, temporary):
    arguments = ["run", "noop", "work", "--stack", "probe-a", "--stack", "probe-b", "--budget", "3", "--no-track"]
    harness = start(arguments, places)
    wait_for_samples(places, "work", 6)
    workers = psutil.Process(harness.pid).children(recursive=True)
    assert workers
    harness.kill()
    harness.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive, "workers outlived their harness, the stopped ones among them"
    assert list(temporary.iterdir())
    with store() as results:
        run = results.find_run()
        before = everything(results, run.id)
        statuses = {(c.pipeline, c.stack): c.status for c in results.cells(run.id)}
    assert statuses["noop", "probe-a"] == "done"
    assert statuses["work", "probe-a"] == "running"

    done = twinbench(*arguments, "--resume")
    assert done.returncode == 0, done.stderr
    assert not list(temporary.iterdir()), "what a dead harness left wasn't removed"
    with store() as results:
        assert [r.id for r in results.runs()] == [run.id]
        after = everything(results, run.id)
        assert {cell.status for cell in results.cells(run.id)} == {"done"}
    for cell, samples in before.items():
        assert after[cell][: len(samples)] == samples, "a sample was changed or lost"
    assert after["noop", "probe-a"] == before["noop", "probe-a"], "a finished cell was measured again"
    assert len(after["work", "probe-a"]) > len(before["work", "probe-a"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_keeps_what_was_measured_and_prints_how_to_resume(store, places, temporary, number):
    places.pop("TWINBENCH_TRACK_TIMEOUT", None)  # it would be part of the command to go on with
    harness = start(["run", "work", "--budget", "60", "--no-track"], places)
    wait_for_samples(places, "work", 6)
    workers = psutil.Process(harness.pid).children(recursive=True)
    assert psutil.STATUS_STOPPED in {worker.status() for worker in workers}
    harness.send_signal(number)
    harness.send_signal(number)
    _, err = harness.communicate(timeout=30)
    assert harness.returncode == 130
    assert b"twinbench run work --budget 60 --processes 1 --no-track --resume" in err
    assert b"Traceback" not in err
    assert not [worker for worker in workers if worker.is_running()]
    assert not list(temporary.iterdir())
    with store() as results:
        assert results.find_run().status == "interrupted"


BROKEN = """
    from collections.abc import Mapping
    from dataclasses import replace
    from twinbench.frameworks.probe import FRAMEWORKS as PROBES

    class Odd(dict):
        def get(self, name, default=None): raise RuntimeError("nobody thought of this")

    FRAMEWORKS = (replace(PROBES[0], name="odd", deviations=Odd()),)
"""


def test_an_unexpected_exception_fails_the_run_and_its_cells(twinbench, store, plugin):
    env = plugin("broken", BROKEN)
    stacks = ["--stack", "odd", "--stack", "probe-a"]
    done = twinbench("run", "noop", *stacks, "--budget", "0.1", "--no-track", env=env)
    assert done.returncode == 1
    assert "unexpected RuntimeError: nobody thought of this" in done.stderr
    with store() as results:
        run = results.find_run()
        assert run.status == "failed"
        cells = results.cells(run.id)
    assert [(cell.status, cell.kind) for cell in cells] == [("failed", "exception")] * 2
    assert all("unexpected RuntimeError: nobody thought of this" in cell.reason for cell in cells)


def test_a_run_at_work_is_not_resumed_by_another(twinbench, places):
    harness = start(["run", "work", "--budget", "60", "--no-track"], places)
    try:
        wait_for_samples(places, "work", 3)
        second = twinbench("run", "work", "--budget", "60", "--no-track", "--resume")
        assert second.returncode == 2
        assert f"process {harness.pid}" in second.stderr
    finally:
        harness.send_signal(signal.SIGINT)
        harness.communicate(timeout=30)


def test_two_runs_share_a_store(store, places):
    arguments = ["run", "noop", "--budget", "1", "--no-track"]
    both = [start(arguments, places) for _ in range(2)]
    for harness in both:
        _, err = harness.communicate(timeout=60)
        assert harness.returncode == 0, err
    with store() as results:
        assert len(results.runs()) == 2
        for run in results.runs():
            assert {cell.status for cell in results.cells(run.id)} == {"done"}
            assert all(results.samples(cell.id) for cell in results.cells(run.id))


def test_a_full_disk_is_one_line_and_corrupts_nothing(twinbench, store):
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    twinbench("run", "noop", "--budget", "0.1", "--no-track")
    done = twinbench("run", "noop", "--budget", "60", "--no-track", preexec_fn=little_room, timeout=100)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("twinbench: error: ")
    assert "Traceback" not in done.stderr
    with store() as results:
        assert len(results.runs()) == 2
        assert all(cell.status == "done" for cell in results.cells(results.runs()[1].id))


def test_a_store_in_an_impossible_place_is_one_line(twinbench):
    for place in (os.devnull + "/results.db", "/proc/results.db"):
        done = twinbench("run", "noop", "--store", place)
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1
        assert place.rpartition("/")[0] in done.stderr
