"""The Julia loop, reached from Python, and the two loops against each other."""

from __future__ import annotations

import numpy as np

from twinbench.worker.measure import MIN_SAMPLE_NS
from twinbench.worker.trend import LEAST_SAMPLES


def test_the_protocol_runs_inside_julia(in_julia):
    told = in_julia("protocol", 200.0)
    assert told["evals"] >= 4
    assert told["warm"].discarded >= LEAST_SAMPLES
    assert told["warm"].trend in ("settled", "faster", "slower")
    assert told["warm"].allocated_bytes < 1000
    assert told["first"].evals == 1
    assert told["first"].wall_ns >= 200_000
    assert len(told["timings"]) == 5
    for timing in told["timings"]:
        assert timing.evals == told["evals"]
        assert timing.wall_ns >= 200_000
        assert timing.wall_ns * timing.evals >= MIN_SAMPLE_NS / 2
        assert timing.gc_ns == 0
    np.testing.assert_array_equal(told["value"]["value"], np.zeros(1))


def test_both_loops_agree_on_the_same_busy_wait(in_julia):
    """Within 2 %. Other work on the machine can spoil a try, but not make two wrong loops agree."""
    for _ in range(5):
        python, julia = in_julia("spin_medians", 1000.0, 5)
        if abs(julia / python - 1) < 0.02:
            return
    raise AssertionError(f"Python: {python} ns, Julia: {julia} ns")
