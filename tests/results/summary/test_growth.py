"""The exponent of time over amount, and whether one exponent fits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tests.results.make_store import make_store
from twinbench.numbers import fisher
from twinbench.numbers.spreads import Spreads
from twinbench.numbers.stats import Interval
from twinbench.results.summary.growth import fit
from twinbench.results.summary.run import summarise
from twinbench.store.records import PlannedPipeline, Sample, Status
from twinbench.store.store import Store

STILL = Spreads(run_sd=1e-6)


def exact(times):
    """Times that are known exactly."""
    return {amount: Interval(time, time, time, 1e-9, 3) for amount, time in times.items()}


@given(st.floats(-3, 3), st.floats(1e-6, 1e3))
def test_a_power_law_is_found_exactly(exponent: float, factor: float):
    found = fit(exact({amount: factor * amount**exponent for amount in (1e3, 1e4, 1e6)}), Spreads())
    assert found.exponent == pytest.approx(exponent, abs=1e-9)
    assert found.half == pytest.approx(0, abs=1e-6)
    assert found.misfit > 0.999


def test_two_sizes_give_a_slope_and_no_interval():
    found = fit(exact({10.0: 1.0, 1000.0: 100.0}), STILL)
    assert (found.exponent, found.half, found.misfit) == (pytest.approx(1.0), None, None)


def drawn(rng, curve=0.0, sizes=4, processes=4, sd=0.05):
    """Times of four processes at each amount; ``curve`` bends the line."""
    times = {}
    for position in range(sizes):
        logs = position * 1.2 + curve * position**2 + rng.normal(0, sd, processes)
        error = float(logs.std(ddof=1)) / math.sqrt(processes)
        times[float(math.exp(position))] = Interval(math.exp(logs.mean()), 0, 0, error, processes - 1)
    return times


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        found = fit(drawn(rng), STILL)
        hits += abs(found.exponent - 1.2) <= found.half
    assert 930 <= hits <= 970


@pytest.mark.parametrize("sizes", [3, 5])
def test_a_straight_line_is_called_bent_in_one_of_twenty_cases_and_a_bent_one_nearly_always(sizes):
    rng = np.random.default_rng(sizes)
    straight = [fit(drawn(rng, sizes=sizes), STILL).misfit < 0.05 for _ in range(1500)]
    assert 0.03 <= np.mean(straight) <= 0.07
    bent = [fit(drawn(rng, curve=0.15, sizes=sizes), STILL).misfit < 0.05 for _ in range(200)]
    assert np.mean(bent) > 0.9
    slow_hours = [fit(drawn(rng, sizes=sizes), Spreads(run_sd=0.2)).misfit < 0.05 for _ in range(200)]
    assert np.mean(slow_hours) == 0, "sizes aren't measured side by side"


@given(st.floats(0.01, 50), st.integers(1, 8), st.floats(0.5, 200))
def test_the_f_distribution_is_scipys(value, df1, df2):
    assert fisher.upper_tail(value, df1, df2) == pytest.approx(scipy.stats.f.sf(value, df1, df2), abs=1e-8)


@pytest.mark.parametrize(("ms", "fits"), [((1.0, 10.0, 100.0), True), ((10.0, 11.0, 100.0), False)])
def test_a_summary_says_whether_one_exponent_fits(tmp_path, ms, fits):
    run = make_store(tmp_path / "s.db")
    spec = {"modality": "probe", "steps": [{"id": "a", "op": "probe.noop"}]}
    with Store.open(tmp_path / "s.db") as store:
        for amount, time in zip((1e3, 1e4, 1e5), ms, strict=True):
            store.add_pipeline(run, PlannedPipeline("p", f"{amount:.0e}", spec, {"amount": amount}))
            cell = store.add_cell(run, "p", "one", f"{amount:.0e}", {"a": "one"}, "f")
            samples = [Sample(p, 0, "a", "steady", 1e6 * time * (1 + 0.01 * p)) for p in range(4)]
            store.add_samples(cell, samples)
            store.set_status(cell, Status.DONE)
        (growth,) = summarise(store, run).growth
    assert growth.fits is fits
    assert (growth.low is None) is not fits
    assert growth.smallest == pytest.approx(math.log10(ms[1] / ms[0]), abs=0.02)
    assert growth.largest == pytest.approx(math.log10(ms[2] / ms[1]), abs=0.02)
