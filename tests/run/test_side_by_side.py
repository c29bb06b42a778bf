"""Work on several workers at once: threads that wait for one another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from threading import Barrier, Event

import pytest

from twinbench.run.side_by_side import lanes, side_by_side

PATIENCE_S = 30.0


def nothing() -> None:
    """An abort that isn't needed."""


def test_as_many_parts_run_at_once_as_are_allowed():
    barrier = Barrier(2)
    work = {name: lambda: barrier.wait(PATIENCE_S) for name in "abcd"}
    done = dict(side_by_side(work, 2, nothing))
    assert sorted(future.result() for future in done.values()) == [0, 0, 1, 1]


def test_with_a_single_lane_parts_follow_each_other():
    running: list[str] = []

    def part(name: str) -> list[str]:
        running.append(name)
        time.sleep(0.01)
        seen = running.copy()
        running.remove(name)
        return seen

    work = {name: lambda name=name: part(name) for name in "abc"}
    assert [future.result() for _, future in side_by_side(work, 1, nothing)] == [["a"], ["b"], ["c"]]


def test_the_error_of_a_part_is_its_own():
    work = {"good": lambda: 1, "bad": lambda: 1 // 0}
    done = dict(side_by_side(work, 2, nothing))
    assert done["good"].result() == 1
    with pytest.raises(ZeroDivisionError):
        done["bad"].result()


def test_who_leaves_early_waits_for_nothing_but_the_abort():
    aborted, begun = Event(), []

    def part(name: str) -> bool:
        begun.append(name)
        return aborted.wait(PATIENCE_S)

    work = {"quick": lambda: True} | {name: lambda name=name: part(name) for name in ("running", "queued", "last")}
    start = time.monotonic()
    with closing(side_by_side(work, 2, aborted.set)) as parts:
        assert next(parts)[0] == "quick"
    assert aborted.is_set()
    assert time.monotonic() - start < PATIENCE_S
    assert "last" not in begun


def test_each_worker_has_its_cores():
    cores = len(os.sched_getaffinity(0))
    assert lanes(1) == cores
    assert lanes(cores) == 1
    assert lanes(cores + 1) == 1


STUCK = """
    import time
    from dataclasses import replace
    from pathlib import Path

    from twinbench.frameworks import probe

    asked = []

    def extract(value, kind):
        asked.append(kind)
        if len(asked) > 1:
            Path(__file__).with_name("stuck").touch()
            time.sleep(600)
        return probe.extract(value, kind)

    FRAMEWORKS = (replace(probe.FRAMEWORKS[0], name="stuck", extract=extract),)
"""


def test_ctrl_c_ends_checks_of_several_stacks_at_once(plugin, places, store, tmp_path):
    env = places | plugin("stuck", STUCK)
    arguments = ["run", "noop", "--stack", "stuck", "--stack", "probe-a", "--budget", "0.1", "--processes", "1"]
    command = [sys.executable, "-m", "twinbench", *arguments, "--no-track"]
    harness = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(600):
        if (tmp_path / "site" / "stuck").exists():
            break
        time.sleep(0.1)
    harness.send_signal(signal.SIGINT)
    _, err = harness.communicate(timeout=30)
    assert harness.returncode == 130, err
    assert b"Traceback" not in err
    with store() as results:
        assert {cell.status for cell in results.cells(results.find_run().id)} == {"running"}
