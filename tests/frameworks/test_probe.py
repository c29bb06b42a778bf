"""The frameworks by which the harness measures itself."""

from __future__ import annotations

from twinbench.frameworks import probe
from twinbench.ops.probe import Work


def test_the_slow_probe_does_five_percent_more_of_the_same_work(monkeypatch):
    loop, done = probe._loop, []
    monkeypatch.setattr(probe, "_loop", lambda turns: done.append(loop(turns)))
    probe.work(Work(loops=1000))
    probe.work_slow(Work(loops=1000))
    assert done == [sum(range(1000)), sum(range(1050))]


def test_both_loops_are_as_deep_in_the_stack(monkeypatch):
    """From C and from Python, CPython 3.11 runs the same loop at different speeds."""
    import sys

    depths = []

    def loop(turns):
        frame, depth = sys._getframe(), 0
        while frame is not None:
            frame, depth = frame.f_back, depth + 1
        depths.append(depth)
        return 0

    monkeypatch.setattr(probe, "_loop", loop)
    for work in (probe.work, probe.work_slow):
        work(Work())
    assert len(set(depths)) == 1
