"""Measuring time goes where it makes a comparison sharper, and none goes where it would change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbench.numbers import allocation

POSITIVE = st.floats(1e-6, 1e3)


@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1, max_size=20))
def test_the_time_of_a_round_is_shared_by_spread_over_the_root_of_the_cost(parts):
    costs, spreads = zip(*parts, strict=True)
    found = allocation.efforts(costs, spreads)
    assert all(allocation.LEAST_EFFORT <= effort <= allocation.MOST_EFFORT for effort in found)
    inside = [
        (effort, spread / cost**0.5)
        for effort, cost, spread in zip(found, costs, spreads, strict=True)
        if allocation.LEAST_EFFORT < effort < allocation.MOST_EFFORT
    ]
    for effort, want in inside:
        assert effort / want == pytest.approx(inside[0][0] / inside[0][1])
    if len(inside) == len(found):
        taken = sum(effort * cost for effort, cost in zip(found, costs, strict=True))
        assert taken == pytest.approx(sum(costs))


def test_the_shared_time_gives_a_smaller_variance_than_an_even_one():
    costs, spreads = [0.01, 0.2, 0.2], [0.0001, 0.02, 0.008]

    def variance(efforts: list[float]) -> float:
        return sum(spread**2 / effort for spread, effort in zip(spreads, efforts, strict=True))

    assert variance(allocation.efforts(costs, spreads)) < 0.9 * variance([1.0] * 3)
    assert allocation.efforts(costs, [0.0] * 3) == [1.0] * 3, "nothing is known yet"


@pytest.mark.parametrize(("within", "blocks", "matter"), [(0.02, 3, True), (0.002, 3, False), (0.02, 40, False)])
def test_blocks_matter_until_a_process_is_known_far_better_than_processes_differ(within, blocks, matter):
    rng = np.random.default_rng(5)
    found = [allocation.blocks_matter(rng.normal(0, within, (1, blocks)).tolist(), 0.02) for _ in range(50)]
    assert abs(float(np.mean(found)) - matter) < 0.3, "three blocks may be alike by chance"


def test_processes_that_differ_much_make_blocks_matter_less():
    rng = np.random.default_rng(6)
    last = rng.normal(0, 0.02, 6).tolist()
    assert allocation.blocks_matter([[0.0], [0.001], [0.0], last], 0.01)
    assert not allocation.blocks_matter([[0.3], [-0.2], [0.4], last], 0.01)


def test_one_block_says_nothing_about_its_process():
    assert allocation.blocks_matter([[1.0]], 0.02)
