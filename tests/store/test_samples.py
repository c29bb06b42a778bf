"""Figures of a cell's samples: the garbage collector is in the median, and rare slow samples in mean and tail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench.store.records import Sample
from twinbench.store.samples import figures


def sample(wall_ns: float, *, gc_ns: float | None = 0.0, collector_ns: float | None = None, process: int = 0) -> Sample:
    return Sample(process, 0, "a", "steady", wall_ns, 4, wall_ns, gc_ns, collector_ns=collector_ns)


def seconds(samples: list[Sample]) -> list[float]:
    return [time for block in figures(samples).steady["a"].values() for time in block]


@given(st.floats(1e3, 1e9), st.floats(0, 1e9), st.integers(1, 20))
def test_pauses_that_fall_into_few_samples_are_paid_by_all(work: float, pause: float, rarely: int):
    walls = [work + pause, *[work] * (rarely - 1)]
    samples = [sample(wall, gc_ns=wall - work, collector_ns=pause / rarely) for wall in walls]
    found = figures(samples)
    assert seconds(samples) == pytest.approx([sum(walls) / rarely / 1e9] * rarely)
    assert found.mean("a") == pytest.approx(sum(walls) / rarely / 1e9)
    assert found.quantile("a", 1.0) == pytest.approx((work + pause) / 1e9), "the tail shows the pause itself"
    assert found.gc_share == pytest.approx(pause / sum(walls), abs=1e-12)


@pytest.mark.parametrize(("gc_ns", "collector_ns"), [(3.0, None), (None, 3.0), (None, None)])
def test_a_sample_without_an_account_pays_what_fell_into_it(gc_ns: float | None, collector_ns: float | None):
    assert seconds([sample(10.0, gc_ns=gc_ns, collector_ns=collector_ns)]) == pytest.approx([10e-9])


def test_a_mean_holds_what_a_median_leaves_out_and_gives_processes_the_same_weight():
    assert figures([sample(wall) for wall in (1e9, 1e9, 2e9)]).mean("a") == pytest.approx(4 / 3)
    uneven = [sample(1e9), sample(1e9), sample(1e9), sample(3e9, process=1)]
    assert figures(uneven).mean("a") == pytest.approx(2.0)
    assert figures(uneven).mean("b") is None


@given(st.lists(st.floats(1, 1e9), min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_is_a_measured_value_that_its_share_of_samples_does_not_exceed(walls: list[float], share: float):
    found = figures([sample(wall) for wall in walls]).quantile("a", share)
    measured = [wall * 1e-9 for wall in walls]
    assert found in measured
    assert sum(wall <= found for wall in measured) >= share * len(walls)
    assert sum(wall < found for wall in measured) <= share * len(walls)
